package operation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// reportPatience bounds how long the event of an end may wait for changes of the tenant; after it,
// it is written later.
const (
	reportPatience = 5 * time.Second
	tendPatience   = time.Second // within Tend, which must not hold up signs of life
)

// unreported is the condition that an operation began and the event of its end is owed. Together
// with an end it is what reports look for.
const unreported = `begin_event_id IS NOT NULL AND end_event_id IS NULL`

// reportBegin writes the event of an operation's beginning, and returns the context in which it
// brings about what the operation changes. A dry run has no events.
//
// Errors: errElsewhere where the operation has been ended meanwhile; those of database.Write.
func (s *Service) reportBegin(ctx context.Context, j *job) (context.Context, error) {
	if j.op.DryRun {
		return ctx, nil
	}
	event, err := s.newID()
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		at, err := audit.Begin(ctx, tx, j.tenant, s.clock.Now())
		if err != nil {
			return err
		}
		alive, err := changes(ctx, tx, `UPDATE operations SET begin_event_id = $3 WHERE tenant_id = $1 AND id = $2 AND `+unfinished, j.tenant, j.op.ID, event)
		switch {
		case err != nil:
			return err
		case !alive:
			return errElsewhere
		}
		kind := string(j.op.Kind)
		return audit.Append(ctx, tx, j.tenant, &audit.Event{
			ID: event, OccurredAt: at, Actor: j.op.Actor, Action: audit.OperationBegin,
			Summary:  "The operation " + kind + " began.",
			Subjects: []audit.Subject{{ID: j.op.NodeID(), Name: kind}},
		})
	})
	if err != nil {
		return nil, err
	}
	return audit.WithCause(ctx, event), nil
}

// reportEnd writes the event of an operation's end, if it is owed: its row tells how it ended.
// Whoever comes second finds that it is there.
func (s *Service) reportEnd(ctx context.Context, tx *database.Tx, tenant, key uuid.UUID) error {
	at, err := audit.Begin(ctx, tx, tenant, s.clock.Now()) // under the lock everybody sees what the others have written
	if err != nil {
		return err
	}
	var o Operation
	var kind, state, actor string
	var begin uuid.UUID
	var cancelledBy, impact *string
	var errs string
	var refused int
	err = tx.QueryRowContext(ctx, `SELECT o.kind, o.state, o.actor_kind, o.actor, coalesce(o.request_id, ''), o.begin_event_id, o.cancelled_by, o.impact, o.errors, o.results,
		(SELECT count(*) FROM operation_results r WHERE r.tenant_id = $1 AND r.operation_id = $2 AND r.errors <> '[]')
		FROM operations o WHERE o.tenant_id = $1 AND o.id = $2 AND o.finished_at IS NOT NULL AND `+unreported, tenant, key).
		Scan(&kind, &state, &actor, &o.Actor.Name, &o.Actor.RequestID, &begin, &cancelledBy, &impact, &errs, &o.Results, &refused)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return database.ErrRollback
	case err != nil:
		return fmt.Errorf("read how an operation ended: %w", err)
	}
	o.ID, o.Actor.Kind, o.State = key, audit.ActorKind(actor), State(state)
	fields, err := endFields(&o, impact, errs, refused)
	if err != nil {
		return err
	}
	event, err := s.newID()
	if err != nil {
		return err
	}
	if _, err := changes(ctx, tx, `UPDATE operations SET end_event_id = $3 WHERE tenant_id = $1 AND id = $2`, tenant, key, event); err != nil {
		return err
	}
	return audit.Append(ctx, tx, tenant, &audit.Event{
		ID: event, OccurredAt: at, Actor: o.endedBy(cancelledBy), Action: audit.OperationEnd,
		Summary:  "The operation " + kind + " ended: " + state + ".",
		Subjects: []audit.Subject{{ID: o.NodeID(), Name: kind}},
		Fields:   fields, CauseID: &begin,
	})
}

// endedBy is who ended the operation: whoever cancelled it, the server that found that another one
// had ended, else whoever asked for it.
func (o *Operation) endedBy(cancelledBy *string) audit.Actor {
	switch {
	case o.State == Cancelled && cancelledBy != nil:
		return audit.Actor{Kind: audit.ActorToken, Name: *cancelledBy}
	case o.State == Interrupted:
		return audit.Actor{Kind: audit.ActorSystem, Name: "licensegraph"}
	}
	return o.Actor
}

// endFields are how an operation ended: its state, whom it gave and took products, and what was
// refused.
func endFields(o *Operation, impact *string, errs string, refused int) ([]audit.FieldChange, error) {
	var fields []audit.FieldChange
	add := func(name, after string) { fields = append(fields, audit.FieldChange{Field: name, After: &after}) }
	add("state", string(o.State))
	if impact != nil {
		var i storedImpact
		if err := json.Unmarshal([]byte(*impact), &i); err != nil {
			return nil, fmt.Errorf("the impact of an operation: %w", err)
		}
		add("usersGaining", strconv.Itoa(i.Gaining))
		add("usersLosing", strconv.Itoa(i.Losing))
		add("usersInError", strconv.Itoa(i.InError))
	}
	if o.Results > 0 {
		add("principalsRefused", strconv.Itoa(refused))
	}
	var list []storedError
	if err := json.Unmarshal([]byte(errs), &list); err != nil {
		return nil, fmt.Errorf("the errors of an operation: %w", err)
	}
	if len(list) > 0 {
		add("errorCode", string(list[0].Code))
	}
	return fields, nil
}

// tell writes the event of the end of an operation that made no change: in a transaction of its
// own, after the row, which is not kept waiting by changes of the tenant. Where it fails, Tend
// does it, of this server or another.
func (s *Service) tell(ctx context.Context, tenant, key uuid.UUID) error {
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return s.reportEnd(ctx, tx, tenant, key) })
	if err != nil {
		return fmt.Errorf("tell that an operation ended: %w", err)
	}
	return nil
}

// told is tell for an operation of this process that has just ended.
func (s *Service) told(j *job) {
	if j.op.DryRun {
		return
	}
	ctx, done := s.untilStopped(j)
	defer done()
	ctx, end := context.WithTimeout(ctx, reportPatience)
	defer end()
	if err := s.tell(ctx, j.tenant, j.op.ID); err != nil {
		s.log.Warn().Err(err).Str("operation", id.Format(id.Operation, j.op.ID)).Msg("the audit event of an operation's end is written later")
	}
}

// tellRest tells of operations that ended without their event: because they were cancelled
// elsewhere, or their server died.
func (s *Service) tellRest(ctx context.Context) error {
	type owed struct{ tenant, key uuid.UUID }
	var all []owed
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error {
		var o owed
		err := scan(&o.tenant, &o.key)
		all = append(all, o)
		return err
	}, `SELECT tenant_id, id FROM operations WHERE finished_at IS NOT NULL AND `+unreported+` ORDER BY finished_at, id LIMIT 100`)
	if err != nil {
		return fmt.Errorf("look for operations whose end is not told: %w", err)
	}
	patient, end := context.WithTimeout(ctx, tendPatience)
	defer end()
	for _, o := range all {
		s.mu.Lock()
		own := s.live[o.key] != nil // which is about to tell
		s.mu.Unlock()
		if own {
			continue
		}
		if err := s.tell(patient, o.tenant, o.key); err != nil && patient.Err() == nil {
			return err
		}
	}
	return nil
}
