package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Groups reads groups by ids from the tenant's graph. They are in the order of the ids, nil
// where the tenant has no such group.
func (s *Service) Groups(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*principal.Group, error) {
	g, err := s.licensing.Graph(ctx, tenant)
	if err != nil {
		return nil, err
	}
	groups := make([]*principal.Group, len(ids))
	for i, key := range ids {
		groups[i] = g.Group(key)
	}
	return groups, nil
}

// Group reads a group by id; nil where the tenant has no such group.
func (s *Service) Group(ctx context.Context, tenant, key uuid.UUID) (*principal.Group, error) {
	groups, err := s.Groups(ctx, tenant, []uuid.UUID{key})
	if err != nil {
		return nil, err
	}
	return groups[0], nil
}

// ChildGroups returns a page of the groups nested directly in a group, by display name.
//
// Errors: BAD_USER_INPUT with the path of the argument; those of the database.
func (s *Service) ChildGroups(ctx context.Context, tenant, group uuid.UUID, args paging.Args) (paging.Connection[*principal.Group], error) {
	return s.related(ctx, tenant, childGroups, args, func(g *tenantgraph.Graph) []uuid.UUID { return children(g, group) })
}

// ParentGroups returns a page of the groups that a group is nested in directly, by display
// name.
//
// Errors: as ChildGroups.
func (s *Service) ParentGroups(ctx context.Context, tenant, group uuid.UUID, args paging.Args) (paging.Connection[*principal.Group], error) {
	return s.related(ctx, tenant, parentGroups, args, func(g *tenantgraph.Graph) []uuid.UUID { return parents(g, group) })
}

// GroupsOfUser returns a page of the groups that a user belongs to, by display name: those
// the user is a direct member of and, where it is transitive, those they are nested in.
//
// Errors: as ChildGroups.
func (s *Service) GroupsOfUser(ctx context.Context, tenant, user uuid.UUID, transitive bool, args paging.Args) (paging.Connection[*principal.Group], error) {
	var direct []uuid.UUID
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error {
		var group uuid.UUID
		err := scan(&group)
		direct = append(direct, group)
		return err
	}, `SELECT group_id FROM memberships WHERE tenant_id = $1 AND user_id = $2`, tenant, user)
	if err != nil {
		return paging.Connection[*principal.Group]{}, fmt.Errorf("read a user's groups: %w", err)
	}
	return s.GroupsFrom(ctx, tenant, direct, transitive, args)
}

// GroupsFrom is GroupsOfUser where the groups that the user is a direct member of are known.
//
// Errors: as ChildGroups.
func (s *Service) GroupsFrom(ctx context.Context, tenant uuid.UUID, direct []uuid.UUID, transitive bool, args paging.Args) (paging.Connection[*principal.Group], error) {
	return s.related(ctx, tenant, groupsOfUser, args, func(g *tenantgraph.Graph) []uuid.UUID { return withAncestors(g, direct, transitive) })
}

// related pages groups that the tenant's graph knows.
func (s *Service) related(ctx context.Context, tenant uuid.UUID, list string, args paging.Args, find func(*tenantgraph.Graph) []uuid.UUID) (paging.Connection[*principal.Group], error) {
	g, err := s.licensing.Graph(ctx, tenant)
	if err != nil {
		return paging.Connection[*principal.Group]{}, err
	}
	return groupPage(g, list, find(g), args)
}

// sortedGroups returns the groups with the given ids, once each, by display name. An id that
// the graph does not know, because the group has gone in the meantime, is left out.
func sortedGroups(g *tenantgraph.Graph, ids []uuid.UUID) []*principal.Group {
	seen := make(map[uuid.UUID]bool, len(ids))
	var groups []*principal.Group
	for _, key := range ids {
		if group := g.Group(key); group != nil && !seen[key] {
			seen[key] = true
			groups = append(groups, group)
		}
	}
	slices.SortFunc(groups, func(a, b *principal.Group) int {
		if c := strings.Compare(g.GroupNameKey(a.ID), g.GroupNameKey(b.ID)); c != 0 {
			return c
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	return groups
}

// MemberQuery asks for the users in a group.
type MemberQuery struct {
	Transitive bool                              // those of nested groups, too
	Search     string                            // as UserQuery.Search
	Take       func(views []*licensing.UserView) // as UserQuery.Take; not with AsOf
	AsOf       *clock.Instant                    // who was in the group then
}

// Members returns a page of the undeleted users in a group, by display name.
//
// Errors: as ListUsers, and with AsOf as licensing.Service.GraphAsOf.
func (s *Service) Members(ctx context.Context, tenant, group uuid.UUID, query MemberQuery, args paging.Args) (paging.Connection[*principal.User], error) {
	order := userOrder("members", UsersByDisplayName, false)
	if query.AsOf != nil {
		then, err := s.membershipThen(ctx, tenant, group, query)
		if err != nil {
			return paging.Connection[*principal.User]{}, err
		}
		return s.listUsers(ctx, tenant, order, UserQuery{Search: query.Search, then: then}, args)
	}
	if query.Transitive {
		return s.listUsers(ctx, tenant, order, UserQuery{Search: query.Search, Take: query.Take, Filter: UserFilter{Group: &group}}, args)
	}
	c, err := s.listUsers(ctx, tenant, order, UserQuery{Search: query.Search, Take: query.Take, directIn: &group}, args)
	if strings.TrimSpace(query.Search) == "" {
		c.Count = func(ctx context.Context) (int, error) { return s.memberCount(ctx, tenant, group) }
	}
	return c, err
}

// memberCount returns the number of direct members, which is kept.
func (s *Service) memberCount(ctx context.Context, tenant, group uuid.UUID) (int, error) {
	var n int64
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error { return scan(&n) },
		`SELECT members FROM group_counters WHERE tenant_id = $1 AND group_id = $2`, tenant, group)
	if err != nil {
		return 0, fmt.Errorf("read the number of members: %w", err)
	}
	return paging.Count(n), nil
}

const groupColumns = `g.id, g.display_name, g.description, g.external_id, g.created_at, g.updated_at, g.version`

func scanGroup(scan func(...any) error) (*principal.Group, error) {
	var g principal.Group
	err := scan(&g.ID, &g.DisplayName, &g.Description, &g.ExternalID, &g.CreatedAt, &g.UpdatedAt, &g.Version)
	return &g, err
}
