package licensing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// MaxExcludedGroups bounds the groups that one assignment excludes, counted once each.
const MaxExcludedGroups = 50

// checkExcluded returns the groups sorted, each once.
//
// Errors: TOO_MANY; NOT_FOUND with the index of the group.
func checkExcluded(g *tenantgraph.Graph, in optional.Optional[[]uuid.UUID]) (optional.Optional[[]uuid.UUID], *fault.Error) {
	if in.Value == nil {
		return in, nil
	}
	sorted := sortedIDs(*in.Value)
	if len(sorted) > MaxExcludedGroups {
		return in, fault.New(fault.TooMany, "%d groups are too many for one assignment to exclude.", len(sorted)).
			Fix("Pass at most %d, or nest them in one group and exclude that.", MaxExcludedGroups)
	}
	for i, key := range *in.Value {
		if g.Group(key) == nil {
			return in, fault.New(fault.NotFound, "There is no such %s.", id.Group).Fix("Look it up with the query groups(search:).").At(i)
		}
	}
	return optional.Of(sorted), nil
}

// forGroup refuses an assignment that would reach nobody because it excludes its own group.
func (w want) forGroup(group *principal.Group) *fault.Error {
	if w.excluded.Value == nil {
		return nil
	}
	for _, key := range *w.excluded.Value {
		if key == group.ID {
			return fault.New(fault.InvalidValue, "%s cannot be excluded from its own assignment: it would reach nobody.", group.DisplayName).
				Fix("Leave the group out of excludeGroupIds.").At("excludeGroupIds")
		}
	}
	return nil
}

// excludedAfter are the groups that an assignment excludes after the call: absent keeps, null
// clears (R24).
func (w want) excludedAfter(before []uuid.UUID) []uuid.UUID {
	switch {
	case !w.excluded.Set:
		return before
	case w.excluded.Value == nil:
		return nil
	}
	return *w.excluded.Value
}

// ExcludedSource is a group's assignment that does not reach a user, who is a member of a group
// that it excludes (R1).
type ExcludedSource struct {
	Assignment     *Assignment
	Group          *principal.Group   // the group that has the assignment
	Path           []*principal.Group // the way it would come: from that group down to the one the user is a direct member of
	ExcludedBy     *principal.Group   // the group that it excludes
	ExcludedByPath []*principal.Group // from that group down to the one the user is a direct member of
}

// ExcludedSources returns the assignments that would reach the user, were the user not a member of
// a group that they exclude, by product display name, then id, then by the group that has them.
func (v *UserView) ExcludedSources() []*ExcludedSource {
	all := []*ExcludedSource{}
	if v.User.DeletedAt != nil { // R1
		return all
	}
	for _, x := range v.graph.InheritExcluded(v.members) {
		all = append(all, &ExcludedSource{
			Assignment: AssignmentOf(v.graph, x.Assignment), Group: v.graph.Group(x.GroupID), Path: x.Path, ExcludedBy: x.By[0], ExcludedByPath: x.By,
		})
	}
	slices.SortStableFunc(all, func(a, b *ExcludedSource) int {
		return cmp.Or(strings.Compare(a.Assignment.Product.DisplayNameKey, b.Assignment.Product.DisplayNameKey),
			compareUUIDs(a.Assignment.Product.ID, b.Assignment.Product.ID),
			strings.Compare(v.graph.GroupNameKey(a.Group.ID), v.graph.GroupNameKey(b.Group.ID)), compareUUIDs(a.Group.ID, b.Group.ID))
	})
	return all
}
