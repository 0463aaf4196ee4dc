package tenantgraph_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

func TestPathShownIsTheShortestThenByNameThenByIDR1(t *testing.T) {
	for _, c := range []struct {
		name     string
		groups   []string
		nestings [][2]int
		want     string // the path from group 1 down to the last one
	}{
		{"itself", []string{"All"}, nil, "All"},
		{"a chain", []string{"All", "Sales", "Team"}, [][2]int{{1, 2}, {2, 3}}, "All/Sales/Team"},
		{"the shorter way", []string{"All", "Sales", "Team"}, [][2]int{{1, 2}, {2, 3}, {1, 3}}, "All/Team"},
		{"by name, not by id", []string{"All", "Zebra", "Adam", "Team"}, [][2]int{{1, 2}, {1, 3}, {2, 4}, {3, 4}}, "All/Adam/Team"},
		{"names are compared as they are folded", []string{"All", "bee", "Apple", "Team"}, [][2]int{{1, 2}, {1, 3}, {2, 4}, {3, 4}}, "All/Apple/Team"},
		{"the first name that differs decides", []string{"All", "A", "B", "Z", "Y", "Team"}, [][2]int{{1, 2}, {1, 3}, {2, 4}, {3, 5}, {4, 6}, {5, 6}}, "All/A/Z/Team"},
		{"names deep down come before ids", []string{"All", "Same", "Same", "Z", "Y", "Team"}, [][2]int{{1, 2}, {1, 3}, {2, 4}, {3, 5}, {4, 6}, {5, 6}}, "All/Same/Y/Team"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tn := newTenant(c.groups...).assign(of(1, 1, base))
			for _, n := range c.nestings {
				tn.nest(n[0], n[1], 1)
			}
			last := group(len(c.groups))
			for _, order := range []func(){func() {}, func() { slices.Reverse(tn.Nestings) }} { // of loading
				order()
				g := tn.graph()
				if got := reached(g.Reach(last))[1]; got != c.want {
					t.Errorf("reached through %s, want %s", got, c.want)
				}
				if got := path(g.Path(group(1), last)); got != c.want {
					t.Errorf("Path is %s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestEqualNamesAreOrderedByIDR1(t *testing.T) {
	tn := newTenant("All", "Same", "Same", "Team").assign(of(1, 1, base)).nest(1, 3, 1).nest(1, 2, 1).nest(3, 4, 1).nest(2, 4, 1)
	if got := tn.graph().Reach(group(4))[0].Path[1].ID; got != group(2) {
		t.Errorf("the path goes through %v, want %v", got, group(2))
	}
}

func TestAssignmentWithoutNestedReachesFirstLevelMembersOnlyR1(t *testing.T) {
	own := of(1, 1, base)
	own.IncludeNested = false
	g := newTenant("All", "Team").nest(1, 2, 1).assign(own, of(2, 1, suite)).graph()
	if got, want := reached(g.Reach(group(1))), (map[byte]string{1: "All", 2: "All"}); !maps.Equal(got, want) {
		t.Errorf("first-level members are reached by %v, want %v", got, want)
	}
	if got, want := reached(g.Reach(group(2))), (map[byte]string{2: "All/Team"}); !maps.Equal(got, want) {
		t.Errorf("nested members are reached by %v, want %v", got, want)
	}
	// A user who is both has it as a first-level member.
	both := g.Inherit([]tenantgraph.Member{{Group: group(2)}, {Group: group(1)}})
	if got, want := reached(both), (map[byte]string{1: "All", 2: "All"}); !maps.Equal(got, want) {
		t.Errorf("a member of both is reached by %v, want %v", got, want)
	}
}

// A cycle is refused, but should one be stored all the same, every walk ends.
func TestWalksEndOnCyclesR1(t *testing.T) {
	g := newTenant("A", "B", "C").nest(1, 2, 1).nest(2, 3, 1).nest(3, 1, 1).nest(1, 1, 1).assign(of(1, 1, base)).graph()
	all := []uuid.UUID{group(1), group(2), group(3)}
	wantIDs(t, "descendants", g.Descendants(group(1)), all)
	wantIDs(t, "ancestors", g.Ancestors(group(1)), all)
	if got := reached(g.Reach(group(3)))[1]; got != "A/B/C" {
		t.Errorf("reached through %s", got)
	}
	if got := path(g.Path(group(2), group(1))); got != "B/C/A" {
		t.Errorf("Path is %s", got)
	}
	if got := path(g.Edit().Path(group(2), group(1))); got != "B/C/A" {
		t.Errorf("Path of an edit is %s", got)
	}
}

// A source begins once whatever the number of memberships that bring it, and shows one path
// with the instant from which that path holds.
func TestDiamondsOfMembershipsCountOnceR1(t *testing.T) {
	tn := newTenant("All", "Adam", "Zebra", "Deep", "Low").nest(1, 2, 5).nest(1, 3, 9).nest(3, 4, 7).nest(2, 5, 6).assign(of(2, 1, suite), of(1, 1, base))
	g := tn.graph()
	for _, c := range []struct {
		name    string
		members []tenantgraph.Member
		path    string
		since   clock.Instant
	}{
		{"one", []tenantgraph.Member{{Group: group(3), Since: 2}}, "All/Zebra", 9},
		{"the membership is the latest", []tenantgraph.Member{{Group: group(2), Since: 20}}, "All/Adam", 20},
		{"the path by name, not the older one", []tenantgraph.Member{{Group: group(3), Since: 2}, {Group: group(2), Since: 20}}, "All/Adam", 20},
		{"the other way round", []tenantgraph.Member{{Group: group(2), Since: 20}, {Group: group(3), Since: 2}}, "All/Adam", 20},
		{"the shorter path", []tenantgraph.Member{{Group: group(4), Since: 1}, {Group: group(2), Since: 30}, {Group: group(1), Since: 40}}, "All", 40},
		{"the shorter path, though its names come later", []tenantgraph.Member{{Group: group(5)}, {Group: group(3)}}, "All/Zebra", 9},
		{"the same the other way round", []tenantgraph.Member{{Group: group(3)}, {Group: group(5)}}, "All/Zebra", 9},
		{"the latest nesting of a deep path", []tenantgraph.Member{{Group: group(4), Since: 1}}, "All/Zebra/Deep", 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := g.Inherit(c.members)
			if len(all) != 2 || all[0].ID != named(5, 1) || all[1].ID != named(5, 2) {
				t.Fatalf("%d sources, want 2 in the order of the assignments' ids", len(all))
			}
			for _, r := range all {
				if path(r.Path) != c.path || r.Since != c.since {
					t.Errorf("%s since %d, want %s since %d", path(r.Path), r.Since, c.path, c.since)
				}
			}
		})
	}
	if got := g.Inherit(nil); len(got) > 0 {
		t.Errorf("without memberships %v are inherited", got)
	}
	if since := g.Reach(group(2))[0].Since; since != 5 {
		t.Errorf("reading changed the graph: since is %d", since)
	}
}

// The reach of random graphs is what following every chain of nestings finds.
func TestReachAgreesWithEveryChainOfNestingsR1(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "groups")
		names := make([]string, n)
		for i := range names {
			names[i] = rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "name")
		}
		tn := newTenant(names...)
		since := map[[2]int]clock.Instant{}
		for parent := 1; parent <= n; parent++ {
			for child := parent + 1; child <= n; child++ {
				if rapid.Bool().Draw(t, "nested") {
					since[[2]int{parent, child}] = clock.Instant(rapid.Int64Range(1, 9).Draw(t, "since"))
					tn.nest(parent, child, since[[2]int{parent, child}])
				}
			}
		}
		for owner := 1; owner <= n; owner++ {
			a := of(byte(owner), owner, rapid.SampledFrom([]uuid.UUID{base, suite}).Draw(t, "product"))
			a.IncludeNested = rapid.Bool().Draw(t, "include nested")
			tn.assign(a)
		}
		tn.Nestings = rapid.Permutation(tn.Nestings).Draw(t, "order of loading")
		g := tn.graph()

		// less is the order of paths, of numbers of groups.
		less := func(a, b []int) bool {
			if len(a) != len(b) {
				return len(a) < len(b)
			}
			for i := range a {
				if x, y := names[a[i]-1], names[b[i]-1]; x != y {
					return x < y
				}
			}
			return slices.Compare(a, b) < 0
		}
		var best func(from, to int) []int
		best = func(from, to int) []int {
			if from == to {
				return []int{to}
			}
			var found []int
			for child := from + 1; child <= to; child++ {
				if since[[2]int{from, child}] == 0 {
					continue
				}
				if rest := best(child, to); rest != nil {
					if p := append([]int{from}, rest...); found == nil || less(p, found) {
						found = p
					}
				}
			}
			return found
		}
		for member := 1; member <= n; member++ {
			want := map[byte]string{}
			for _, a := range tn.Assignments {
				chain := best(int(a.GroupID[15]), member)
				if chain == nil || !a.IncludeNested && len(chain) > 1 {
					continue
				}
				latest := clock.Instant(0)
				for i := range len(chain) - 1 {
					latest = max(latest, since[[2]int{chain[i], chain[i+1]}])
				}
				want[a.ID[15]] = fmt.Sprint(chain, latest)
			}
			got := map[byte]string{}
			for _, r := range g.Reach(group(member)) {
				var chain []int
				for _, step := range r.Path {
					chain = append(chain, int(step.ID[15]))
				}
				got[r.ID[15]] = fmt.Sprint(chain, r.Since)
			}
			if !maps.Equal(got, want) {
				t.Fatalf("group %d is reached by %v, want %v", member, got, want)
			}
		}
	})
}
