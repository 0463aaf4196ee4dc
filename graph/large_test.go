package graph_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/internal/access"
)

// pages are requests whose answers are pages of what there may be any number of.
var pages = []string{
	`{ users(first: 5) { totalCount nodes { displayName licenses { status } } } }`,
	`{ users(last: 5, search: "us") { totalCount nodes { displayName } } }`,
	`{ users(first: 5, filter: { productId: "{{suite}}" }) { totalCount nodes { displayName } } }`,
	`{ users(first: 5, filter: { planId: "{{mail}}" }) { totalCount nodes { displayName } } }`,
	`{ users(first: 5, filter: { hasLicense: true }) { totalCount nodes { displayName } } }`,
	`{ users(first: 5, filter: { hasLicense: false }) { totalCount nodes { displayName } } }`,
	`{ users(first: 5, filter: { hasLicenseError: true, groupId: "{{all}}" }) { totalCount nodes { displayName } } }`,
	`{ users(first: 5, filter: { hasLicenseError: false }) { totalCount nodes { displayName } } }`,
	`{ group(id: "{{all}}") { members(transitive: true, first: 5) { totalCount nodes { displayName } } } }`,
	`{ group(id: "{{red}}") { members(last: 5) { totalCount nodes { displayName } } } }`,
	`{ subscribedProduct(productId: "{{tool}}") { holders(first: 5) { totalCount nodes { displayName } } waiting(first: 5) { totalCount edges { place node { displayName } } } } }`,
	`{ subscribedProduct(productId: "{{suite}}") { assignments(first: 1) { totalCount nodes { createdAt } } } }`,
	`{ licenseErrors(first: 5) { totalCount nodes { message details { ... on SeatDetails { place } } } } }`,
	`{ licenseErrors(last: 5, filter: { productId: "{{tool}}" }) { totalCount nodes { code } } }`,
	`{ auditEvents(first: 5) { totalCount nodes { summary } } }`,
}

// bytesFor is what answering a request allocates: the least of some runs, since what else goes on
// only adds.
func (w *world) bytesFor(query string) uint64 {
	w.t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	query = w.named(query)
	least := uint64(math.MaxUint64)
	var before, after runtime.MemStats
	for range 5 {
		ctx := graphql.StartOperationTrace(access.With(w.t.Context(), &access.Access{TenantID: w.tenants["acme"], Name: "test", Roles: []access.Role{access.GlobalAdmin}}))
		runtime.ReadMemStats(&before)
		text, _ := w.run(ctx, w.executor, query, nil)
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
		if strings.HasPrefix(text, `{"errors"`) {
			w.t.Fatalf("%s: %s", query, text)
		}
	}
	return least
}

// What a server takes for a page does not depend on how many users there are: the rest of the list
// stays in the database.
func TestAPageTakesTheSameMemoryHoweverManyUsersThereAre(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, too")
	}
	each(t, func(w *world) {
		w.stock = nil
		w.staff(21)
		w.seats("twin-b", nil)
		few := make([]uint64, len(pages))
		for i, query := range pages {
			few[i] = w.bytesFor(query)
		}
		ids := make([]string, 200)
		for i := range ids {
			w.user(fmt.Sprintf("Use%03d", i))
			ids[i] = fmt.Sprintf("{{use%03d}}", i)
		}
		w.do(`mutation($m: [ID!]!) { addGroupMembers(input: { groupId: "{{red}}", memberIds: $m }) { userErrors { code } } }`, map[string]any{"m": ids})
		for i := range 6 { // whose audit events are short
			w.user(fmt.Sprintf("Last%d", i))
		}
		for i, query := range pages {
			if many := w.bytesFor(query); float64(many) > 1.3*float64(few[i]) {
				w.t.Errorf("%d bytes with 227 users, %d with 21: %s", many, few[i], query)
			}
		}
	})
}
