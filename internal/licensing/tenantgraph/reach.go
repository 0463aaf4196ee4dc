package tenantgraph

import (
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

func (g *Graph) reachOf(from uuid.UUID) []Reached {
	var reached []Reached
	for _, s := range g.climb(from) {
		for _, a := range g.byGroup[s.path[0].ID] {
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
// The order is by assignment id.
func (g *Graph) Inherit(memberships []Member) []Reached {
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
	// Of one assignment the path shown comes first, and the others go.
	slices.SortFunc(all, func(a, b Reached) int {
		if c := compareIDs(a.ID, b.ID); c != 0 {
			return c
		}
		return g.comparePaths(a.Path, b.Path)
	})
	return slices.CompactFunc(all, func(a, b Reached) bool { return a.ID == b.ID })
}
