package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// inLine are the violations that wait for a seat, each user's first of a product only: a
// user has one place in line, however many sources wait. The rows are numbered rather than
// compared with each other, so that the cost stays in proportion to the line also where the
// database has no statistics of the table yet, as right after a change that left many waiting.
func inLine(violations string) string {
	return `(SELECT r.*, row_number() OVER (PARTITION BY r.product_id, r.user_id
		ORDER BY r.inherited, r.rank, r.since, r.assignment_created_at, r.principal_id) AS nth
	FROM ` + violations + ` r WHERE r.tenant_id = $1 AND r.plan_id IS NULL AND r.code = 'COUNT_VIOLATION') v WHERE v.nth = 1`
}

// firstInLine holds for the row with which a user stands in line first (WaitingOrder).
const firstInLine = `NOT EXISTS (SELECT 1 FROM license_violations o WHERE o.tenant_id = v.tenant_id AND o.user_id = v.user_id
	AND o.product_id = v.product_id AND o.plan_id IS NULL AND o.code = 'COUNT_VIOLATION'
	AND (o.inherited, o.rank, o.since, o.assignment_created_at, o.principal_id) < (v.inherited, v.rank, v.since, v.assignment_created_at, v.principal_id))`

// WaitingFor lists the users that wait for a seat of a product, in the order in which they
// will get one (R5).
//
// Errors: BAD_USER_INPUT for wrong paging arguments.
func (s *Service) WaitingFor(ctx context.Context, tenant, product uuid.UUID, args paging.Args) (paging.Connection[*Waiting], error) {
	var none paging.Connection[*Waiting]
	w := &paging.Where{}
	w.And("v.tenant_id = " + w.Arg(tenant))
	w.And("v.product_id = " + w.Arg(product))
	w.And("v.plan_id IS NULL AND v.code = 'COUNT_VIOLATION'")
	w.And(firstInLine)
	list := paging.Keyset[*Waiting]{
		Order: paging.Order{Name: "waiting", Columns: []paging.Column{
			{Expr: "v.inherited", Type: paging.Bool}, {Expr: "v.rank", Type: paging.Int}, {Expr: "v.since", Type: paging.Int}, {Expr: "v.assignment_created_at", Type: paging.Int},
			{Expr: "v.user_id", Type: paging.ID}, {Expr: "v.principal_id", Type: paging.ID},
		}},
		Select: "v.user_id, v.since, v.inherited, v.rank, v.assignment_created_at, v.principal_id", From: "license_violations v", Where: w,
		Scan: func(scan func(...any) error) (*Waiting, error) {
			item := &Waiting{}
			err := scan(&item.UserID, &item.Since, &item.inherited, &item.rank, &item.created, &item.principal)
			return item, err
		},
	}
	page, err := list.Page(ctx, s.db.Reader(), args)
	if err != nil {
		return none, err
	}
	users := make([]uuid.UUID, len(page.Items))
	for i, item := range page.Items {
		users[i] = item.UserID
	}
	ahead, err := s.ahead(ctx, tenant, product, page.Items)
	if err != nil {
		return none, err
	}
	views, err := s.ReadUsers(ctx, tenant, users)
	if err != nil {
		return none, err
	}
	for i, item := range page.Items {
		item.Place = ahead + i + 1
		if views[i] == nil {
			continue
		}
		if l := views[i].License(product); l != nil {
			item.Sources = slices.DeleteFunc(slices.Clone(l.Sources), func(src *Source) bool {
				return !slices.ContainsFunc(src.Errors, func(e *LicenseError) bool { return e.Code == fault.CountViolation })
			})
		}
	}
	return paging.Connection[*Waiting]{Page: page, Count: func(ctx context.Context) (int, error) {
		counts, err := loadCounters(ctx, s.db.Reader(), tenant)
		return int(counts[product].Waiting), err
	}}, nil
}

// ahead counts the users who stand in line before the first of a page. It reads the line up to there.
func (s *Service) ahead(ctx context.Context, tenant, product uuid.UUID, page []*Waiting) (n int, err error) {
	if len(page) == 0 {
		return 0, nil
	}
	first := page[0]
	err = s.db.Reader().QueryRowContext(ctx, `SELECT count(DISTINCT v.user_id) FROM license_violations v
		WHERE v.tenant_id = $1 AND v.product_id = $2 AND v.plan_id IS NULL AND v.code = 'COUNT_VIOLATION'
		AND (`+WaitingOrder+`) < ($3, $4, $5, $6, $7, $8)`,
		tenant, product, first.inherited, first.rank, first.Since, first.created, first.UserID, first.principal).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count who stands in line before: %w", err)
	}
	return n, nil
}

type inLineKey struct{ product, user uuid.UUID }

// places returns the places in line of users, counted from 1, among violations: a table, or what
// takes the place of one, with parameters from $4 on. It reads the lines of the products once, whatever the number of users.
func places(ctx context.Context, q database.Querier, d database.Dialect, tenant uuid.UUID, products, users []uuid.UUID, violations string, args ...any) (map[inLineKey]int, error) {
	places := map[inLineKey]int{}
	if len(products) == 0 || len(users) == 0 {
		return places, nil
	}
	err := database.Each(ctx, q, func(scan func(...any) error) error {
		var k inLineKey
		var n int
		err := scan(&k.product, &k.user, &n)
		places[k] = n
		return err
	}, `SELECT l.product_id, l.user_id, l.place FROM (SELECT v.product_id, v.user_id,
			row_number() OVER (PARTITION BY v.product_id ORDER BY `+WaitingOrder+`) AS place
			FROM `+inLine(violations)+` AND `+d.In("v.product_id", 2)+`) l WHERE `+d.In("l.user_id", 3),
		append([]any{tenant, d.UUIDArray(products), d.UUIDArray(users)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read places in line: %w", err)
	}
	return places, nil
}

// FillSeatDetails puts the facts about seats, which other users decide, to errors with the
// code COUNT_VIOLATION: units, consumption and place in line; and those about places to errors with
// the code GROUP_SEAT_LIMIT. It takes three statements for the former and one for the latter,
// whatever the number of errors.
func (s *Service) FillSeatDetails(ctx context.Context, tenant uuid.UUID, errs []*LicenseError) error {
	products, users := waitingErrors(errs)
	if err := s.fillPlaces(ctx, tenant, errs); err != nil || len(products) == 0 {
		return err
	}
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return err
	}
	counts, used, err := loadBoth(ctx, s.db.Reader(), g)
	if err != nil {
		return err
	}
	places, err := places(ctx, s.db.Reader(), s.db.Dialect(), tenant, products, users, "license_violations")
	if err != nil {
		return err
	}
	fillSeats(g, counts, keptIn(g, used), places, errs)
	return nil
}

// waitingErrors returns whose errors have the code COUNT_VIOLATION, and of which products.
func waitingErrors(errs []*LicenseError) (products, users []uuid.UUID) {
	for _, e := range errs {
		if e.Code != fault.CountViolation {
			continue
		}
		if !slices.Contains(products, e.Product.ID) {
			products = append(products, e.Product.ID)
		}
		if !slices.Contains(users, e.UserID) {
			users = append(users, e.UserID)
		}
	}
	return products, users
}

func fillSeats(g *tenantgraph.Graph, counts map[uuid.UUID]counters, kept map[uuid.UUID]int64, places map[inLineKey]int, errs []*LicenseError) {
	for _, e := range errs {
		if e.Code != fault.CountViolation {
			continue
		}
		d := seatDetails(e.Product, seatCounts(g, e.Product.ID, counts[e.Product.ID], kept[e.Product.ID]))
		if n, ok := places[inLineKey{e.Product.ID, e.UserID}]; ok {
			d.Place = &n
		}
		e.Details = d
	}
}

func seatDetails(p *Product, c SeatCounts) *SeatDetails {
	return &SeatDetails{Product: p, Total: c.Total, Consumed: c.Consumed, Reserved: c.Reserved, Suspended: c.Suspended, LockedOut: c.LockedOut}
}

// Assignments lists every assignment of a product, to users and groups, by id: the order of
// creation. With a plan, it lists those whose selection switches the plan on (R2): where the
// vendor has added it to the product, those that the addition touched.
//
// Errors: BAD_USER_INPUT for wrong paging arguments.
func (s *Service) Assignments(ctx context.Context, tenant, product uuid.UUID, plan *uuid.UUID, args paging.Args) (paging.Connection[*Assignment], error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return paging.Connection[*Assignment]{}, err
	}
	w := &paging.Where{}
	w.And("a.tenant_id = " + w.Arg(tenant))
	w.And("a.product_id = " + w.Arg(product))
	if plan != nil {
		w.And(selects(w, g, product, *plan))
	}
	return s.assignmentList(ctx, g, paging.Order{Name: "assignments", Columns: []paging.Column{{Expr: "a.id", Type: paging.ID}}}, w, args)
}

// assignmentList lists assignments a, those of deleted users left out.
func (s *Service) assignmentList(ctx context.Context, g *tenantgraph.Graph, order paging.Order, w *paging.Where, args paging.Args) (paging.Connection[*Assignment], error) {
	w.And("(a.user_id IS NULL OR EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = a.tenant_id AND u.id = a.user_id AND u.deleted_at IS NULL))")
	list := paging.Keyset[*Assignment]{
		Order: order, Select: assignmentColumns, From: "assignments a", Where: w,
		Scan: func(scan func(...any) error) (*Assignment, error) {
			a, err := scanAssignment(scan)
			if err != nil {
				return nil, err
			}
			return AssignmentOf(g, a), nil
		},
	}
	page, err := list.Page(ctx, s.db.Reader(), args)
	return paging.Connection[*Assignment]{Page: page, Count: func(ctx context.Context) (int, error) { return list.Count(ctx, s.db.Reader()) }}, err
}

// selects holds for assignments a of a product that switch a plan on.
func selects(w *paging.Where, g *tenantgraph.Graph, product, plan uuid.UUID) string {
	p := g.Product(product)
	if p == nil || !slices.ContainsFunc(p.Plans, func(one *Plan) bool { return one.ID == plan }) {
		return "1 = 0"
	}
	named := "a.plans LIKE " + w.Arg(`%"`+plan.String()+`"%`) // plans is a JSON list of ids
	return "(a.mode = 'ALL' OR (a.mode = 'EXCEPT' AND NOT " + named + ") OR (a.mode = 'ONLY' AND " + named + "))"
}

// AssignmentsByID returns assignments of users and groups by id, nil where unknown. An
// assignment of a deleted user counts as unknown.
func (s *Service) AssignmentsByID(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*Assignment, error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return nil, err
	}
	found, err := loadAssignments(ctx, s.db.Reader(), `assignments WHERE tenant_id = $1 AND `+s.db.Dialect().In("id", 2)+` AND (user_id IS NULL OR EXISTS
		(SELECT 1 FROM users u WHERE u.tenant_id = assignments.tenant_id AND u.id = assignments.user_id AND u.deleted_at IS NULL))`,
		tenant, s.db.Dialect().UUIDArray(ids))
	if err != nil {
		return nil, fmt.Errorf("read assignments: %w", err)
	}
	all := make([]*Assignment, len(ids))
	for _, a := range found {
		for i, id := range ids {
			if id == a.ID {
				all[i] = AssignmentOf(g, a)
			}
		}
	}
	return all, nil
}

// MemberCounts returns the numbers of undeleted direct members of groups.
func (s *Service) MemberCounts(ctx context.Context, tenant uuid.UUID, groups []uuid.UUID) (map[uuid.UUID]int, error) {
	counts := map[uuid.UUID]int{}
	d := s.db.Dialect()
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error {
		var group uuid.UUID
		var n int
		err := scan(&group, &n)
		counts[group] = n
		return err
	}, `SELECT group_id, members FROM group_counters WHERE tenant_id = $1 AND `+d.In("group_id", 2), tenant, d.UUIDArray(groups))
	return counts, err
}
