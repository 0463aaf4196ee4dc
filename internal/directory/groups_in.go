package directory

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// ChildGroupsIn is Service.ChildGroups where the tenant's graph is at hand.
func ChildGroupsIn(g *tenantgraph.Graph, group uuid.UUID, args paging.Args) (paging.Connection[*principal.Group], error) {
	return groupPage(g, childGroups, children(g, group), args)
}

// ParentGroupsIn is Service.ParentGroups where the tenant's graph is at hand.
func ParentGroupsIn(g *tenantgraph.Graph, group uuid.UUID, args paging.Args) (paging.Connection[*principal.Group], error) {
	return groupPage(g, parentGroups, parents(g, group), args)
}

// GroupsFromIn is Service.GroupsFrom where the tenant's graph is at hand.
func GroupsFromIn(g *tenantgraph.Graph, direct []uuid.UUID, transitive bool, args paging.Args) (paging.Connection[*principal.Group], error) {
	return groupPage(g, groupsOfUser, withAncestors(g, direct, transitive), args)
}

// The lists of groups that the tenant's graph knows.
const (
	childGroups  = "childGroups"
	parentGroups = "parentGroups"
	groupsOfUser = "groups of user"
)

func children(g *tenantgraph.Graph, group uuid.UUID) []uuid.UUID {
	var ids []uuid.UUID
	for _, n := range g.Children(group) {
		ids = append(ids, n.Child)
	}
	return ids
}

func parents(g *tenantgraph.Graph, group uuid.UUID) []uuid.UUID {
	var ids []uuid.UUID
	for _, n := range g.Parents(group) {
		ids = append(ids, n.Parent)
	}
	return ids
}

func withAncestors(g *tenantgraph.Graph, direct []uuid.UUID, transitive bool) []uuid.UUID {
	if !transitive {
		return direct
	}
	var all []uuid.UUID
	for _, group := range direct {
		all = append(all, g.Ancestors(group)...)
	}
	return all
}

// groupPage pages groups by display name.
func groupPage(g *tenantgraph.Graph, list string, ids []uuid.UUID, args paging.Args) (paging.Connection[*principal.Group], error) {
	groups := sortedGroups(g, ids)
	values := func(x *principal.Group) []any { return []any{g.GroupNameKey(x.ID), x.ID} }
	page, err := paging.Slice(groups, groupOrder(list, GroupsByDisplayName, false), values, args)
	count := func(context.Context) (int, error) { return len(groups), nil }
	return paging.Connection[*principal.Group]{Page: page, Count: count}, err
}
