package tenantgraph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// named is an id of which kind and number can be read off; within a kind the order of ids is
// the order of numbers.
func named(kind, n byte) uuid.UUID { return uuid.UUID{0: kind, 15: n} }

// The products of these tests, base (mail, talk) and suite (drive, note), and a plan of none.
var (
	base, suite                   = named(3, 1), named(3, 2)
	mail, talk, drive, note, left = named(4, 1), named(4, 2), named(4, 3), named(4, 4), named(4, 5)
)

func catalog(productPlans map[uuid.UUID][]uuid.UUID, exclusions ...tenantgraph.Exclusion) tenantgraph.CatalogData {
	plan := func(id uuid.UUID, name string) tenantgraph.Plan {
		return tenantgraph.Plan{ID: id, ServicePlanName: strings.ToUpper(name), DisplayName: name, DisplayNameKey: strings.ToLower(name)}
	}
	product := func(id uuid.UUID, name string) tenantgraph.Product {
		return tenantgraph.Product{ID: id, SkuPartNumber: strings.ToUpper(name), DisplayName: name, DisplayNameKey: strings.ToLower(name)}
	}
	return tenantgraph.CatalogData{
		Products:     []tenantgraph.Product{product(suite, "Suite"), product(base, "Base")},
		Plans:        []tenantgraph.Plan{plan(note, "Note"), plan(talk, "Talk"), plan(mail, "Mail"), plan(left, "Left"), plan(drive, "Drive")},
		ProductPlans: productPlans, Exclusions: exclusions,
	}
}

func plain() map[uuid.UUID][]uuid.UUID {
	return map[uuid.UUID][]uuid.UUID{base: {talk, mail}, suite: {note, drive}}
}

// tenant builds a graph: groups by the first letters of their names, nestings, assignments.
// A live subscription of both products is there since instant 1.
type tenant struct{ tenantgraph.Data }

func newTenant(groups ...string) *tenant {
	tn := &tenant{tenantgraph.Data{Catalog: tenantgraph.NewCatalog(catalog(plain()), nil)}}
	for i, name := range groups {
		tn.Groups = append(tn.Groups, tenantgraph.GroupRow{
			Group: &principal.Group{ID: named(2, byte(i+1)), DisplayName: name}, NameKey: strings.ToLower(name),
		})
	}
	tn.Subscriptions = []*tenantgraph.Subscription{live(1, base, 1), live(2, suite, 1)}
	return tn
}

func live(n byte, product uuid.UUID, created clock.Instant) *tenantgraph.Subscription {
	return &tenantgraph.Subscription{ID: named(6, n), ProductID: product, Status: "ENABLED", CreatedAt: created, LiveSince: &created}
}

func cancelled(n byte, product uuid.UUID, created, ended clock.Instant) *tenantgraph.Subscription {
	return &tenantgraph.Subscription{ID: named(6, n), ProductID: product, Status: "CANCELLED", CreatedAt: created, LiveSince: &created, CancelledAt: &ended}
}

// as is a subscription in another status.
func as(status string, s *tenantgraph.Subscription) *tenantgraph.Subscription {
	s.Status = status
	return s
}

// from is a subscription that was bought before it began.
func from(began clock.Instant, s *tenantgraph.Subscription) *tenantgraph.Subscription {
	s.LiveSince = &began
	return s
}

// scheduled is one that has not begun.
func scheduled(n byte, product uuid.UUID, created clock.Instant) *tenantgraph.Subscription {
	return &tenantgraph.Subscription{ID: named(6, n), ProductID: product, Status: "SCHEDULED", CreatedAt: created, StartsAt: created + 1000}
}

// never is one that was cancelled before it began.
func never(n byte, product uuid.UUID, created, ended clock.Instant) *tenantgraph.Subscription {
	return &tenantgraph.Subscription{ID: named(6, n), ProductID: product, Status: "CANCELLED", CreatedAt: created, CancelledAt: &ended}
}

// group is a group by its number, counted from 1.
func group(n int) uuid.UUID { return named(2, byte(n)) }

// nest makes child a member of parent, both by number, since an instant.
func (tn *tenant) nest(parent, child int, since clock.Instant) *tenant {
	tn.Nestings = append(tn.Nestings, tenantgraph.Nesting{Parent: group(parent), Child: group(child), Since: since})
	return tn
}

func of(n byte, owner int, product uuid.UUID) *tenantgraph.Assignment {
	return &tenantgraph.Assignment{
		ID: named(5, n), GroupID: group(owner), ProductID: product, IncludeNested: true, Selection: tenantgraph.Selection{Mode: tenantgraph.All},
	}
}

func (tn *tenant) assign(all ...*tenantgraph.Assignment) *tenant {
	tn.Assignments = append(tn.Assignments, all...)
	return tn
}

func (tn *tenant) graph() *tenantgraph.Graph { return tenantgraph.New(tn.Data) }

// path is the names of a path's groups.
func path(groups []*principal.Group) string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.DisplayName
	}
	return strings.Join(names, "/")
}

// reached is what reaches a group's members: assignment number and path.
func reached(all []tenantgraph.Reached) map[byte]string {
	m := map[byte]string{}
	for _, r := range all {
		m[r.ID[15]] = path(r.Path)
	}
	return m
}

// plansOf names the plans of a set.
func plansOf(g *tenantgraph.Catalog, set engine.PlanSet) string {
	var names []string
	for _, p := range g.PlansIn(set) {
		names = append(names, p.DisplayName)
	}
	return strings.Join(names, " ")
}

func wantIDs(t *testing.T, what string, got, want []uuid.UUID) {
	t.Helper()
	order := func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
	got, want = slices.SortedFunc(slices.Values(got), order), slices.SortedFunc(slices.Values(want), order)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
