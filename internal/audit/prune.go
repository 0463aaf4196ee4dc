package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
)

// PruneBatch is how many events one change removes at most.
const PruneBatch = 5000

// ErrBroken says that events are not removed because the chain does not hold for them: what
// remains of them would vouch for what they are not.
var ErrBroken = errors.New("the audit log is damaged: nothing of it is removed")

// Pruning is a removal of the oldest events that is prepared.
type Pruning struct {
	Events int64         // how many
	Fields []FieldChange // for the event that tells of it
	last   checkpoint
}

// PreparePruning reads the oldest events of a tenant that occurred at or before an instant, at
// most limit, checks that they are as they were written, and makes their checkpoint. The removal
// is told by the event that comes next, at the instant now. nil where there are none. The caller
// holds the tenant's lock, under which it has read the head.
//
// Errors: ErrBroken, with the first damage; those of the database.
func PreparePruning(ctx context.Context, tx *database.Tx, tenant uuid.UUID, head Head, until, now clock.Instant, limit int) (*Pruning, error) {
	var before checkpoint
	err := tx.QueryRowContext(ctx, `SELECT sequence, hash, seal FROM audit_checkpoints WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1`, tenant).
		Scan(&before.Sequence, &before.Hash, &before.Seal)
	if errors.Is(err, sql.ErrNoRows) {
		before.Hash, err = genesis(tenant, head.Unchained), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint of the audit log: %w", err)
	}
	v := &verifying{tenant: tenant, head: head, report: &Verification{}, read: before.Sequence}
	v.chain = chain{unchained: head.Unchained, sequence: before.Sequence, hash: before.Hash}
	var last *record
	for young := false; !young && v.report.Events < limit; {
		part, err := readPart(ctx, tx, tenant, v.read, limit-v.report.Events)
		if err != nil {
			return nil, fmt.Errorf("read the events to be removed: %w", err)
		}
		for _, r := range part {
			if young = r.OccurredAt > until; young {
				break
			}
			v.event(r)
			last = r
		}
		if len(part) == 0 {
			break
		}
	}
	if last == nil {
		return nil, nil //nolint:nilnil // there is nothing to remove
	}
	if len(v.report.Findings) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrBroken, v.report.Findings[0].Message)
	}
	c := checkpoint{
		Sequence: last.Sequence, Hash: v.chain.hash, OccurredAt: last.OccurredAt, Events: last.Sequence - before.Sequence,
		PrunedAt: now, EventSequence: head.Sequence + 1,
	}
	c.Seal = c.sealed(tenant, head.Unchained, before.Seal)
	return &Pruning{Events: c.Events, Fields: c.fields(before.Sequence + 1), last: c}, nil
}

// sealField is the field of an event that binds the checkpoint to the chain.
const sealField = "checkpointSeal"

// fields are what the event tells of the removal.
func (c *checkpoint) fields(first int64) []FieldChange {
	field := func(name, before, after string) FieldChange {
		f := FieldChange{Field: name}
		if before != "" {
			f.Before = &before
		}
		if after != "" {
			f.After = &after
		}
		return f
	}
	return []FieldChange{
		field("events", strconv.FormatInt(c.Events, 10), ""),
		field("firstSequence", strconv.FormatInt(first, 10), strconv.FormatInt(c.Sequence+1, 10)),
		field("lastHash", c.Hash.String(), ""),
		field(sealField, "", c.Seal.String()),
	}
}

// Write removes the events and what is found by them, and leaves the checkpoint.
func (p *Pruning) Write(ctx context.Context, tx *database.Tx, tenant uuid.UUID) error {
	c := &p.last
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_checkpoints (tenant_id, sequence, hash, occurred_at, events, pruned_at, event_sequence, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, tenant, c.Sequence, c.Hash[:], c.OccurredAt, c.Events, c.PrunedAt, c.EventSequence, c.Seal[:])
	for _, table := range []string{"audit_mentions", "audit_events"} {
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id = $1 AND sequence <= $2`, tenant, c.Sequence)
		}
	}
	if err != nil {
		return fmt.Errorf("remove audit events: %w", err)
	}
	return nil
}

// prune compares an event that tells of a removal with its checkpoint.
func (v *verifying) prune(r *record) {
	c := v.pruned[r.Sequence]
	if c == nil {
		return
	}
	delete(v.pruned, r.Sequence)
	var e Event
	tells := ""
	if r.Action == string(AuditPrune) && e.unmarshal(r.Subjects, r.Fields, r.Products) == nil {
		for _, f := range e.Fields {
			if f.Field == sealField && f.After != nil {
				tells = *f.After
			}
		}
	}
	if tells != c.Seal.String() {
		v.found(Checkpoint, c.Sequence, "The checkpoint after event %d is not the one that event %d tells of.", c.Sequence, r.Sequence)
	}
}
