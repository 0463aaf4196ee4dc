package licensing

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// ErrorFilter restricts a list of errors; what is set is combined with AND.
type ErrorFilter struct {
	Codes   []fault.Code // empty: all
	Product *uuid.UUID
	Group   *uuid.UUID // errors of this group's own assignments
	User    *uuid.UUID
	Since   *clock.Instant // errors that began then or later
}

// Errors lists what is in error, by (skuId, user, assignment, plan), the whole source first.
// Besides the stored violations these are the sources of products without a live
// subscription, which are derived (R16).
//
// Errors: BAD_USER_INPUT for wrong paging arguments.
func (s *Service) Errors(ctx context.Context, tenant uuid.UUID, f ErrorFilter, args paging.Args) (paging.Connection[*LicenseError], error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return paging.Connection[*LicenseError]{}, err
	}
	list := s.errorList(g, f)
	places, err := list.Page(ctx, s.db.Reader(), args)
	if err != nil {
		return paging.Connection[*LicenseError]{}, err
	}
	page, err := s.explainPlaces(ctx, tenant, places)
	if err != nil {
		return paging.Connection[*LicenseError]{}, err
	}
	return paging.Connection[*LicenseError]{Page: page, Count: func(ctx context.Context) (int, error) { return list.Count(ctx, s.db.Reader()) }}, nil
}

// errorPlace names an error.
type errorPlace struct {
	product, user, assignment uuid.UUID
	plan                      uuid.UUID // the zero UUID: the whole source
}

func (s *Service) errorList(g *tenantgraph.Graph, f ErrorFilter) paging.Keyset[errorPlace] {
	d, w := s.db.Dialect(), &paging.Where{}
	from := `SELECT v.product_id, v.user_id, v.assignment_id, coalesce(v.plan_id, ` + nilUUID(d) + `) AS plan_id, v.code, v.since
		FROM license_violations v WHERE v.tenant_id = ` + w.Arg(g.Tenant)
	from += idleErrors(g, d, w)
	if len(f.Codes) > 0 {
		codes := make([]string, len(f.Codes))
		for i, c := range f.Codes {
			codes[i] = string(c)
		}
		w.And(d.InText("e.code", w.Args(d.TextArray(codes))))
	}
	if f.Product != nil {
		w.And("e.product_id = " + w.Arg(*f.Product))
	}
	if f.User != nil {
		w.And("e.user_id = " + w.Arg(*f.User))
	}
	if f.Since != nil {
		w.And("e.since >= " + w.Arg(*f.Since))
	}
	if f.Group != nil {
		var own []uuid.UUID
		for _, a := range g.AssignmentsOf(*f.Group) {
			own = append(own, a.ID)
		}
		w.And(d.In("e.assignment_id", w.Args(d.UUIDArray(own))))
	}
	return paging.Keyset[errorPlace]{
		Order: paging.Order{Name: "license errors", Columns: []paging.Column{
			{Expr: "e.product_id", Type: paging.ID}, {Expr: "e.user_id", Type: paging.ID},
			{Expr: "e.assignment_id", Type: paging.ID}, {Expr: "e.plan_id", Type: paging.ID},
		}},
		Select: "e.product_id, e.user_id, e.assignment_id, e.plan_id", From: "(" + from + ") e", Where: w,
		Scan: func(scan func(...any) error) (errorPlace, error) {
			var p errorPlace
			err := scan(&p.product, &p.user, &p.assignment, &p.plan)
			return p, err
		},
	}
}

func nilUUID(d database.Dialect) string {
	if d == database.Postgres {
		return "'" + uuid.Nil.String() + "'::uuid"
	}
	return "'" + uuid.Nil.String() + "'"
}

// idleErrors brings in the sources of products without a live subscription: none of them is
// stored as a violation.
func idleErrors(g *tenantgraph.Graph, d database.Dialect, w *paging.Where) string {
	var groups, assignments, products []uuid.UUID
	var since []clock.Instant
	for _, group := range g.ReachingGroups() {
		for _, r := range g.Reach(group) {
			if _, live := g.LiveSince(r.ProductID); !live {
				groups, assignments, products = append(groups, group), append(assignments, r.ID), append(products, r.ProductID)
				since = append(since, g.LastCancelled(r.ProductID))
			}
		}
	}
	var idle []uuid.UUID
	var idleSince []clock.Instant
	for _, p := range g.SubscribedProducts() {
		if _, live := g.LiveSince(p.ID); !live {
			idle, idleSince = append(idle, p.ID), append(idleSince, g.LastCancelled(p.ID))
		}
	}
	if len(idle) == 0 {
		return ""
	}
	column := func(name string, t database.ColumnType) database.Column { return database.Column{Name: name, Type: t} }
	tenant, code := w.Arg(g.Tenant), ", "+nilUUID(d)+" AS plan_id, 'NO_SUBSCRIPTION' AS code, "
	return ` UNION ALL SELECT DISTINCT r.p, m.user_id, r.a` + code + `r.s FROM ` +
		d.Unnest("r", w.Args(d.UnnestArgs(groups, assignments, products, since)...), column("g", database.UUID),
			column("a", database.UUID), column("p", database.UUID), column("s", database.BigInt)) +
		` JOIN memberships m ON m.tenant_id = ` + tenant + ` AND m.group_id = r.g
		JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id AND u.deleted_at IS NULL` + notExcluded(g, d, w, tenant) + `
		UNION ALL SELECT a.product_id, a.user_id, a.id` + code + `r.s FROM ` +
		d.Unnest("r", w.Args(d.UnnestArgs(idle, idleSince)...), column("p", database.UUID), column("s", database.BigInt)) +
		` JOIN assignments a ON a.tenant_id = ` + tenant + ` AND a.product_id = r.p AND NOT a.scheduled
		JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id AND u.deleted_at IS NULL`
}

// notExcluded is the condition that a user m is not excluded from the assignment of a row r (R1).
func notExcluded(g *tenantgraph.Graph, d database.Dialect, w *paging.Where, tenant string) string {
	groups, assignments := g.ExcludedPairs(func(b *tenantgraph.Bound) bool { _, live := g.LiveSince(b.ProductID); return !live })
	if len(groups) == 0 {
		return ""
	}
	return ` WHERE NOT EXISTS (SELECT 1 FROM ` + d.Unnest("x", w.Args(d.UnnestArgs(groups, assignments)...), fastColumn("g", database.UUID),
		fastColumn("a", database.UUID)) + ` JOIN memberships o ON o.tenant_id = ` + tenant + ` AND o.group_id = x.g
		WHERE o.user_id = m.user_id AND x.a = r.a)`
}

// explainPlaces reads the users of a page of errors and finds each error in what follows
// from their state. An error that ended between the two statements is left out.
func (s *Service) explainPlaces(ctx context.Context, tenant uuid.UUID, places paging.Page[errorPlace]) (paging.Page[*LicenseError], error) {
	page := paging.Page[*LicenseError]{HasNext: places.HasNext, HasPrevious: places.HasPrevious}
	var users []uuid.UUID
	for _, p := range places.Items {
		if !slices.Contains(users, p.user) {
			users = append(users, p.user)
		}
	}
	if len(users) == 0 {
		return page, nil
	}
	views, err := s.ReadUsers(ctx, tenant, users)
	if err != nil {
		return page, err
	}
	for i, p := range places.Items {
		v := views[slices.Index(users, p.user)]
		if v == nil {
			continue
		}
		for _, e := range v.Errors() {
			plan := uuid.Nil
			if e.Plan != nil {
				plan = e.Plan.ID
			}
			if e.Source.Assignment.ID == p.assignment && plan == p.plan {
				page.Items, page.Cursors = append(page.Items, e), append(page.Cursors, places.Cursors[i])
				break
			}
		}
	}
	return page, nil
}
