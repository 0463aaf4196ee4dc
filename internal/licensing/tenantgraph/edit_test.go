package tenantgraph_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// staff is All ⊃ Sales ⊃ Team and a group of its own, with base for all and suite for Sales.
func staff() *tenant {
	return newTenant("All", "Sales", "Team", "Apart").nest(1, 2, 1).nest(2, 3, 1).assign(of(1, 1, base), of(2, 2, suite))
}

// Exactly those groups are named whose members something else reaches.
func TestGroupsWhoseReachDiffersR1R2(t *testing.T) {
	all, none := []uuid.UUID{group(1), group(2), group(3)}, []uuid.UUID(nil)
	sales := []uuid.UUID{group(2), group(3)}
	only := func(a *tenantgraph.Assignment, plans ...uuid.UUID) *tenantgraph.Assignment {
		a.Selection = tenantgraph.Selection{Mode: tenantgraph.Only, Plans: plans}
		return a
	}
	for _, c := range []struct {
		name string
		edit func(e *tenantgraph.Edit)
		want []uuid.UUID
	}{
		{"nothing", func(*tenantgraph.Edit) {}, none},
		{"a new assignment", func(e *tenantgraph.Edit) { e.PutAssignment(of(9, 2, base)) }, sales},
		{"one that goes", func(e *tenantgraph.Edit) { e.DropAssignment(named(5, 1)) }, all},
		{"another selection", func(e *tenantgraph.Edit) { e.PutAssignment(only(of(2, 2, suite), note)) }, sales},
		{"another form of the same selection", func(e *tenantgraph.Edit) { e.PutAssignment(only(of(2, 2, suite), note, drive)) }, none},
		{"one in place of another of the same product", func(e *tenantgraph.Edit) { e.DropAssignment(named(5, 2)); e.PutAssignment(of(8, 2, suite)) }, sales},
		{"first-level members only", func(e *tenantgraph.Edit) {
			a := of(1, 1, base)
			a.IncludeNested = false
			e.PutAssignment(a)
		}, sales},
		{"a nesting", func(e *tenantgraph.Edit) { e.Nest(tenantgraph.Nesting{Parent: group(2), Child: group(4)}) }, []uuid.UUID{group(4)}},
		{"a nesting that goes", func(e *tenantgraph.Edit) { e.Unnest(group(2), group(3)) }, []uuid.UUID{group(3)}},
		{"a second way", func(e *tenantgraph.Edit) { e.Nest(tenantgraph.Nesting{Parent: group(1), Child: group(3)}) }, none},
		{"a group that goes", func(e *tenantgraph.Edit) { e.DropGroup(group(4)) }, none},
		{"a group in between that goes", func(e *tenantgraph.Edit) { e.DropGroup(group(2)) }, sales},
		{"a new name", func(e *tenantgraph.Edit) { e.PutGroup(&principal.Group{ID: group(2), DisplayName: "S"}, "s") }, none},
		{"more seats", func(e *tenantgraph.Edit) { s := live(2, suite, 1); s.Seats = new(int); e.PutSubscription(s) }, none},
		{"the last live subscription ends", func(e *tenantgraph.Edit) { e.PutSubscription(cancelled(2, suite, 1, 9)) }, sales},
		{"a plan joins the product", func(e *tenantgraph.Edit) {
			grown := plain()
			grown[suite] = append(grown[suite], left)
			e.SetCatalog(tenantgraph.NewCatalog(catalog(grown), e.Graph().Catalog))
		}, sales},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := staff().graph()
			e := before.Edit()
			c.edit(e)
			wantIDs(t, "groups", tenantgraph.ReachDiffers(before, e.Graph()), c.want)
		})
	}
}

func TestFirstLiveSubscriptionMakesAProductReachR16(t *testing.T) {
	tn := staff()
	tn.Subscriptions = tn.Subscriptions[:1]
	before := tn.graph()
	e := before.Edit()
	e.PutSubscription(live(2, suite, 9))
	wantIDs(t, "groups", tenantgraph.ReachDiffers(before, e.Graph()), []uuid.UUID{group(2), group(3)})
}

// The graph before stays as it is, whatever becomes of the edit.
func TestEditLeavesTheGraphAsItIs(t *testing.T) {
	g := staff().graph()
	e := g.Edit()
	if !e.Empty() || e.Graph() != g {
		t.Error("an edit of nothing is another graph")
	}
	fresh := &principal.Group{ID: group(5), DisplayName: "New"}
	e.PutGroup(fresh, "new")
	e.Nest(tenantgraph.Nesting{Parent: group(3), Child: group(5), Since: 7})
	e.DropAssignment(named(5, 2))
	e.Unnest(group(1), group(2))
	e.PutSubscription(cancelled(1, base, 1, 8))
	after := e.Graph()
	if e.Empty() || after == g {
		t.Fatal("an edit is no other graph")
	}
	if g.Group(group(5)) != nil || !g.Nested(group(1), group(2)) || len(g.AssignmentsOf(group(2))) != 1 || !g.Subscription(named(6, 1)).Live() {
		t.Error("the edit changed the graph")
	}
	if after.Group(group(5)) != fresh || after.GroupNameKey(group(5)) != "new" || after.Nested(group(1), group(2)) ||
		len(after.AssignmentsOf(group(2))) != 0 || after.Subscription(named(6, 1)).Live() || !after.Nested(group(3), group(5)) {
		t.Error("the edited graph lacks a change")
	}
	if e.Graph() != after {
		t.Error("the edited graph is built twice")
	}
	e.PutAssignment(of(9, 5, suite))
	if len(e.Graph().AssignmentsOf(group(5))) != 1 {
		t.Error("a change after the graph was read is lost")
	}
	c := e.Changes()
	if len(c.Groups) != 1 || len(c.Nestings) != 2 || len(c.Assignments) != 2 || len(c.Subscriptions) != 1 {
		t.Errorf("the changes are %d groups, %d nestings, %d assignments, %d subscriptions", len(c.Groups), len(c.Nestings), len(c.Assignments), len(c.Subscriptions))
	}
	if gone, named := c.Assignments[named(5, 2)]; !named || gone != nil {
		t.Error("an assignment that goes is not among the changes")
	}
}

func TestDroppedGroupTakesItsNestingsAlongR20(t *testing.T) {
	e := staff().graph().Edit()
	e.DropAssignment(named(5, 2))
	e.DropGroup(group(2))
	g := e.Graph()
	if g.Group(group(2)) != nil || len(g.Children(group(1))) > 0 || len(g.Parents(group(3))) > 0 || len(g.Reach(group(3))) > 0 {
		t.Error("something of the group is left")
	}
	if n := len(e.Changes().Nestings); n != 2 {
		t.Errorf("%d nestings go, want 2", n)
	}
}

// What leaves in an edit and comes again is there; what comes and leaves is not.
func TestLastWordOfAnEditCounts(t *testing.T) {
	g := staff().graph()
	e := g.Edit()
	e.Unnest(group(1), group(2))
	e.Nest(tenantgraph.Nesting{Parent: group(1), Child: group(2), Since: 9})
	e.Nest(tenantgraph.Nesting{Parent: group(1), Child: group(4), Since: 9})
	e.Unnest(group(1), group(4))
	if !e.Graph().Nested(group(1), group(2)) || e.Graph().Nested(group(1), group(4)) {
		t.Error("not the last word counts")
	}
	if got := path(e.Path(group(1), group(3))); got != "All/Sales/Team" {
		t.Errorf("the path is %s", got)
	}
	if got := e.Path(group(1), group(4)); got != nil {
		t.Errorf("a path to where none leads: %s", path(got))
	}
}

func TestPathsThatPartAtTheirEndsAreToldApartR20(t *testing.T) {
	e := newTenant("A", "B", "C", "D", "E").nest(1, 2, 1).nest(2, 3, 1).nest(3, 4, 1).nest(3, 5, 1).graph().Edit()
	for range 20 { // nestings are in maps
		if d, e := path(e.Path(group(1), group(4))), path(e.Path(group(1), group(5))); d != "A/B/C/D" || e != "A/B/C/E" {
			t.Fatalf("the paths are %s and %s", d, e)
		}
	}
}

// The path that a refused nesting would close is that of the graph as edited, and the same each
// time.
func TestPathOfAnEditIsThatOfTheEditedGraphR20(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "groups")
		names := make([]string, n)
		for i := range names {
			names[i] = rapid.SampledFrom([]string{"A", "B"}).Draw(t, "name")
		}
		tn := newTenant(names...)
		for parent := 1; parent <= n; parent++ {
			for child := parent + 1; child <= n; child++ {
				if rapid.Bool().Draw(t, "nested before") {
					tn.nest(parent, child, 1)
				}
			}
		}
		e := tn.graph().Edit()
		for parent := 1; parent <= n; parent++ {
			for child := parent + 1; child <= n; child++ {
				switch rapid.IntRange(0, 3).Draw(t, "nesting changes") {
				case 1:
					e.Nest(tenantgraph.Nesting{Parent: group(parent), Child: group(child), Since: 2})
				case 2:
					e.Unnest(group(parent), group(child))
				}
			}
		}
		if rapid.Bool().Draw(t, "a group goes") {
			e.DropGroup(group(rapid.IntRange(1, n).Draw(t, "which")))
		}
		if rapid.Bool().Draw(t, "a group is renamed") {
			e.PutGroup(&principal.Group{ID: group(1), DisplayName: "B"}, "b")
		}
		g := e.Graph()
		for from := 1; from <= n; from++ {
			for to := 1; to <= n; to++ {
				if got, want := e.Path(group(from), group(to)), g.Path(group(from), group(to)); !slices.Equal(got, want) {
					t.Fatalf("from %d to %d the edit finds %v, its graph %v", from, to, got, want)
				}
			}
		}
	})
}
