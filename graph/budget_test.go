package graph_test

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// shape is a kind of request with a price: what one of it costs once everything is in memory that
// a server keeps there.
type shape struct {
	name, query string
	undo        string // what makes it possible again, not counted; none for queries
}

// shapes are the requests that applications send most, and each kind of change. The lists of
// statements_test.go come on top.
var shapes = []shape{
	{"one user's licenses", `{ user(id: "{{user001}}") { displayName ` + licenseFields + ` } }`, ""},
	{"one user's licenses, by name", `{ user(userPrincipalName: "USER001@acme.example") { displayName ` + licenseFields + ` } }`, ""},
	{"checkPlan", `{ checkPlan(userId: "{{user001}}", planId: "{{mail}}") { allowed reason enabledBy { path { displayName } } } }`, ""},
	{"100 users with licenses", `{ users(first: 100) { nodes { displayName licenses { status product { displayName } } } } }`, ""},
	{"seats", `{ subscribedProducts(first: 100) { nodes { product { displayName } capability seats { total consumed available waiting inError } } } }`, ""},
	{"100 members", `{ group(id: "{{all}}") { members(transitive: true, first: 100) { nodes { id displayName } pageInfo { hasNextPage endCursor } } } }`, ""},
	{
		"add a member", `mutation { addGroupMembers(input: { groupId: "{{blue}}", memberIds: ["{{user000}}"] }) { changed userErrors { code } } }`,
		`mutation { removeGroupMembers(input: { groupId: "{{blue}}", memberIds: ["{{user000}}"] }) { changed userErrors { code } } }`,
	},
	{
		"remove a member", `mutation { removeGroupMembers(input: { groupId: "{{blue}}", memberIds: ["{{user002}}"] }) { changed userErrors { code } } }`,
		`mutation { addGroupMembers(input: { groupId: "{{blue}}", memberIds: ["{{user002}}"] }) { changed userErrors { code } } }`,
	},
	{
		"nest a group", `mutation { addGroupMembers(input: { groupId: "{{blue}}", memberIds: ["{{apart}}"] }) { changed userErrors { code } } }`,
		`mutation { removeGroupMembers(input: { groupId: "{{blue}}", memberIds: ["{{apart}}"] }) { changed userErrors { code } } }`,
	},
	{
		"assign to a user", `mutation { assignLicenses(input: { principalIds: ["{{user003}}"], add: [{ productId: "{{twin-a}}" }] }) { changed userErrors { code } } }`,
		`mutation { assignLicenses(input: { principalIds: ["{{user003}}"], remove: ["{{twin-a}}"] }) { changed userErrors { code } } }`,
	},
	{
		"assign to a group", `mutation { assignLicenses(input: { principalIds: ["{{all}}"], add: [{ productId: "{{twin-a}}" }] }) { changed userErrors { code } } }`,
		`mutation { assignLicenses(input: { principalIds: ["{{all}}"], remove: ["{{twin-a}}"] }) { changed userErrors { code } } }`,
	},
	{
		"remove from a group", `mutation { assignLicenses(input: { principalIds: ["{{all}}"], remove: ["{{twin-b}}"] }) { changed userErrors { code } } }`,
		`mutation { assignLicenses(input: { principalIds: ["{{all}}"], add: [{ productId: "{{twin-b}}" }] }) { changed userErrors { code } } }`,
	},
	{
		"select plans for a group", `mutation { assignLicenses(input: { principalIds: ["{{all}}"], add: [{ productId: "{{suite}}", plans: { except: ["{{chat}}"] } }] }) { changed userErrors { code } } }`,
		`mutation { assignLicenses(input: { principalIds: ["{{all}}"], add: [{ productId: "{{suite}}", plans: { except: [] } }] }) { changed userErrors { code } } }`,
	},
	{
		"buy seats for who waits", `mutation { updateSubscription(input: { id: "{{tool-seats}}", seats: 60 }) { changed userErrors { code } } }`,
		`mutation { cut: updateSubscription(input: { id: "{{tool-seats}}", seats: 50, allowOverAllocation: true }) { changed userErrors { code } }
			off: assignLicenses(input: { principalIds: ["{{red}}", "{{green}}", "{{blue}}"], remove: ["{{tool}}"] }) { userErrors { code } }
			on: assignLicenses(input: { principalIds: ["{{red}}", "{{green}}", "{{blue}}"], add: [{ productId: "{{tool}}" }] }) { userErrors { code } } }`,
	},
	{"try an assignment to a group", `mutation { assignLicenses(input: { principalIds: ["{{all}}"], add: [{ productId: "{{twin-a}}" }], dryRun: true }) {
		impact { usersGaining changes(first: 100) { totalCount nodes { kind user { displayName } } } } userErrors { code } } }`, ""},
	{"preview three changes", `{ preview(changes: [{ assignLicenses: { principalIds: ["{{blue}}"], add: [{ productId: "{{twin-a}}" }] } }
		{ updateUser: { id: "{{user004}}", usageLocation: "DE" } } { createSubscription: { productId: "{{twin-a}}", seats: 5 } }]) {
		previewToken impact { usersGaining changes(first: 100) { totalCount nodes { kind user { displayName } } } } results { userErrors { code } } } }`, ""},
	{
		"create a user", `mutation { createUser(input: { userPrincipalName: "new@acme.example", displayName: "New", usageLocation: "NL" }) { user { id } userErrors { code } } }`,
		"rename", // by newcomers
	},
	{
		"move a user", `mutation { updateUser(input: { id: "{{user004}}", usageLocation: "DE" }) { changed userErrors { code } } }`,
		`mutation { updateUser(input: { id: "{{user004}}", usageLocation: "NL" }) { changed userErrors { code } } }`,
	},
	{
		"delete a user", `mutation { deleteUser(input: { id: "{{user005}}" }) { changed userErrors { code } } }`,
		`mutation { restoreUser(input: { id: "{{user005}}" }) { changed userErrors { code } } }`,
	},
}

// The table of what each shape may cost.
const (
	budgetFile = "testdata/budget.txt"
	budgetHead = `# What a request of each shape costs on each database: SQL statements, exactly, and objects allocated,
# by which it may grow by a tenth. Once what a server keeps is in memory, with 100 users.
# To accept what it costs now, and say why in the commit: go test ./graph -run '^TestEachShape' -update
`
	tolerance = 0.10
)

// price is what a request costs.
type price struct{ statements, objects int }

// prices are those of shapes, by database and shape.
type prices map[string]price

// TestEachShapeOfRequestKeepsToItsPrice is the gate against getting slower unseen: statements and
// allocations are the same on any machine, times are not.
func TestEachShapeOfRequestKeepsToItsPrice(t *testing.T) {
	kept := readPrices(t)
	now := prices{}
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, ran *dbtest.Statements) {
		w := newWorld(t, db, ran)
		w.stock = nil
		w.staff(100)
		w.group("Apart", "user006")
		w.seats("twin-a", nil)
		w.seats("twin-b", nil)
		w.assign("twin-b", "all")
		all := slices.Clone(shapes)
		for _, l := range lists {
			all = append(all, shape{name: "list: " + l.name, query: l.query})
		}
		for _, s := range all {
			key := fmt.Sprintf("%s\t%s", db.Dialect(), s.name)
			now[key] = w.price(s)
			if !*update {
				now[key].compare(t, s.name, kept[key])
			}
		}
	})
	switch {
	case *update:
		writePrices(t, kept, now)
	case len(kept) > len(now) && !t.Failed():
		t.Errorf("%s has lines of shapes that there are no more: run it with -update", budgetFile)
	}
}

// compare tells what has grown, and how to accept it.
func (p price) compare(t *testing.T, name string, kept price) {
	t.Helper()
	if kept == (price{}) {
		t.Errorf("%s costs %d statements and %d objects, and has no line in %s: run it with -update", name, p.statements, p.objects, budgetFile)
		return
	}
	const accept = "Is that what it should cost? Then run it with -update, and say why in the commit."
	if p.statements != kept.statements {
		t.Errorf("%s takes %d SQL statements, and took %d. %s", name, p.statements, kept.statements, accept)
	}
	if grown := float64(p.objects)/float64(kept.objects) - 1; !raceDetector && grown > tolerance {
		t.Errorf("%s allocates %d objects, and allocated %d: %.0f %% more, and %.0f %% may pass. %s", name, p.objects, kept.objects, grown*100, tolerance*100, accept)
	}
}

// price measures a shape: the least of some runs, since what else goes on only adds.
func (w *world) price(s shape) price {
	w.t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as testing.AllocsPerRun
	caller := &access.Access{TenantID: w.tenants["acme"], Name: "test", Roles: []access.Role{access.GlobalAdmin}}
	run := func(query string) {
		w.t.Helper()
		ctx := graphql.StartOperationTrace(access.With(w.t.Context(), caller))
		text, _ := w.run(ctx, w.executor, query, nil)
		if strings.HasPrefix(text, `{"errors"`) || strings.Contains(text, `"userErrors":[{`) || strings.Contains(text, `"changed":false`) && !strings.Contains(query, "dryRun") {
			w.t.Fatalf("%s: %s", query, text)
		}
	}
	query, undo := w.named(s.query), w.named(s.undo)
	least := price{math.MaxInt, math.MaxInt}
	var before, after runtime.MemStats
	for n := range 8 {
		asked := query
		if s.undo == "rename" {
			asked = strings.ReplaceAll(query, "new@", fmt.Sprintf("new%d@", n))
		}
		w.ran.Reset()
		runtime.ReadMemStats(&before)
		run(asked)
		runtime.ReadMemStats(&after)
		if n > 1 { // the first ones fill what is kept
			least = price{min(least.statements, w.ran.Count()), min(least.objects, int(after.Mallocs-before.Mallocs))} //nolint:gosec // a few thousands
		}
		if undo != "" && undo != "rename" {
			run(undo)
		}
	}
	return least
}

func readPrices(t *testing.T) prices {
	t.Helper()
	text, err := os.ReadFile(budgetFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	kept := prices{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		var p price
		database, rest, _ := strings.Cut(line, " ")
		if _, err := fmt.Sscan(rest, &p.statements, &p.objects); err != nil {
			t.Fatalf("%s: %q: %v", budgetFile, line, err)
		}
		fields := strings.Fields(rest)
		kept[database+"\t"+strings.Join(fields[2:], " ")] = p
	}
	return kept
}

// writePrices writes the table. Where the number of objects is within the tolerance the line stays,
// so that it cannot creep up by many small steps, and a change of it means something.
func writePrices(t *testing.T, kept, now prices) {
	t.Helper()
	if raceDetector {
		t.Fatal("the race detector allocates, too: run it without")
	}
	var out strings.Builder
	out.WriteString(budgetHead)
	for _, key := range slices.Sorted(maps.Keys(now)) {
		p, old := now[key], kept[key]
		if old != (price{}) && math.Abs(float64(p.objects)/float64(old.objects)-1) <= tolerance {
			p.objects = old.objects
		}
		database, name, _ := strings.Cut(key, "\t")
		fmt.Fprintf(&out, "%-8s %3d %6d  %s\n", database, p.statements, p.objects, name)
	}
	if err := os.WriteFile(budgetFile, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
