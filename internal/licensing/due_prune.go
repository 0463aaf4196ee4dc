package licensing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
)

// pruneSlack is by how much events outlive the retention, as a share of it and at most: they are
// removed many at a time, since each removal is told by an event, which is removed in its turn.
const (
	pruneShare = 10
	pruneSlack = 24 * time.Hour
)

// brokenPause is how long a tenant's audit log that is damaged is left alone.
const brokenPause = time.Hour

// pruneDue removes audit events that are kept no longer, at one tenant after the other.
//
// Errors: those of the database, where it cannot say what is due. What fails at one tenant is in
// done.
func (s *Service) pruneDue(ctx context.Context, done *Due, except []uuid.UUID) error {
	for {
		now := s.clock.Now()
		tenants, err := s.prunable(ctx, now, except)
		if err != nil {
			return err
		}
		again := false
		for _, tenant := range tenants {
			pruned, err := s.prune(ctx, tenant, now)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, audit.ErrBroken):
				s.log.Error().Err(err).Str("tenant", id.Format(id.Tenant, tenant)).Msg("audit events are due to be removed; licensegraph verify tells what is wrong")
				s.pauses.set(tenant, now.Add(brokenPause))
			case err != nil:
				done.Failed[tenant] = err
				except = append(except[:len(except):len(except)], tenant)
			case pruned:
				done.Applied++
				again = true
			}
		}
		if !again {
			return nil
		}
	}
}

// prunable finds tenants whose oldest audit event is older than they keep any, and by more than a
// little.
func (s *Service) prunable(ctx context.Context, now clock.Instant, except []uuid.UUID) ([]uuid.UUID, error) {
	q := s.db.Dialect()
	except = append(except[:len(except):len(except)], s.pauses.after(now)...)
	tenants, err := database.Values[uuid.UUID](ctx, s.db.Reader(), fmt.Sprintf(`SELECT t.id FROM tenants t WHERE t.audit_retention > 0
		AND (SELECT e.occurred_at FROM audit_events e WHERE e.tenant_id = t.id ORDER BY e.sequence LIMIT 1)
			<= $1 - t.audit_retention - CASE WHEN t.audit_retention / %[1]d < %[2]d THEN t.audit_retention / %[1]d ELSE %[2]d END
		AND NOT `+q.In("t.id", 2)+` ORDER BY t.id`, pruneShare, pruneSlack.Microseconds()), now, q.UUIDArray(except))
	if err != nil {
		return nil, fmt.Errorf("look for audit events that are kept no longer: %w", err)
	}
	return tenants, nil
}

// prune removes the oldest audit events of a tenant that are kept no longer, at most
// audit.PruneBatch; false where there are none any more.
func (s *Service) prune(ctx context.Context, tenant uuid.UUID, now clock.Instant) (bool, error) {
	out, err := s.Change(ctx, tenant, Options{Action: audit.AuditPrune, Unguarded: true}, func(ctx context.Context, d *Draft) error {
		kept := d.Graph.Terms.AuditRetention
		if kept == 0 {
			return nil
		}
		p, err := audit.PreparePruning(ctx, d.Tx, d.Tenant, d.head, now.Add(-kept), d.Now, audit.PruneBatch)
		if p == nil || err != nil {
			return err
		}
		node := id.Format(id.Tenant, d.Tenant)
		cause, err := audit.LastOf(ctx, d.Tx, d.Tenant, node, audit.Named("auditRetentionSeconds", node), audit.TenantUpdate)
		if err != nil {
			return err
		}
		d.Cause(cause)
		d.Subject(id.Tenant, d.Tenant, d.Graph.Name)
		d.Summary(fmt.Sprintf("Removed %s of the tenant %s, %s after they occurred.", plural(p.Events, "audit event"), fault.Quote(d.Graph.Name), termText(kept)))
		d.event.Fields = append(d.event.Fields, p.Fields...)
		d.Write(func(ctx context.Context, tx *database.Tx) error { return p.Write(ctx, tx, d.Tenant) })
		return nil
	})
	if err != nil {
		return false, err
	}
	return out.Changed, nil
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
