package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// local is whose sources, or their plans, a change can touch, and who selects a plan whose rules it
// changes: users it names, members of groups, and those who have products directly.
type local struct {
	named, groups, products []uuid.UUID // named: ascending
	lines                   []uuid.UUID // products of which all who wait are local, because a group's seats are limited
}

func (s *Service) findLocal(ctx context.Context, d *Draft, book *casebook) (*local, error) {
	l := &local{groups: tenantgraph.ReachDiffers(book.before, book.after), products: productsTouched(book.before, book.after)}
	further := slices.Concat(tenantgraph.ExcludedDiffers(book.before, book.after), book.after.GroupsReachedBy(l.products))
	for id, u := range d.users {
		if u.reaches() && (u.before != nil || u.after == nil) {
			l.named = append(l.named, id)
		}
	}
	if book.before.Country != book.after.Country {
		moved, err := usersOfNoLocation(ctx, d.Tx, book.after)
		if err != nil {
			return nil, err
		}
		l.named = append(l.named, moved...)
	}
	for _, group := range further {
		if !slices.Contains(l.groups, group) {
			l.groups = append(l.groups, group)
		}
	}
	slices.SortFunc(l.named, compareUUIDs)
	l.named = slices.Compact(l.named)
	l.limits(book)
	return l, nil
}

// many tells whether there are more local users than are loaded one by one, those who are members
// of several groups counted with each.
func (l *local) many(ctx context.Context, d *Draft, most int64) (bool, error) {
	if l.onlyNamed() {
		return false, nil
	}
	q := d.Tx.Dialect()
	var members, direct, waiting int64
	row := d.Tx.QueryRowContext(ctx, `SELECT (SELECT coalesce(sum(members), 0) FROM group_counters WHERE tenant_id = $1 AND `+q.In("group_id", 2)+`),
		(SELECT count(*) FROM assignments WHERE tenant_id = $1 AND user_id IS NOT NULL AND NOT scheduled AND `+q.In("product_id", 3)+`),
		(SELECT count(*) FROM license_violations WHERE tenant_id = $1 AND plan_id IS NULL AND `+q.In("product_id", 4)+`)`,
		d.Tenant, q.UUIDArray(l.groups), q.UUIDArray(l.products), q.UUIDArray(l.lines))
	if err := row.Scan(&members, &direct, &waiting); err != nil {
		return false, fmt.Errorf("count the users that the change touches: %w", err)
	}
	return members+direct+waiting > most, nil
}

// users returns all of them, ascending.
func (l *local) users(ctx context.Context, d *Draft) ([]uuid.UUID, error) {
	if l.onlyNamed() {
		return l.named, nil
	}
	q := d.Tx.Dialect()
	ids, err := database.Values[uuid.UUID](ctx, d.Tx, `SELECT u.id FROM users u WHERE u.tenant_id = $1 AND `+q.In("u.id", 2)+`
		UNION SELECT m.user_id FROM memberships m WHERE m.tenant_id = $1 AND `+q.In("m.group_id", 3)+`
		UNION SELECT a.user_id FROM assignments a WHERE a.tenant_id = $1 AND a.user_id IS NOT NULL AND NOT a.scheduled AND `+q.In("a.product_id", 4)+`
		UNION SELECT v.user_id FROM license_violations v WHERE v.tenant_id = $1 AND v.plan_id IS NULL AND `+q.In("v.product_id", 5)+`
		ORDER BY 1`, d.Tenant, q.UUIDArray(l.named), q.UUIDArray(l.groups), q.UUIDArray(l.products), q.UUIDArray(l.lines))
	if err != nil {
		return nil, fmt.Errorf("find the users that the change touches: %w", err)
	}
	return ids, nil
}

// first returns the first of those who are members of the groups or have a product themselves, by id
// from one on; deleted users and named ones are among them. On PostgreSQL it reads no more of a group
// than it returns, however many members the group has; SQLite does so of one group.
func (l *local) first(ctx context.Context, d *Draft, from uuid.UUID, limit int) ([]uuid.UUID, error) {
	if l.onlyNamed() {
		return nil, nil
	}
	q := d.Tx.Dialect()
	members := `SELECT m.user_id AS u FROM memberships m WHERE m.tenant_id = $1 AND ` + q.In("m.group_id", 3) + ` AND m.user_id >= $2`
	if q == database.Postgres { // which would gather all members of several groups first
		members = fmt.Sprintf(`SELECT x.user_id AS u FROM %s CROSS JOIN LATERAL (SELECT m.user_id FROM memberships m
			WHERE m.tenant_id = $1 AND m.group_id = g.id AND m.user_id >= $2 ORDER BY m.user_id LIMIT %d) x`,
			q.Unnest("g", 3, fastColumn("id", database.UUID)), limit)
	}
	query, args := members, []any{d.Tenant, from, q.UUIDArray(l.groups)}
	if len(l.products) > 0 {
		query += ` UNION SELECT a.user_id FROM assignments a WHERE a.tenant_id = $1 AND NOT a.scheduled AND ` + q.In("a.product_id", 4) + ` AND a.user_id >= $2`
		args = append(args, q.UUIDArray(l.products))
	}
	if len(l.lines) > 0 {
		args = append(args, q.UUIDArray(l.lines))
		query += ` UNION SELECT v.user_id FROM license_violations v WHERE v.tenant_id = $1 AND v.plan_id IS NULL AND ` + q.In("v.product_id", len(args)) + ` AND v.user_id >= $2`
	}
	ids, err := database.Values[uuid.UUID](ctx, d.Tx, fmt.Sprintf(`SELECT DISTINCT u FROM (%s) x ORDER BY u LIMIT %d`, query, limit), args...)
	if err != nil {
		return nil, fmt.Errorf("list the users that the change touches: %w", err)
	}
	return ids, nil
}

// usersOfNoLocation returns the users who are judged by the tenant's country and have a source
// of a product with a plan that may not be used everywhere (R11).
func usersOfNoLocation(ctx context.Context, tx *database.Tx, g *tenantgraph.Graph) ([]uuid.UUID, error) {
	var products []uuid.UUID
	for _, p := range g.Products {
		if g.Rules.Located(p.Set) {
			products = append(products, p.ID)
		}
	}
	q := tx.Dialect()
	ids, err := database.Values[uuid.UUID](ctx, tx, `SELECT u.id FROM users u WHERE u.tenant_id = $1 AND u.usage_location IS NULL AND u.deleted_at IS NULL AND u.id IN (
		SELECT m.user_id FROM memberships m WHERE m.tenant_id = $1 AND `+q.In("m.group_id", 2)+`
		UNION SELECT a.user_id FROM assignments a WHERE a.tenant_id = $1 AND a.user_id IS NOT NULL AND NOT a.scheduled AND `+q.In("a.product_id", 3)+`)`,
		g.Tenant, q.UUIDArray(g.GroupsReachedBy(products)), q.UUIDArray(products))
	if err != nil {
		return nil, fmt.Errorf("find the users without a location: %w", err)
	}
	return ids, nil
}

// reaches tells whether the draft can touch the user's licenses.
func (u *userDraft) reaches() bool {
	if len(u.join)+len(u.leave)+len(u.direct) > 0 {
		return true
	}
	return u.after != nil && (u.before == nil || (u.before.DeletedAt == nil) != (u.after.DeletedAt == nil) ||
		!sameText(u.before.UsageLocation, u.after.UsageLocation))
}

func sameText(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// productsTouched returns the products whose first or last live subscription, or whose plans,
// or the rules of whose plans, the change touches.
func productsTouched(before, after *tenantgraph.Graph) []uuid.UUID {
	if before == after {
		return nil
	}
	var touched []uuid.UUID
	for _, p := range after.Products {
		_, was := before.LiveSince(p.ID)
		if _, is := after.LiveSince(p.ID); was != is {
			touched = append(touched, p.ID)
		}
	}
	if before.Catalog != after.Catalog {
		touched = append(touched, productsDiffering(before.Catalog, after.Catalog)...)
	}
	return touched
}
