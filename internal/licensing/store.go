package licensing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// store writes a judged change: facts, exceptions, counters, audit event. What others refer
// to is written before them and removed after them.
func (s *Service) store(ctx context.Context, d *Draft, book *casebook, verdicts []engine.Verdict, fast *fastPath, out *Outcome, o Options) error {
	event, err := s.event(ctx, d, out, o)
	if err != nil {
		return fmt.Errorf("write the change: %w", err)
	}
	w := &writer{ctx: ctx, tx: d.Tx, d: d, q: d.Tx.Dialect(), event: out.EventID}
	changes := d.edit.Changes()
	steps := []func() error{
		func() error { return w.tenant(!d.edit.Empty(), event) },
		func() error { return w.groupsIn(changes.Groups) },
		w.users,
		func() error { return w.nestings(changes.Nestings) },
		w.memberships,
		func() error { return w.subscriptions(changes.Subscriptions) },
		func() error { return w.violations(book, verdicts) },
		func() error { return fast.healWaiting(w) },
		func() error { return w.placesOut(book) },
		func() error { return w.assignments(changes.Assignments) },
		w.ownPlaces,
		w.newViolations,
		func() error { return w.placesIn(book) },
		func() error { return fast.refuse(w) },
		func() error { return w.counters(book.after, out.Impact) },
		func() error { return w.groupsOut(changes.Groups) },
		w.versions,
		func() error {
			for _, write := range d.writes {
				if err := write(ctx, d.Tx); err != nil {
					return err
				}
			}
			return nil
		},
		func() error { return event.Insert(ctx, d.Tx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("write the change: %w", err)
		}
	}
	return nil
}

// writer writes the parts of one change.
type writer struct {
	ctx  context.Context
	tx   *database.Tx
	d    *Draft
	q    database.Dialect
	rows newRows

	event uuid.UUID // of the audit log
}

func (w *writer) exec(query string, args ...any) error {
	_, err := w.tx.ExecContext(w.ctx, query, args...)
	return err
}

func (w *writer) tenant(graphChanged bool, event *audit.Sealed) error {
	hash := event.Hash()
	err := w.exec(`UPDATE tenants SET last_instant = $2, graph_revision = graph_revision + $3, audit_sequence = $4, audit_hash = $5 WHERE id = $1`,
		w.d.Tenant, w.d.Now, num(graphChanged), event.Sequence(), hash[:])
	if err != nil || !w.d.edit.TenantDiffers() {
		return err
	}
	if err := w.keep("tenants", "tenants t WHERE t.id = $1", w.d.Tenant); err != nil {
		return err
	}
	after := w.d.edit.Graph()
	return w.exec(`UPDATE tenants SET country = $2, loss_threshold = $3, grace_period = $4, suspension_period = $5, deleted_user_retention = $6,
		history_retention = $7, audit_retention = $8 WHERE id = $1`, w.d.Tenant, after.Country, after.Terms.LossThreshold, after.Terms.Grace.Microseconds(),
		after.Terms.Suspension.Microseconds(), after.Terms.DeletedUserRetention.Microseconds(), after.Terms.HistoryRetention.Microseconds(),
		after.Terms.AuditRetention.Microseconds())
}

func (w *writer) nestings(all map[[2]uuid.UUID]*tenantgraph.Nesting) error {
	var parents, children, goneParents, goneChildren []uuid.UUID
	var since []clock.Instant
	for key, n := range all {
		switch {
		case n == nil:
			goneParents, goneChildren = append(goneParents, key[0]), append(goneChildren, key[1])
		default:
			parents, children, since = append(parents, key[0]), append(children, key[1]), append(since, n.Since)
		}
	}
	return w.pairs("nestings", "parent_id", "child_id", parents, children, since, goneParents, goneChildren)
}

// memberships writes those that begin and end, and counts undeleted members.
func (w *writer) memberships() error {
	var groups, users, goneGroups, goneUsers []uuid.UUID
	var since []clock.Instant
	members := map[uuid.UUID]int64{}
	for user, u := range w.d.users {
		for g := range u.join {
			groups, users, since = append(groups, g), append(users, user), append(since, w.d.Now)
			members[g]++
		}
		for g := range u.leave {
			goneGroups, goneUsers = append(goneGroups, g), append(goneUsers, user)
			members[g]--
		}
	}
	if err := w.pairs("memberships", "group_id", "user_id", groups, users, since, goneGroups, goneUsers); err != nil {
		return err
	}
	var keys []uuid.UUID
	var deltas []int64
	for g, n := range members {
		if n != 0 {
			keys, deltas = append(keys, g), append(deltas, n)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return w.exec(`UPDATE group_counters AS t SET members = t.members + v.n FROM `+
		w.q.Unnest("v", 2, database.Column{Name: "g", Type: database.UUID}, database.Column{Name: "n", Type: database.BigInt})+
		` WHERE t.tenant_id = $1 AND t.group_id = v.g`, append([]any{w.d.Tenant}, w.q.UnnestArgs(keys, deltas)...)...)
}

// pairs inserts and deletes rows of a table of pairs.
func (w *writer) pairs(table, a, b string, as, bs []uuid.UUID, since []clock.Instant, goneA, goneB []uuid.UUID) error {
	ca, cb := database.Column{Name: "a", Type: database.UUID}, database.Column{Name: "b", Type: database.UUID}
	if len(goneA) > 0 {
		rows := table + ` t WHERE t.tenant_id = $1 AND (t.` + a + `, t.` + b + `) IN (SELECT v.a, v.b FROM ` + w.q.Unnest("v", 2, ca, cb) + `)`
		if err := w.end(table, rows, append([]any{w.d.Tenant}, w.q.UnnestArgs(goneA, goneB)...)...); err != nil {
			return err
		}
	}
	if len(as) == 0 {
		return nil
	}
	return w.exec(`INSERT INTO `+table+` (tenant_id, `+a+`, `+b+`, created_at) SELECT $1, v.a, v.b, v.t FROM `+
		w.q.Unnest("v", 2, ca, cb, database.Column{Name: "t", Type: database.BigInt}),
		append([]any{w.d.Tenant}, w.q.UnnestArgs(as, bs, since)...)...)
}

func (w *writer) subscriptions(all map[uuid.UUID]*tenantgraph.Subscription) error {
	for _, s := range all {
		if w.d.Graph.Subscription(s.ID) != nil {
			if err := w.keep("subscriptions", "subscriptions t WHERE t.tenant_id = $1 AND t.id = $2", w.d.Tenant, s.ID); err != nil {
				return err
			}
		}
		err := w.exec(`INSERT INTO subscriptions (id, tenant_id, product_id, seats, status, starts_at, live_since, renews_at, ends_at,
			created_at, updated_at, cancelled_at, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			ON CONFLICT (id) DO UPDATE SET seats = excluded.seats, status = excluded.status, starts_at = excluded.starts_at,
			live_since = excluded.live_since, renews_at = excluded.renews_at, ends_at = excluded.ends_at,
			updated_at = excluded.updated_at, cancelled_at = excluded.cancelled_at, version = excluded.version`,
			s.ID, w.d.Tenant, s.ProductID, s.Seats, s.Status, s.StartsAt, s.LiveSince, s.RenewsAt, s.EndsAt,
			s.CreatedAt, s.UpdatedAt, s.CancelledAt, s.Version)
		if err != nil {
			return err
		}
	}
	return nil
}

// assignments writes those of groups, from the edit, and those of users, from their drafts.
func (w *writer) assignments(ofGroups map[uuid.UUID]*tenantgraph.Assignment) error {
	var put []*tenantgraph.Assignment
	var gone, edited []uuid.UUID
	for key, a := range ofGroups {
		switch {
		case a == nil:
			gone = append(gone, key)
			continue
		case w.d.Graph.Assignment(key) != nil:
			edited = append(edited, key)
		}
		put = append(put, a)
	}
	for _, u := range w.d.users {
		for _, dd := range u.direct {
			switch {
			case dd.after == nil:
				gone = append(gone, dd.before.ID)
				continue
			case dd.before != nil:
				edited = append(edited, dd.before.ID)
			}
			put = append(put, dd.after)
		}
	}
	named := `assignments t WHERE t.tenant_id = $1 AND ` + w.q.In("t.id", 2)
	if len(gone) > 0 {
		if err := w.end("assignments", named, w.d.Tenant, w.q.UUIDArray(gone)); err != nil {
			return err
		}
	}
	if len(edited) > 0 {
		if err := w.keep("assignments", named, w.d.Tenant, w.q.UUIDArray(edited)); err != nil {
			return err
		}
	}
	if len(put) == 0 {
		return nil
	}
	return w.putAssignments(put)
}

func (w *writer) putAssignments(put []*tenantgraph.Assignment) error {
	slices.SortFunc(put, func(a, b *tenantgraph.Assignment) int { return slices.Compare(a.ID[:], b.ID[:]) })
	n := len(put)
	ids, products := make([]uuid.UUID, n), make([]uuid.UUID, n)
	users, groups := make([]uuid.NullUUID, n), make([]uuid.NullUUID, n)
	modes, plans, excluded := make([]string, n), make([]string, n), make([]string, n)
	scheduled, starts, began, ends := make([]bool, n), make([]clock.Instant, n), make([]clock.Instant, n), make([]clock.Instant, n)
	nested, priorities, limits, reserves := make([]bool, n), make([]int64, n), make([]int64, n), make([]int64, n)
	created, updated, versions := make([]clock.Instant, n), make([]clock.Instant, n), make([]int64, n)
	for i, a := range put {
		ids[i], products[i] = a.ID, a.ProductID
		users[i] = uuid.NullUUID{UUID: a.UserID, Valid: a.Direct()}
		groups[i] = uuid.NullUUID{UUID: a.GroupID, Valid: !a.Direct()}
		modes[i], nested[i], created[i], updated[i], versions[i] = string(a.Selection.Mode), a.IncludeNested, a.CreatedAt, a.UpdatedAt, int64(a.Version)
		scheduled[i], starts[i], began[i], ends[i] = a.Scheduled, orZero(a.StartsAt), orZero(a.BeganAt), orZero(a.EndsAt)
		priorities[i], limits[i], reserves[i] = int64(a.Priority), -1, int64(a.SeatReserve)
		if a.SeatLimit != nil {
			limits[i] = int64(*a.SeatLimit)
		}
		var err error
		if plans[i], err = idList(a.Selection.Plans); err != nil {
			return err
		}
		if excluded[i], err = idList(a.ExcludedGroups); err != nil {
			return err
		}
	}
	col := func(name string, t database.ColumnType) database.Column { return database.Column{Name: name, Type: t} }
	return w.exec(`INSERT INTO assignments (id, tenant_id, user_id, group_id, product_id, mode, plans, include_nested, priority, seat_limit, seat_reserve, excluded_groups,
		created_at, updated_at, version, scheduled, starts_at, began_at, ends_at)
		SELECT v.id, $1, v.u, v.g, v.p, v.mode, v.plans, v.nested, v.priority, nullif(v.seats, -1), v.reserve, v.excluded, v.created, v.updated, v.version,
		v.scheduled, nullif(v.starts, 0), nullif(v.began, 0), nullif(v.ends, 0) FROM `+
		w.q.Unnest("v", 2, col("id", database.UUID), col("u", database.UUID), col("g", database.UUID), col("p", database.UUID),
			col("mode", database.Text), col("plans", database.Text), col("nested", database.Bool), col("priority", database.BigInt), col("seats", database.BigInt), col("reserve", database.BigInt), col("excluded", database.Text),
			col("created", database.BigInt), col("updated", database.BigInt), col("version", database.BigInt),
			col("scheduled", database.Bool), col("starts", database.BigInt), col("began", database.BigInt), col("ends", database.BigInt))+
		` WHERE true ON CONFLICT (id) DO UPDATE SET mode = excluded.mode, plans = excluded.plans,
		include_nested = excluded.include_nested, priority = excluded.priority, excluded_groups = excluded.excluded_groups, seat_limit = excluded.seat_limit, seat_reserve = excluded.seat_reserve,
		updated_at = excluded.updated_at, version = excluded.version,
		scheduled = excluded.scheduled, starts_at = excluded.starts_at, began_at = excluded.began_at, ends_at = excluded.ends_at`,
		append([]any{w.d.Tenant}, w.q.UnnestArgs(ids, users, groups, products, modes, plans, nested, priorities, limits, reserves, excluded, created, updated, versions,
			scheduled, starts, began, ends)...)...)
}

// idList is a list of ids as it is stored: a JSON array.
func idList(ids []uuid.UUID) (string, error) {
	if len(ids) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(ids)
	return string(text), err
}

// orZero stands for an instant that is not set by 0: lists of a statement have no nulls.
func orZero(at *clock.Instant) clock.Instant {
	if at == nil {
		return 0
	}
	return *at
}

// counters moves the seat counters by what the verdicts add up to, and keeps what they were with
// what the change did.
func (w *writer) counters(g *tenantgraph.Graph, i *Impact) error {
	var moved, begun counterRows
	var former formerCounters
	for p, d := range i.deltas {
		if !d.quiet() || d.healed > 0 {
			former.add(g.ProductAt(p).ID, i.counts[g.ProductAt(p).ID], d)
		}
		if d.consumed == 0 && d.waiting == 0 && d.inError == 0 {
			continue
		}
		if _, counted := i.counts[g.ProductAt(p).ID]; counted {
			moved.add(g.ProductAt(p).ID, d)
		} else {
			begun.add(g.ProductAt(p).ID, d)
		}
	}
	if err := w.formerCounters(&former); err != nil {
		return err
	}
	deltas := w.q.Unnest("v", 2, fastColumn("p", database.UUID), fastColumn("c", database.BigInt), fastColumn("w", database.BigInt), fastColumn("e", database.BigInt))
	if len(begun.products) > 0 {
		err := w.exec(`INSERT INTO seat_counters (tenant_id, product_id, consumed, waiting, in_error) SELECT $1, v.p, v.c, v.w, v.e FROM `+deltas, begun.args(w)...)
		if err != nil {
			return err
		}
	}
	if len(moved.products) == 0 {
		return nil
	}
	return w.exec(`UPDATE seat_counters AS t SET consumed = t.consumed + v.c, waiting = t.waiting + v.w, in_error = t.in_error + v.e FROM `+deltas+
		` WHERE t.tenant_id = $1 AND t.product_id = v.p`, moved.args(w)...)
}

type counterRows struct {
	products                   []uuid.UUID
	consumed, waiting, inError []int64
}

func (r *counterRows) add(product uuid.UUID, d *delta) {
	r.products = append(r.products, product)
	r.consumed, r.waiting, r.inError = append(r.consumed, d.consumed), append(r.waiting, d.waiting), append(r.inError, d.inError)
}

func (r *counterRows) args(w *writer) []any {
	return append([]any{w.d.Tenant}, w.q.UnnestArgs(r.products, r.consumed, r.waiting, r.inError)...)
}

// versions raises those of groups whose assignments or nestings changed, and of users whose
// direct assignments did.
func (w *writer) versions() error {
	var groups, users []uuid.UUID
	for g := range w.d.touched {
		if r, ok := w.d.edit.Changes().Groups[g]; w.d.Graph.Group(g) != nil && (!ok || r != nil) { // a created one begins at 1
			groups = append(groups, g)
		}
	}
	for user, u := range w.d.users {
		if len(u.direct) > 0 && u.after == nil {
			users = append(users, user)
		}
	}
	for table, ids := range map[string][]uuid.UUID{"groups": groups, "users": users} {
		if len(ids) > 0 {
			err := w.exec(`UPDATE `+table+` SET version = version + 1, updated_at = $2 WHERE tenant_id = $1 AND `+w.q.In("id", 3),
				w.d.Tenant, w.d.Now, w.q.UUIDArray(ids))
			if err != nil {
				return err
			}
		}
	}
	return nil
}
