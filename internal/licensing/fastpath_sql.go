package licensing

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
)

func fastColumn(name string, t database.ColumnType) database.Column {
	return database.Column{Name: name, Type: t}
}

// undeleted is the end of a condition that a user of the tenant $1 is not deleted.
const undeleted = ` NOT IN (SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.deleted_at IS NOT NULL)`

// with is the head of a statement over the users whose sources of the products change: per
// user and product ("per"), whether there is a source before (h0) and after (h1), whether
// sources differ, and whether the user waits. Parameter $1 is the tenant; args grows by the
// rest.
func (f *fastPath) with(args *[]any) string {
	q := f.d.Tx.Dialect()
	arg := func(values ...any) int {
		*args = append(*args, values...)
		return len(*args) - len(values) + 1
	}
	*args = append(*args, f.d.Tenant)

	var groups, assignments, products, principals []uuid.UUID
	var before, after, edited, created, ranks []int64
	everywhere := true // every group that the products reach is local
	for _, p := range f.pairs {
		groups, assignments, products = append(groups, p.group), append(assignments, p.bound.ID), append(products, p.bound.ProductID)
		before, after, edited = append(before, num(p.before)), append(after, num(p.after)), append(edited, num(p.edited))
		principals, created = append(principals, p.bound.GroupID), append(created, int64(p.bound.CreatedAt))
		ranks = append(ranks, f.rankAfter(p.bound))
		everywhere = everywhere && slices.Contains(f.local, p.group)
	}
	var skus []uuid.UUID
	var was, is []int64
	for _, p := range f.products {
		skus, was, is = append(skus, p.ID), append(was, num(p.liveBefore)), append(is, num(p.liveAfter))
	}
	locals := `SELECT l.user_id FROM memberships l WHERE l.tenant_id = $1 AND ` + q.In("l.group_id", arg(q.UUIDArray(f.local)))
	member := ""
	if !everywhere {
		member = ` AND m.user_id IN (` + locals + `)`
	}
	return `WITH src AS (
		SELECT m.user_id AS u, r.p AS p, r.a AS a, 1 AS inherited, r.rank AS rank, r.c AS created, r.pr AS principal,
			max(r.i0) AS i0, max(r.i1) AS i1, max(r.e) AS e
		FROM ` + q.Unnest("r", arg(q.UnnestArgs(groups, assignments, products, principals, created, ranks, before, after, edited)...),
		fastColumn("g", database.UUID), fastColumn("a", database.UUID), fastColumn("p", database.UUID),
		fastColumn("pr", database.UUID), fastColumn("c", database.BigInt), fastColumn("rank", database.BigInt),
		fastColumn("i0", database.BigInt), fastColumn("i1", database.BigInt), fastColumn("e", database.BigInt)) + `
		JOIN memberships m ON m.tenant_id = $1 AND m.group_id = r.g
		WHERE m.user_id` + undeleted + member + ` GROUP BY m.user_id, r.p, r.a, r.rank, r.c, r.pr
		UNION ALL
		SELECT a.user_id, a.product_id, a.id, 0, -a.priority, a.created_at, a.user_id, r.i0, r.i1, 0
		FROM ` + q.Unnest("r", arg(q.UnnestArgs(skus, was, is)...),
		fastColumn("p", database.UUID), fastColumn("i0", database.BigInt), fastColumn("i1", database.BigInt)) + `
		JOIN assignments a ON a.tenant_id = $1 AND a.product_id = r.p AND a.user_id IS NOT NULL AND NOT a.scheduled
		WHERE a.user_id` + undeleted + ` AND (r.i0 <> r.i1 OR a.user_id IN (` + locals + `))),
	sums AS (SELECT u, p, max(i0) AS h0, max(i1) AS h1, max(CASE WHEN i0 <> i1 OR e = 1 THEN 1 ELSE 0 END) AS differ,
		max(CASE WHEN i0 < i1 THEN 1 ELSE 0 END) AS begins FROM src GROUP BY u, p),
	per AS (SELECT s.u, s.p, s.h0, s.h1, s.differ, s.begins, CASE WHEN (s.u, s.p) IN (SELECT v.user_id, v.product_id
		FROM license_violations v WHERE v.tenant_id = $1 AND ` + q.In("v.product_id", arg(q.UUIDArray(skus))) + `) THEN 1 ELSE 0 END AS waits FROM sums s)
	`
}

// onlySeats tells whether nobody's sources change.
func (f *fastPath) onlySeats() bool {
	return len(f.local) == 0 && !slices.ContainsFunc(f.products, func(p *fastProduct) bool { return p.liveBefore != p.liveAfter })
}

// count counts the users whose sources change, per product.
func (f *fastPath) count(ctx context.Context) error {
	if f.onlySeats() {
		return nil
	}
	var args []any
	query := f.with(&args) + `SELECT p, h0, h1, differ, waits, count(*) FROM per GROUP BY p, h0, h1, differ, waits`
	err := database.Each(ctx, f.d.Tx, func(scan func(...any) error) error {
		var sku uuid.UUID
		var h0, h1, differ, waits bool
		var n int64
		if err := scan(&sku, &h0, &h1, &differ, &waits, &n); err != nil {
			return err
		}
		p := f.products[slices.IndexFunc(f.products, func(p *fastProduct) bool { return p.ID == sku })]
		switch {
		case waits && !h1:
			p.leaving += n
		case waits && differ:
			p.shuffled += n
		case waits:
		case h0 && !h1:
			p.losing += n
		case h0 && differ:
			p.kept += n
		case !h0 && h1:
			p.newcomers += n
		}
		return nil
	}, query, args...)
	if err != nil {
		return fmt.Errorf("count the users whose licenses change: %w", err)
	}
	return nil
}

// countUsers counts users of several products, each once. Nobody waits, and everybody who
// comes finds a seat.
func (f *fastPath) countUsers(ctx context.Context, i *Impact) error {
	var args []any
	query := f.with(&args)
	q := f.d.Tx.Dialect()
	args = append(args, q.UUIDArray(slices.Collect(maps.Keys(f.d.adds))))
	query += `SELECT coalesce(sum(gains), 0), coalesce(sum(loses), 0), coalesce(sum(keeps), 0), coalesce(sum(loses * (1 - brought)), 0) FROM (
		SELECT max(CASE WHEN h0 = 0 AND h1 = 1 THEN 1 ELSE 0 END) AS gains, max(CASE WHEN h0 = 1 AND h1 = 0 THEN 1 ELSE 0 END) AS loses,
		max(CASE WHEN h0 = 1 AND h1 = 1 AND differ = 1 THEN 1 ELSE 0 END) AS keeps,
		max(CASE WHEN h1 = 1 AND (begins = 1 OR ` + q.In("p", len(args)) + `) THEN 1 ELSE 0 END) AS brought FROM per GROUP BY u) x`
	row := f.d.Tx.QueryRowContext(ctx, query, args...)
	if err := row.Scan(&i.UsersGaining, &i.UsersLosing, &i.UsersChanged, &i.losses.users); err != nil {
		return fmt.Errorf("count the users whose licenses change: %w", err)
	}
	return nil
}

// one is the product of a fast path in which somebody may wait.
func (f *fastPath) one() *fastProduct { return f.products[0] }

// healWaiting ends the violations of sources that are gone and of the first in line, before
// their assignments go. The line may be of any length.
func (f *fastPath) healWaiting(w *writer) error {
	if f == nil || len(f.products) != 1 || f.counts[f.one().ID].Waiting == 0 {
		return nil
	}
	return w.tx.Planned(func() error { return f.healLine(w) })
}

func (f *fastPath) healLine(w *writer) error {
	p, q, line := f.one(), w.q, f.counts[f.one().ID].Waiting
	if p.leaving+p.healed == line { // nobody goes on waiting
		return w.end("license_violations", `license_violations t WHERE t.tenant_id = $1 AND t.product_id = $2`, w.d.Tenant, p.ID)
	}
	if p.leaving > 0 {
		var groups, assignments []uuid.UUID
		for _, r := range f.pairs {
			if r.after {
				groups, assignments = append(groups, r.group), append(assignments, r.bound.ID)
			}
		}
		args := append([]any{w.d.Tenant, p.ID}, q.UnnestArgs(groups, assignments)...)
		err := w.end("license_violations", `license_violations t WHERE t.tenant_id = $1 AND t.product_id = $2 AND t.inherited AND (t.user_id, t.assignment_id) NOT IN
			(SELECT m.user_id, r.a FROM `+q.Unnest("r", 3, fastColumn("g", database.UUID), fastColumn("a", database.UUID))+`
			JOIN memberships m ON m.tenant_id = $1 AND m.group_id = r.g
			WHERE m.user_id IN (SELECT v.user_id FROM license_violations v WHERE v.tenant_id = $1 AND v.product_id = $2))`, args...)
		if err != nil {
			return err
		}
	}
	if p.healed == 0 {
		return nil
	}
	return w.end("license_violations", `license_violations t WHERE t.id IN (SELECT p.id FROM
		(SELECT f.id, dense_rank() OVER (ORDER BY f.first) AS place FROM
		(SELECT n.id, min(n.n) OVER (PARTITION BY n.user_id) AS first FROM
		(SELECT v.id, v.user_id, row_number() OVER (ORDER BY `+WaitingOrder+`) AS n FROM license_violations v
			WHERE v.tenant_id = $1 AND v.product_id = $2 AND v.plan_id IS NULL AND v.code = 'COUNT_VIOLATION') n) f) p
		WHERE p.place <= $3)`, w.d.Tenant, p.ID, p.healed)
}

// ranked numbers the newcomers of the one product in R5's order: all begin to wait at once,
// so direct comes before inherited, then priority, assignment creation, user and principal. Each source
// bears its user's place. Rows are numbered rather than joined, so that the cost stays in
// proportion to their number also where the database has no statistics yet.
const ranked = `, mine AS (SELECT s.u, s.a, s.inherited, s.rank, s.created, s.principal, max(s.i0) OVER (PARTITION BY s.u, s.p) AS h0, s.i1 FROM src s),
	numbered AS (SELECT m.*, row_number() OVER (ORDER BY inherited, rank, created, u, principal) AS n FROM mine m WHERE h0 = 0 AND i1 = 1),
	firsts AS (SELECT n.*, min(n.n) OVER (PARTITION BY n.u) AS first FROM numbered n),
	places AS (SELECT f.*, dense_rank() OVER (ORDER BY f.first) AS place FROM firsts f)
	`

// refuse writes the violations of the newcomers for whom there is no seat, once their
// assignments are there.
func (f *fastPath) refuse(w *writer) error {
	if f == nil || len(f.products) != 1 || f.one().newcomers == f.one().seated {
		return nil
	}
	p := f.one()
	var args []any
	head := f.with(&args) + ranked
	args = append(args, w.event, w.d.Now, p.ID, p.seated)
	n := len(args)
	insert := fmt.Sprintf(`%s INSERT INTO license_violations (tenant_id, opened_by, user_id, assignment_id, code, since, product_id, principal_id, inherited, rank,
		assignment_created_at) SELECT $1, $%d, m.u, m.a, '%s', $%d, $%d, m.principal, m.inherited = 1, m.rank, m.created FROM places m WHERE m.place > $%d`,
		head, n-3, fault.CountViolation, n-2, n-1, n)
	return f.set(w.ctx, func() error { return w.exec(insert, args...) })
}
