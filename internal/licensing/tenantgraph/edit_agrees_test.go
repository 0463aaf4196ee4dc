package tenantgraph

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// facts are what graphs are made of, to be edited beside them.
type facts struct {
	groups        map[uuid.UUID]GroupRow
	nestings      map[[2]uuid.UUID]Nesting
	assignments   map[uuid.UUID]*Assignment
	subscriptions map[uuid.UUID]*Subscription
	catalog       *Catalog
}

func (f *facts) graph() *Graph {
	return New(Data{
		Catalog: f.catalog, Groups: slices.Collect(maps.Values(f.groups)), Nestings: slices.Collect(maps.Values(f.nestings)),
		Assignments: slices.Collect(maps.Values(f.assignments)), Subscriptions: slices.Collect(maps.Values(f.subscriptions)),
	})
}

// edit draws something to change, and changes it in both.
func (f *facts) edit(t *rapid.T, e *Edit, at clock.Instant) {
	n := func(label string, most int) int { return rapid.IntRange(0, most-1).Draw(t, label) }
	group := func(label string) uuid.UUID { return benchID(3, n(label, 7)) }
	switch n("kind", 7) {
	case 0:
		row := GroupRow{Group: &principal.Group{ID: group("group")}, NameKey: fmt.Sprint("name ", n("name", 3))}
		f.groups[row.ID] = row
		e.PutGroup(row.Group, row.NameKey)
	case 1, 2:
		// Later groups go below earlier ones, so that no circle arises.
		a, b := n("parent", 7), n("child", 7)
		if a >= b {
			return
		}
		key := [2]uuid.UUID{benchID(3, a), benchID(3, b)}
		if _, there := f.nestings[key]; there {
			delete(f.nestings, key)
			e.Unnest(key[0], key[1])
		} else if _, known := f.groups[key[0]]; known && e.group(key[1]) != nil {
			f.nestings[key] = Nesting{Parent: key[0], Child: key[1], Since: at}
			e.Nest(f.nestings[key])
		}
	case 3, 4:
		product, to := n("product", 3), group("group")
		id := benchID(4, product*7+int(to[15]))
		if _, known := f.groups[to]; !known {
			return
		}
		if _, there := f.assignments[id]; there && n("end", 2) == 0 {
			delete(f.assignments, id)
			e.DropAssignment(id)
			return
		}
		f.assignments[id] = &Assignment{
			ID: id, GroupID: to, ProductID: benchID(1, product), IncludeNested: n("nested", 3) > 0,
			Scheduled: n("scheduled", 3) == 0,
			Selection: Selection{Mode: Except, Plans: []uuid.UUID{benchID(2, n("plan", 4))}},
		}
		for excluded := range f.groups {
			if excluded != to && n("excluded", 6) == 0 {
				f.assignments[id].ExcludedGroups = append(f.assignments[id].ExcludedGroups, excluded)
			}
		}
		slices.SortFunc(f.assignments[id].ExcludedGroups, compareIDs)
		e.PutAssignment(f.assignments[id])
	case 5:
		s := &Subscription{ID: benchID(5, n("subscription", 4)), Status: []string{"ENABLED", "CANCELLED"}[n("status", 2)], LiveSince: &at, CreatedAt: at}
		s.ProductID = benchID(1, int(s.ID[15])%3)
		f.subscriptions[s.ID] = s
		e.PutSubscription(s)
	case 6:
		to := group("group")
		if _, known := f.groups[to]; !known || slices.ContainsFunc(slices.Collect(maps.Values(f.assignments)), func(a *Assignment) bool {
			return a.GroupID == to || slices.Contains(a.ExcludedGroups, to)
		}) {
			return
		}
		delete(f.groups, to)
		maps.DeleteFunc(f.nestings, func(key [2]uuid.UUID, _ Nesting) bool { return key[0] == to || key[1] == to })
		e.DropGroup(to)
	}
}

// told is all that a graph says of groups and products, in an order.
func told(g *Graph) (lines []string) {
	for _, group := range g.Groups() {
		line := fmt.Sprint(group.ID, " ", g.GroupNameKey(group.ID), ":")
		for _, a := range g.AssignmentsOf(group.ID) {
			line += fmt.Sprint(" has ", a.ID, a.Selected)
		}
		for _, r := range g.Reach(group.ID) {
			line += fmt.Sprint(" reached by ", r.ID, r.Selected, r.Since)
			for _, p := range r.Path {
				line += fmt.Sprint(" / ", p.ID)
			}
		}
		for _, d := range g.LiveReach(group.ID) {
			line += fmt.Sprint(" live ", d.ID)
		}
		for _, x := range g.Excluded(group.ID) {
			line += fmt.Sprint(" excluded from ", x.ID, x.Selected)
		}
		children := g.Descendants(group.ID)
		slices.SortFunc(children, compareIDs)
		lines = append(lines, line+fmt.Sprint(" above ", children))
	}
	for _, p := range g.Products {
		since, live := g.LiveSince(p.ID)
		line := fmt.Sprint(p.ID, since, live)
		for _, s := range g.Subscriptions(p.ID) {
			line += fmt.Sprint(" ", s.ID, s.Status)
		}
		groups := g.GroupsReachedBy([]uuid.UUID{p.ID})
		slices.SortFunc(groups, compareIDs)
		lines = append(lines, line+fmt.Sprint(" reaches ", groups))
	}
	slices.Sort(lines)
	return lines
}

// An edited graph shares with its base what the edit leaves alone. It is the graph that would be
// built of the facts, and its base stays what it was (R1, R2, R16).
func TestEditedGraphIsTheOneBuiltAnewR1(t *testing.T) {
	catalog := large().Catalog
	rapid.Check(t, func(rt *rapid.T) {
		f := &facts{
			groups: map[uuid.UUID]GroupRow{}, nestings: map[[2]uuid.UUID]Nesting{}, assignments: map[uuid.UUID]*Assignment{},
			subscriptions: map[uuid.UUID]*Subscription{}, catalog: catalog,
		}
		g := f.graph()
		at := clock.Instant(0)
		for range 12 {
			was, e := told(g), g.Edit()
			before := f.graph()
			for range rapid.IntRange(1, 4).Draw(rt, "edits") {
				at++
				f.edit(rt, e, at)
			}
			edited, anew := e.Graph(), f.graph()
			if a, b := told(edited), told(anew); !slices.Equal(a, b) {
				rt.Fatalf("edited:\n%q\nbuilt anew:\n%q", a, b)
			}
			if !slices.Equal(told(g), was) {
				rt.Fatal("the edit changed its base")
			}
			x, y := ReachDiffers(g, edited), ReachDiffers(before, anew)
			slices.SortFunc(x, compareIDs)
			slices.SortFunc(y, compareIDs)
			if !slices.Equal(x, y) {
				rt.Fatalf("reach differs for %v, want %v", x, y)
			}
			x, y = ExcludedDiffers(g, edited), ExcludedDiffers(before, anew)
			slices.SortFunc(x, compareIDs)
			slices.SortFunc(y, compareIDs)
			if !slices.Equal(x, y) {
				rt.Fatalf("what is excluded differs for %v, want %v", x, y)
			}
			g = edited
		}
	})
}
