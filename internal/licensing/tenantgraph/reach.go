package tenantgraph

import (
	"iter"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// step is one ancestor of a group with the path shown for it (R1).
type step struct {
	path  []*principal.Group // from the ancestor down to the group
	since clock.Instant
}

// climb returns a group itself and every ancestor, each with the shortest path, of equal
// ones the first by name, then by id.
func (g *Graph) climb(from uuid.UUID) []step {
	start := g.groups[from]
	if start == nil {
		return nil
	}
	found := map[uuid.UUID]bool{from: true}
	all := []step{{path: []*principal.Group{start}}}
	level := all
	for len(level) > 0 {
		best := map[uuid.UUID]step{}
		for _, s := range level {
			for _, n := range g.parents[s.path[0].ID] {
				parent := g.groups[n.Parent]
				if found[n.Parent] || parent == nil {
					continue
				}
				c := step{path: append([]*principal.Group{parent}, s.path...), since: max(s.since, n.Since)}
				if b, ok := best[n.Parent]; !ok || g.comparePaths(c.path, b.path) < 0 {
					best[n.Parent] = c
				}
			}
		}
		level = level[:0:0]
		for id, s := range best {
			found[id] = true
			level = append(level, s)
		}
		all = append(all, level...)
	}
	return all
}

// comparePaths is the order in which paths are shown (R1): shortest, by name, by id.
func (g *Graph) comparePaths(a, b []*principal.Group) int {
	return comparePaths(a, b, g.GroupNameKey)
}

func comparePaths(a, b []*principal.Group, nameKey func(uuid.UUID) string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	for i := range a {
		if c := strings.Compare(nameKey(a[i].ID), nameKey(b[i].ID)); c != 0 {
			return c
		}
	}
	return slices.CompareFunc(a, b, func(x, y *principal.Group) int { return compareIDs(x.ID, y.ID) })
}

// deriveReach finds out what reaches the members of groups; of groups above them that are not
// among them it is known. Groups come after those that they are nested in, so that each adds its
// own assignments to what its parents have.
func (g *Graph) deriveReach(of iter.Seq[uuid.UUID]) {
	above := map[uuid.UUID]int{} // parents whose reach is not known yet
	for group := range of {
		if g.groups[group] != nil {
			above[group] = 0
		}
	}
	var ready []uuid.UUID
	for group := range above {
		n := 0
		for _, p := range g.parents[group] {
			if _, unknown := above[p.Parent]; unknown {
				n++
			}
		}
		if above[group] = n; n == 0 {
			ready = append(ready, group)
		}
	}
	for len(ready) > 0 {
		group := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		delete(above, group)
		g.setReach(group, g.reachBelowParents(group))
		for _, c := range g.children[group] {
			if n, unknown := above[c.Child]; unknown {
				if above[c.Child] = n - 1; n == 1 {
					ready = append(ready, c.Child)
				}
			}
		}
	}
	for group := range above { // in a circle, or below one
		g.setReach(group, g.reachOf(group))
	}
}

// inEffect returns a group's own assignments without those that are scheduled (R1).
func (g *Graph) inEffect(group uuid.UUID) []*Bound {
	all := g.byGroup[group]
	if slices.ContainsFunc(all, func(a *Bound) bool { return a.Scheduled }) {
		all = slices.DeleteFunc(slices.Clone(all), func(a *Bound) bool { return a.Scheduled })
	}
	return all
}

func (g *Graph) setReach(group uuid.UUID, reached []Reached) {
	if len(reached) > 0 {
		g.reach[group] = reached
	} else {
		delete(g.reach, group)
	}
}

// reachBelowParents is reachOf where the reach of the parents is known: the path shown for an
// assignment goes on from the one shown at a parent.
func (g *Graph) reachBelowParents(group uuid.UUID) []Reached {
	own := g.inEffect(group)
	n := len(own)
	for _, p := range g.parents[group] {
		n += len(g.reach[p.Parent])
	}
	if n == 0 {
		return nil
	}
	self := g.groups[group]
	reached := make([]Reached, 0, n)
	if len(own) > 0 {
		path := []*principal.Group{self}
		for _, a := range own {
			reached = append(reached, Reached{Bound: a, Path: path})
		}
	}
	parents := 0
	for _, p := range g.parents[group] {
		if g.groups[p.Parent] == nil {
			continue
		}
		parents++
		var paths [][2][]*principal.Group // the parent's, and how each goes on: many assignments share one
		for _, r := range g.reach[p.Parent] {
			if !r.IncludeNested { // R1
				continue
			}
			i := slices.IndexFunc(paths, func(known [2][]*principal.Group) bool { return &known[0][0] == &r.Path[0] })
			if i < 0 {
				i = len(paths)
				longer := make([]*principal.Group, len(r.Path)+1)
				longer[copy(longer, r.Path)] = self
				paths = append(paths, [2][]*principal.Group{r.Path, longer})
			}
			reached = append(reached, Reached{Bound: r.Bound, Path: paths[i][1], Since: max(r.Since, p.Since)})
		}
	}
	if parents == 1 && len(own) == 0 {
		return reached // in the parent's order
	}
	return g.onePathEach(reached)
}

// onePathEach brings assignments into the order of ids, each with the path that is shown.
func (g *Graph) onePathEach(reached []Reached) []Reached {
	slices.SortFunc(reached, func(a, b Reached) int {
		if c := compareIDs(a.ID, b.ID); c != 0 {
			return c
		}
		return g.comparePaths(a.Path, b.Path)
	})
	return slices.CompactFunc(reached, func(a, b Reached) bool { return a.ID == b.ID })
}

func (g *Graph) reachOf(from uuid.UUID) []Reached {
	var reached []Reached
	for _, s := range g.climb(from) {
		for _, a := range g.inEffect(s.path[0].ID) {
			if a.IncludeNested || len(s.path) == 1 { // R1
				reached = append(reached, Reached{Bound: a, Path: s.path, Since: s.since})
			}
		}
	}
	slices.SortFunc(reached, func(a, b Reached) int { return compareIDs(a.ID, b.ID) })
	return reached
}

// Member is a user's direct membership.
type Member struct {
	Group uuid.UUID
	Since clock.Instant
}

// Inherit returns the sources that a user's memberships bring, one per assignment (R1:
// diamonds count once), each with the path shown and the instant from which that path holds.
// The order is by assignment id. What a membership excludes from is left out.
func (g *Graph) Inherit(memberships []Member) []Reached {
	all := g.inherit(memberships)
	if len(g.excluded) == 0 {
		return all
	}
	groups := groupsOf(memberships)
	return slices.DeleteFunc(all, func(r Reached) bool { return g.Excludes(groups, r.ID) })
}

func (g *Graph) inherit(memberships []Member) []Reached {
	n := 0
	for _, m := range memberships {
		n += len(g.reach[m.Group])
	}
	all := make([]Reached, 0, n)
	for _, m := range memberships {
		for _, r := range g.reach[m.Group] {
			r.Since = max(r.Since, m.Since)
			all = append(all, r)
		}
	}
	if len(memberships) <= 1 {
		return all
	}
	return g.onePathEach(all)
}
