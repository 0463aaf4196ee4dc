package directory

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// GroupOrder is what a list of groups is ordered by; groups alike in it are ordered by id.
type GroupOrder string

// The orders of groups.
const (
	GroupsByDisplayName GroupOrder = "DISPLAY_NAME" // folded
	GroupsByCreation    GroupOrder = "CREATED_AT"
)

// GroupQuery asks for a list of groups. The zero value is all groups, by display name.
type GroupQuery struct {
	Search     string // every word begins a word of the display name
	Filter     GroupFilter
	OrderBy    GroupOrder // GroupsByDisplayName where empty
	Descending bool
}

// GroupFilter narrows a list of groups: every condition that is set must hold.
type GroupFilter struct {
	Product          *uuid.UUID // has an assignment of its own of the product
	HasLicenses      *bool      // has assignments of its own
	HasLicenseErrors *bool      // an assignment of its own is in error for some member
}

// ListGroups returns a page of groups.
//
// Errors: BAD_USER_INPUT with the path of the argument; those of the database.
func (s *Service) ListGroups(ctx context.Context, tenant uuid.UUID, query GroupQuery, args paging.Args) (paging.Connection[*principal.Group], error) {
	var c paging.Connection[*principal.Group]
	terms, err := searchTerms(query.Search)
	if err != nil {
		return c, err
	}
	if err := args.Validate(); err != nil {
		return c, err
	}
	list := func(r reading) paging.Keyset[*principal.Group] {
		return paging.Keyset[*principal.Group]{
			Order: groupOrder("groups", query.OrderBy, query.Descending), Select: groupColumns, From: "groups g",
			Where: query.where(r, tenant, terms), Scan: scanGroup,
		}
	}
	withGraph := query.Filter.HasLicenseErrors != nil
	err = s.read(ctx, tenant, withGraph, func(ctx context.Context, r reading) (err error) {
		c.Page, err = list(r).Page(ctx, r.q, args)
		return err
	})
	c.Count = func(ctx context.Context) (n int, err error) {
		err = s.read(ctx, tenant, withGraph, func(ctx context.Context, r reading) error {
			n, err = list(r).Count(ctx, r.q)
			return err
		})
		return n, err
	}
	return c, err
}

// groupOrder returns an order of groups, whose cursors are good for one kind of list.
func groupOrder(list string, by GroupOrder, descending bool) paging.Order {
	column := paging.Column{Expr: "g.display_name_key", Type: paging.Text}
	if by == GroupsByCreation {
		column = paging.Column{Expr: "g.created_at", Type: paging.Int}
	}
	return paging.Order{
		Name: list + " by " + strings.TrimPrefix(column.Expr, "g."), Descending: descending,
		Columns: []paging.Column{column, {Expr: "g.id", Type: paging.ID}},
	}
}

func (q GroupQuery) where(r reading, tenant uuid.UUID, terms []string) *paging.Where {
	w := &paging.Where{}
	w.And("g.tenant_id = " + w.Arg(tenant))
	if terms == nil && strings.TrimSpace(q.Search) != "" {
		w.And("1 = 0") // signs alone begin no word
	}
	for _, term := range terms { // textkey.SearchKey: a blank before each word
		w.And("g.search_key LIKE " + w.Arg("% "+likely.Replace(term)+"%") + ` ESCAPE '\'`)
	}
	const own = "EXISTS (SELECT 1 FROM assignments a WHERE a.tenant_id = g.tenant_id AND a.group_id = g.id"
	if q.Filter.Product != nil {
		w.And(own + " AND a.product_id = " + w.Arg(*q.Filter.Product) + ")")
	}
	if q.Filter.HasLicenses != nil {
		w.And(not(*q.Filter.HasLicenses) + own + ")")
	}
	if q.Filter.HasLicenseErrors != nil {
		w.And(not(*q.Filter.HasLicenseErrors) + "(" + own + " AND EXISTS (SELECT 1 FROM license_violations v" +
			" WHERE v.tenant_id = a.tenant_id AND v.assignment_id = a.id)) OR " + unsubscribed(w, r) + ")")
	}
	return w
}

// likely quotes what has a meaning of its own in a pattern of LIKE.
var likely = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func not(want bool) string {
	if want {
		return ""
	}
	return "NOT "
}

// unsubscribed is the condition that a group has an assignment of a product without a live
// subscription, which has no rows (R16), and that it reaches at least one undeleted user.
func unsubscribed(w *paging.Where, r reading) string {
	var owners, members []uuid.UUID
	excluding := ""
	for _, b := range r.graph.Assignments() {
		if _, live := r.graph.LiveSince(b.ProductID); live || b.Scheduled {
			continue
		}
		if len(b.ExcludedGroups) > 0 { // how many members a group has does not say how many are left
			excluding += " OR " + reachesSomebody(w, r, b)
			continue
		}
		for _, member := range reachedFrom(r.graph, b) {
			owners, members = append(owners, b.GroupID), append(members, member)
		}
	}
	arg := w.Args(r.d.UnnestArgs(owners, members)...)
	return "(EXISTS (SELECT 1 FROM " + r.d.Unnest("p", arg, database.Column{Name: "owner_id", Type: database.UUID},
		database.Column{Name: "member_id", Type: database.UUID}) +
		" JOIN group_counters c ON c.group_id = p.member_id WHERE c.tenant_id = g.tenant_id AND p.owner_id = g.id AND c.members > 0)" + excluding + ")"
}

// reachesSomebody is the condition that a group has an assignment, and that it reaches at least one
// undeleted user in spite of the groups that it excludes (R1).
func reachesSomebody(w *paging.Where, r reading, b *tenantgraph.Bound) string {
	excluding, _ := r.graph.ExcludedPairs(func(o *tenantgraph.Bound) bool { return o.ID == b.ID })
	return "(g.id = " + w.Arg(b.GroupID) + " AND EXISTS (SELECT 1 FROM memberships m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id AND u.deleted_at IS NULL" +
		" WHERE m.tenant_id = g.tenant_id AND " + r.d.In("m.group_id", w.Args(r.d.UUIDArray(reachedFrom(r.graph, b)))) +
		" AND m.user_id NOT IN (SELECT o.user_id FROM memberships o WHERE o.tenant_id = g.tenant_id AND " + r.d.In("o.group_id", w.Args(r.d.UUIDArray(excluding))) + ")))"
}

// reachedFrom returns the groups whose direct members an assignment reaches (R1).
func reachedFrom(g *tenantgraph.Graph, b *tenantgraph.Bound) []uuid.UUID {
	if b.IncludeNested {
		return g.Descendants(b.GroupID)
	}
	return []uuid.UUID{b.GroupID}
}
