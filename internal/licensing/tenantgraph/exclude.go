package tenantgraph

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/principal"
)

// Excluded returns the assignments that do not reach the direct members of a group, whatever
// brings them, because it is a group that they exclude, or is nested in one (R1). The order is by
// assignment id.
func (g *Graph) Excluded(group uuid.UUID) []*Bound { return g.excluded[group] }

// Excludes tells whether an assignment does not reach direct members of the groups because it
// excludes one of these, or one that they are nested in (R1).
func (g *Graph) Excludes(groups []uuid.UUID, assignment uuid.UUID) bool {
	if len(g.excluded) == 0 {
		return false
	}
	return slices.ContainsFunc(groups, func(group uuid.UUID) bool {
		_, excluded := slices.BinarySearchFunc(g.excluded[group], assignment, func(b *Bound, id uuid.UUID) int { return compareIDs(b.ID, id) })
		return excluded
	})
}

// Excluding tells whether anybody is excluded from anything.
func (g *Graph) Excluding() bool { return len(g.excluded) > 0 }

// ExcludedPairs returns pairs of a group and an assignment that its direct members are excluded from,
// of the assignments that take holds for.
func (g *Graph) ExcludedPairs(take func(*Bound) bool) (groups, assignments []uuid.UUID) {
	for group, list := range g.excluded {
		for _, b := range list {
			if take(b) {
				groups, assignments = append(groups, group), append(assignments, b.ID)
			}
		}
	}
	return groups, assignments
}

// Touches tells whether membership in a group brings an assignment or excludes from one.
func (g *Graph) Touches(group uuid.UUID) bool { return len(g.reach[group])+len(g.excluded[group]) > 0 }

// TouchingGroups returns the groups that Touches holds for.
func (g *Graph) TouchingGroups() []uuid.UUID {
	all := g.ReachingGroups()
	for group := range g.excluded {
		if len(g.reach[group]) == 0 {
			all = append(all, group)
		}
	}
	return all
}

// deriveExcluded finds out what membership in groups excludes from.
func (g *Graph) deriveExcluded() {
	g.excluded = map[uuid.UUID][]*Bound{}
	for _, a := range g.assignments {
		below := map[uuid.UUID]bool{}
		for _, excluded := range a.ExcludedGroups {
			for _, group := range g.Descendants(excluded) {
				below[group] = true
			}
		}
		for group := range below {
			if g.groups[group] != nil {
				g.excluded[group] = append(g.excluded[group], a)
			}
		}
	}
	for _, list := range g.excluded {
		slices.SortFunc(list, func(a, b *Bound) int { return compareIDs(a.ID, b.ID) })
	}
}

// excludesOtherwise tells whether an edit can change what groups exclude from: it moves nestings,
// or an assignment with excluded groups, before or after.
func (e *Edit) excludesOtherwise() bool {
	for id, a := range e.assignments {
		before := e.base.assignments[id]
		if a != nil && len(a.ExcludedGroups) > 0 || before != nil && len(before.ExcludedGroups) > 0 {
			return true
		}
	}
	return len(e.base.excluded) > 0 && len(e.nestings) > 0
}

// ExcludedDiffers returns the groups that exclude their members from other assignments after
// than before.
func ExcludedDiffers(before, after *Graph) []uuid.UUID {
	if before == after {
		return nil
	}
	var differ []uuid.UUID
	same := func(a, b *Bound) bool { return a.ID == b.ID }
	for group, was := range before.excluded {
		if !slices.EqualFunc(was, after.excluded[group], same) {
			differ = append(differ, group)
		}
	}
	for group := range after.excluded {
		if len(before.excluded[group]) == 0 {
			differ = append(differ, group)
		}
	}
	return differ
}

// ExcludedReach is an assignment that a user's memberships would bring, were it not for another one.
type ExcludedReach struct {
	Reached                    // as it would reach the user
	By      []*principal.Group // from the excluded group down to the one the user is a direct member of
}

// InheritExcluded returns what Inherit leaves out, by assignment id, each with the way that is
// shown (R1): the shortest, by name, by id.
func (g *Graph) InheritExcluded(memberships []Member) []ExcludedReach {
	if len(g.excluded) == 0 {
		return nil
	}
	groups := groupsOf(memberships)
	var all []ExcludedReach
	for _, r := range g.inherit(memberships) {
		if !g.Excludes(groups, r.ID) {
			continue
		}
		var by []*principal.Group
		for _, excluded := range r.ExcludedGroups {
			for _, group := range groups {
				if path := g.Path(excluded, group); path != nil && (by == nil || g.comparePaths(path, by) < 0) {
					by = path
				}
			}
		}
		all = append(all, ExcludedReach{Reached: r, By: by})
	}
	return all
}

func groupsOf(memberships []Member) []uuid.UUID {
	groups := make([]uuid.UUID, len(memberships))
	for i, m := range memberships {
		groups[i] = m.Group
	}
	return groups
}

// ExcludedDifference returns the assignments by which what a group excludes from differs between two
// graphs.
func ExcludedDifference(group uuid.UUID, before, after *Graph) []*Bound {
	found := map[uuid.UUID]*Bound{}
	for _, graphs := range [][2]*Graph{{before, after}, {after, before}} {
		for _, b := range graphs[0].excluded[group] {
			if !graphs[1].Excludes([]uuid.UUID{group}, b.ID) {
				found[b.ID] = b
			}
		}
	}
	return slices.Collect(maps.Values(found))
}
