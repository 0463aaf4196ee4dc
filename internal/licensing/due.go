package licensing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Due is what ApplyDue did.
type Due struct {
	Applied int // changes
	// Next is when something falls due next, where that is within Horizon; zero otherwise.
	Next clock.Instant
	// Failed are the tenants at which something went wrong, and what. Nothing of them was
	// tried after that, so that their changes stay in order.
	Failed map[uuid.UUID]error
}

// Horizon is how far ahead ApplyDue looks.
const Horizon = time.Minute

// removalBatch is how many users one change removes for good at most.
const removalBatch = 500

// ApplyDue carries out what has fallen due by the clock, over all tenants but some, in the order
// of the instants at which it did: the transitions of subscriptions (R16), the removal for
// good of users whose retention is over (R19), and the starts and ends of assignments (R1), those of
// one instant together; then the removal of audit events that are kept no longer. Each is a change of
// its own by the system, judged again under the tenant's lock: whoever comes second finds nothing to do,
// so any number of servers may call this at the same time. History that need not be kept any longer is
// pruned beside them.
//
// Errors: those of the database, where it cannot say what is due. What fails at one tenant is
// in Due, and keeps no other one waiting.
func (s *Service) ApplyDue(ctx context.Context, except ...uuid.UUID) (*Due, error) {
	ctx = audit.WithActor(WithChangeList(ctx, ChangeList{Skip: true}), audit.Actor{Kind: audit.ActorSystem, Name: "licensegraph"})
	done := &Due{Failed: map[uuid.UUID]error{}}
	for {
		now := s.clock.Now()
		item, err := s.firstDue(ctx, s.db.Reader(), now.Add(Horizon), except, nil)
		switch {
		case err != nil:
			return done, err
		case item == nil:
			return done, s.pruneDue(ctx, done, except)
		case item.at > now:
			done.Next = item.at
			return done, s.pruneDue(ctx, done, except)
		}
		changed, err := s.applyDue(ctx, item, now)
		switch {
		case ctx.Err() != nil:
			return done, ctx.Err()
		case err != nil:
			done.Failed[item.tenant] = err
			except = append(except[:len(except):len(except)], item.tenant)
		case changed:
			done.Applied++
		}
	}
}

// dueItem is something that the clock does.
type dueItem struct {
	tenant uuid.UUID
	kind   dueKind
	key    uuid.UUID // a subscription, a deleted user, or an assignment
	at     clock.Instant
}

// dueKind tells what falls due. Of what falls due at one instant, the smaller kind comes first.
type dueKind int

const (
	dueSubscription dueKind = iota
	dueRemoval              // of a deleted user, for good
	dueAssignment           // its start or its end, with all of the same instant
	duePruning              // of the history
)

// firstDue finds what falls due first, up to an instant; nil where nothing does. Each part reads
// a range of a partial index (the indices' conditions are repeated so that SQLite sees it) or a
// small one whole: those of subscriptions that have expired. With a tenant it looks at that alone, and
// for what its users or their licenses hang on.
func (s *Service) firstDue(ctx context.Context, db database.Querier, until clock.Instant, except []uuid.UUID, only *uuid.UUID) (*dueItem, error) {
	q := s.db.Dialect()
	const ending = `s.ends_at IS NOT NULL AND s.status IN ('ENABLED', 'WARNING', 'SUSPENDED')`
	pruning := fmt.Sprintf(`t.history_since + t.history_retention + %d`, pruneEvery.Microseconds())
	var item dueItem
	also, args := "", []any{until, q.UUIDArray(except)}
	if only != nil {
		also, args = fmt.Sprintf(` AND d.tenant_id = $3 AND d.kind <> %d`, duePruning), append(args, *only)
	}
	err := db.QueryRowContext(ctx, `SELECT d.tenant_id, d.kind, d.id, d.at FROM (
		SELECT s.tenant_id, 0 AS kind, s.id, s.starts_at AS at FROM subscriptions s WHERE s.status = 'SCHEDULED' AND s.starts_at <= $1
		UNION ALL SELECT s.tenant_id, 0, s.id, s.ends_at FROM subscriptions s WHERE `+ending+` AND s.status = 'ENABLED' AND s.ends_at <= $1
		UNION ALL SELECT s.tenant_id, 0, s.id, s.ends_at + t.grace_period FROM subscriptions s JOIN tenants t ON t.id = s.tenant_id
			WHERE `+ending+` AND s.status = 'WARNING' AND s.ends_at + t.grace_period <= $1
		UNION ALL SELECT s.tenant_id, 0, s.id, s.ends_at + t.grace_period + t.suspension_period FROM subscriptions s JOIN tenants t ON t.id = s.tenant_id
			WHERE `+ending+` AND s.status = 'SUSPENDED' AND s.ends_at + t.grace_period + t.suspension_period <= $1
		UNION ALL SELECT u.tenant_id, 1, u.id, u.deleted_at + t.deleted_user_retention FROM users u JOIN tenants t ON t.id = u.tenant_id
			WHERE u.deleted_at IS NOT NULL AND u.deleted_at <= $1 - (SELECT min(deleted_user_retention) FROM tenants)
			AND u.deleted_at + t.deleted_user_retention <= $1
		UNION ALL SELECT a.tenant_id, 2, a.id, a.ends_at FROM assignments a WHERE a.ends_at IS NOT NULL AND a.ends_at <= $1 AND NOT a.scheduled
		UNION ALL SELECT a.tenant_id, 2, a.id, a.starts_at FROM assignments a WHERE a.scheduled AND a.starts_at <= $1
		UNION ALL SELECT t.id, 3, t.id, `+pruning+` FROM tenants t WHERE t.history_retention > 0 AND `+pruning+` <= $1
		) d WHERE NOT `+q.In("d.tenant_id", 2)+also+` ORDER BY d.at, d.kind, d.id LIMIT 1`,
		args...).Scan(&item.tenant, &item.kind, &item.key, &item.at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing is due
	}
	if err != nil {
		return nil, fmt.Errorf("look for what is due: %w", err)
	}
	return &item, nil
}

// applyDue carries out what is due; false where another server did it, or it is not due any more.
func (s *Service) applyDue(ctx context.Context, item *dueItem, now clock.Instant) (bool, error) {
	if item.kind == duePruning {
		return true, s.pruneHistory(ctx, item.tenant, now)
	}
	o, plan := item.change(now)
	out, err := s.Change(ctx, item.tenant, o, plan)
	if err != nil {
		return false, err
	}
	return out.Changed, nil
}

// change is what is due as a change by the system.
func (item *dueItem) change(now clock.Instant) (Options, func(ctx context.Context, d *Draft) error) {
	switch item.kind {
	case dueRemoval:
		return Options{Action: audit.UserRemove, Unguarded: true}, func(ctx context.Context, d *Draft) error { return removeForGood(ctx, d, now) }
	case dueAssignment:
		return Options{Action: audit.AssignmentStart, Unguarded: true}, func(ctx context.Context, d *Draft) error { return turnAssignments(ctx, d, item.at) }
	default:
		return Options{Action: audit.SubscriptionStatus, Unguarded: true}, func(ctx context.Context, d *Draft) error { return moveOn(ctx, d, item.key, now) }
	}
}

// moveOn drafts the next transition of a subscription, if it is due. What brought it about is the
// event that set the date.
func moveOn(ctx context.Context, d *Draft, key uuid.UUID, now clock.Instant) error {
	before := d.Graph.Subscription(key)
	if before == nil {
		return nil
	}
	to, at, comes := transition(before, d.Graph.Terms)
	if !comes || at > now {
		return nil
	}
	field := "endsAt"
	if before.Status == string(SubscriptionScheduled) {
		field = "startsAt"
	}
	node := id.Format(id.Subscription, key)
	cause, err := audit.LastOf(ctx, d.Tx, d.Tenant, node, audit.Named(field, node), audit.SubscriptionCreate, audit.SubscriptionUpdate, audit.PreviewApply)
	if err != nil {
		return err
	}
	d.Cause(cause)
	after := *before
	after.Status, after.UpdatedAt, after.Version = string(to), d.Now, before.Version+1
	if to == SubscriptionEnabled { // it was not live before
		after.LiveSince = &d.Now
	}
	d.Summary(fmt.Sprintf("%s of %s: %s after %s, due %s", seatText(after.Seats), d.Graph.Product(after.ProductID).DisplayName, to, before.Status, at))
	recordSubscription(d, before, &after)
	d.putSubscription(&after)
	return nil
}

// removeForGood drafts the removal of users whose retention is over, those deleted first before
// others. A deleted user has no sources, so nobody's licenses change. What brought it about is the
// deletion of the first of them.
func removeForGood(ctx context.Context, d *Draft, now clock.Instant) error {
	var users []uuid.UUID
	err := database.Each(ctx, d.Tx, func(scan func(...any) error) error {
		var key uuid.UUID
		var name, principalName string
		if err := scan(&key, &name, &principalName); err != nil {
			return err
		}
		users = append(users, key)
		d.Subject(id.User, key, name)
		d.Field("userPrincipalName of "+id.Format(id.User, key), &principalName, nil)
		return nil
	}, fmt.Sprintf(`SELECT id, display_name, user_principal_name FROM users
		WHERE tenant_id = $1 AND deleted_at IS NOT NULL AND deleted_at <= $2 ORDER BY deleted_at, id LIMIT %d`, removalBatch),
		d.Tenant, now.Add(-d.Graph.Terms.DeletedUserRetention))
	if err != nil {
		return fmt.Errorf("find the users to be removed for good: %w", err)
	}
	if len(users) == 0 {
		return nil
	}
	node := id.Format(id.User, users[0])
	cause, err := audit.LastOf(ctx, d.Tx, d.Tenant, node, audit.Named("deletedAt", node), audit.UserDelete, audit.PreviewApply)
	if err != nil {
		return err
	}
	d.Cause(cause)
	kept := termText(d.Graph.Terms.DeletedUserRetention)
	if len(users) == 1 {
		d.Summary("Removed a user for good, " + kept + " after the deletion")
	} else {
		d.Summary(fmt.Sprintf("Removed %d users for good, %s after their deletion", len(users), kept))
	}
	d.Write(func(ctx context.Context, tx *database.Tx) error {
		q := tx.Dialect()
		for _, from := range []struct{ table, column string }{
			{"assignments", "user_id"}, {"memberships", "user_id"}, {"user_words", "user_id"}, {"users", "id"},
			// Former violations stay: others stood in line behind them.
			{"assignments_history", "user_id"}, {"memberships_history", "user_id"}, {"users_history", "id"},
		} {
			_, err := tx.ExecContext(ctx, `DELETE FROM `+from.table+` WHERE tenant_id = $1 AND `+q.In(from.column, 2), d.Tenant, q.UUIDArray(users))
			if err != nil {
				return fmt.Errorf("remove users for good: %w", err)
			}
		}
		return nil
	})
	return nil
}
