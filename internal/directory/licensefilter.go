package directory

import (
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// needsGraph tells whether the filter's answer depends on the tenant's graph.
func (f UserFilter) needsGraph() bool {
	return f.Product != nil || f.Plan != nil || f.Group != nil || f.HasLicense != nil || f.HasLicenseError != nil
}

// licenses adds the filter's conditions on membership and on licenses. They ask for the
// admitted state: a source counts unless its product has no live subscription (R16) or a
// violation takes it, or the plan in question, away.
func (l *userList) licenses(r reading, f UserFilter) {
	if f.Group != nil {
		l.must(memberCondition(r.d, r.graph.Descendants(*f.Group)))
	}
	if f.Deleted { // R1: a deleted user has no sources
		if f.Product != nil || f.Plan != nil || isTrue(f.HasLicense) || isTrue(f.HasLicenseError) {
			l.where.And("1 = 0")
		}
		return
	}
	if f.Product != nil {
		l.must(holderCondition(r.d, r.graph, func(p *licensing.Product) bool { return p.ID == *f.Product }))
	}
	if f.Plan != nil {
		l.must(planCondition(r.d, r.graph, *f.Plan))
	}
	if f.HasLicense != nil {
		l.ask(*f.HasLicense, holderCondition(r.d, r.graph, func(*licensing.Product) bool { return true }))
	}
	if f.HasLicenseError != nil {
		l.ask(*f.HasLicenseError, errorCondition(r.d, r.graph))
	}
}

func isTrue(b *bool) bool { return b != nil && *b }

func (l *userList) ask(want bool, c condition) {
	if want {
		l.must(c)
	} else {
		l.mustNot(c)
	}
}

// memberCondition holds for direct members of one of the groups.
func memberCondition(d database.Dialect, groups []uuid.UUID) condition {
	within := func(w *paging.Where) string { return d.In("m.group_id", w.Args(d.UUIDArray(groups))) }
	return condition{
		test: func(w *paging.Where) string {
			return "EXISTS (SELECT 1 FROM memberships m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id AND " + within(w) + ")"
		},
		set: func(w *paging.Where) string {
			return "SELECT m.user_id FROM memberships m WHERE m.tenant_id = " + tenantArg + " AND " + within(w)
		},
	}
}

// directCondition holds for direct members of a group, whose number is kept.
func directCondition(d database.Dialect, group uuid.UUID) condition {
	c := memberCondition(d, []uuid.UUID{group})
	c.size = func(w *paging.Where) string {
		return "coalesce((SELECT gc.members FROM group_counters gc WHERE gc.tenant_id = " + tenantArg + " AND gc.group_id = " + w.Arg(group) + "), 0)"
	}
	return c
}

// sources are the sources of users that a condition asks for.
type sources struct {
	d                   database.Dialect
	products            []uuid.UUID                    // of direct assignments
	direct              func(w *paging.Where) string   // condition on a direct assignment a; "" where products say it all
	groups, assignments []uuid.UUID                    // pairs: the assignment reaches the group's direct members
	excluding, excluded []uuid.UUID                    // pairs: direct members of the group do not have the assignment
	rows                func(w *paging.Where) []string // conditions on rows v, each of which takes a source away
}

// pair adds the assignments that reach the members of any group and that take holds for.
func (s *sources) pair(g *tenantgraph.Graph, take func(*tenantgraph.Bound) bool) {
	for _, group := range g.ReachingGroups() {
		for _, r := range g.Reach(group) {
			if take(r.Bound) {
				s.groups = append(s.groups, group)
				s.assignments = append(s.assignments, r.ID)
			}
		}
	}
	s.excluding, s.excluded = g.ExcludedPairs(take)
}

// condition holds for users with at least one of the sources. A CROSS JOIN makes SQLite keep
// the order of its tables; to PostgreSQL it is a join like any other.
func (s *sources) condition() condition {
	const directOf = "FROM assignments a WHERE NOT a.scheduled AND a.tenant_id = "
	return condition{
		test: func(w *paging.Where) string {
			return "(EXISTS (SELECT 1 " + directOf + "u.tenant_id AND a.user_id = u.id AND " + s.own(w) + s.taken(w, "u.id", "a.id") + ")" +
				" OR EXISTS (SELECT 1 FROM memberships m CROSS JOIN " + s.pairs(w) +
				" WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id AND r.group_id = m.group_id" + s.notExcluded(w) + s.taken(w, "u.id", "r.assignment_id") + "))"
		},
		set: func(w *paging.Where) string {
			return "SELECT a.user_id " + directOf + tenantArg + " AND a.user_id IS NOT NULL AND " + s.own(w) + s.taken(w, "a.user_id", "a.id") +
				" UNION ALL SELECT m.user_id FROM " + s.pairs(w) + " CROSS JOIN memberships m" +
				" WHERE m.tenant_id = " + tenantArg + " AND m.group_id = r.group_id" + s.notExcluded(w) + s.taken(w, "m.user_id", "r.assignment_id")
		},
	}
}

func (s *sources) own(w *paging.Where) string {
	own := s.d.In("a.product_id", w.Args(s.d.UUIDArray(s.products)))
	if s.direct != nil {
		own += " AND " + s.direct(w)
	}
	return own
}

func (s *sources) pairs(w *paging.Where) string {
	arg := w.Args(s.d.UnnestArgs(s.groups, s.assignments)...)
	return s.d.Unnest("r", arg, database.Column{Name: "group_id", Type: database.UUID}, database.Column{Name: "assignment_id", Type: database.UUID})
}

// notExcluded is the condition that the user of a membership m is not excluded from the assignment
// of a pair r by another one (R1).
func (s *sources) notExcluded(w *paging.Where) string {
	if len(s.excluding) == 0 {
		return ""
	}
	arg := w.Args(s.d.UnnestArgs(s.excluding, s.excluded)...)
	return " AND NOT EXISTS (SELECT 1 FROM " + s.d.Unnest("x", arg, database.Column{Name: "group_id", Type: database.UUID}, database.Column{Name: "assignment_id", Type: database.UUID}) +
		" CROSS JOIN memberships o WHERE o.tenant_id = " + tenantArg + " AND o.user_id = m.user_id AND o.group_id = x.group_id AND x.assignment_id = r.assignment_id)"
}

// taken is the condition that no row takes the source (user, assignment) away. Each kind of
// row has an index of its own, so each is asked for on its own.
func (s *sources) taken(w *paging.Where, user, assignment string) string {
	if s.rows == nil {
		return ""
	}
	text := ""
	for _, row := range s.rows(w) {
		text += " AND NOT EXISTS (SELECT 1 FROM license_violations v WHERE v.tenant_id = " + tenantArg +
			" AND v.user_id = " + user + " AND v.assignment_id = " + assignment + " AND " + row + ")"
	}
	return text
}

const wholeRow = "v.plan_id IS NULL"

// holderCondition holds for holders of a product that is asked for: users with an admitted
// source of it.
func holderCondition(d database.Dialect, g *tenantgraph.Graph, asked func(*licensing.Product) bool) condition {
	s := &sources{d: d, rows: func(*paging.Where) []string { return []string{wholeRow} }}
	wanted := map[uuid.UUID]bool{}
	for _, p := range g.SubscribedProducts() {
		if _, live := g.LiveSince(p.ID); live && asked(p) {
			wanted[p.ID] = true
			s.products = append(s.products, p.ID)
		}
	}
	s.pair(g, func(b *tenantgraph.Bound) bool { return wanted[b.ProductID] })
	return s.condition()
}

// planCondition holds for users for whom a plan is enabled: an admitted source selects it,
// and it is not withheld from that source (R3), or it comes to everybody (R7).
func planCondition(d database.Dialect, g *tenantgraph.Graph, key uuid.UUID) condition {
	s := &sources{d: d}
	plan := g.Plan(key)
	if plan == nil {
		return s.condition()
	}
	for _, p := range plan.Products {
		if _, live := g.LiveSince(p.ID); live {
			s.products = append(s.products, p.ID)
		}
	}
	s.pair(g, func(b *tenantgraph.Bound) bool {
		_, live := g.LiveSince(b.ProductID)
		return live && b.Selected.Has(plan.Index)
	})
	s.direct = func(w *paging.Where) string { // R2; a.plans is a JSON array of UUIDs
		named := "a.plans LIKE " + w.Arg("%"+key.String()+"%")
		return "(a.mode = 'ALL' OR a.mode = 'EXCEPT' AND NOT " + named + " OR a.mode = 'ONLY' AND " + named + ")"
	}
	s.rows = func(w *paging.Where) []string { return []string{wholeRow, "v.plan_id = " + w.Arg(key)} }
	c := s.condition()
	if slices.ContainsFunc(g.Automatic(), func(a tenantgraph.Automatic) bool { return a.Plan == plan }) {
		return automaticOr(c)
	}
	return c
}

// automaticOr holds for users with an enabled account, to whom the plan comes of itself (R7),
// and for those who have it otherwise.
func automaticOr(assigned condition) condition {
	return condition{
		test: func(w *paging.Where) string { return "(u.account_enabled OR " + assigned.test(w) + ")" },
		set: func(w *paging.Where) string {
			return "SELECT e.id AS user_id FROM users e WHERE e.tenant_id = " + tenantArg + " AND e.account_enabled UNION ALL " + assigned.set(w)
		},
	}
}

// errorCondition holds for users with a source that is not ACTIVE: one with a violation, or
// one of a product without a live subscription, which has no row (R16).
func errorCondition(d database.Dialect, g *tenantgraph.Graph) condition {
	s := &sources{d: d}
	dead := map[uuid.UUID]bool{}
	for _, p := range g.SubscribedProducts() {
		if _, live := g.LiveSince(p.ID); !live {
			dead[p.ID] = true
			s.products = append(s.products, p.ID)
		}
	}
	s.pair(g, func(b *tenantgraph.Bound) bool { return dead[b.ProductID] })
	unsubscribed := s.condition()
	return condition{
		test: func(w *paging.Where) string {
			const row = "EXISTS (SELECT 1 FROM license_violations v WHERE v.tenant_id = u.tenant_id AND v.user_id = u.id AND v.plan_id IS "
			return "(" + row + "NULL) OR " + row + "NOT NULL) OR " + unsubscribed.test(w) + ")"
		},
		set: func(w *paging.Where) string {
			return "SELECT v.user_id FROM license_violations v WHERE v.tenant_id = " + tenantArg + " UNION ALL " + unsubscribed.set(w)
		},
	}
}
