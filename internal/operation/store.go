package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// unfinished is the condition that an operation can still end in any way. Every statement that
// ends one has it: the first to be committed is how it ended.
const unfinished = `finished_at IS NULL`

func (s *Service) insert(ctx context.Context, j *job) error {
	return s.db.Aside(ctx, func(ctx context.Context, tx *database.Tx) error {
		var request *string
		if j.op.Actor.RequestID != "" {
			request = &j.op.Actor.RequestID
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO operations (id, tenant_id, kind, for_groups, dry_run, state, actor_kind, actor, request_id, runner_id, beat_at, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			j.op.ID, j.tenant, string(j.op.Kind), j.op.ForGroups, j.op.DryRun, string(Queued),
			string(j.op.Actor.Kind), j.op.Actor.Name, request, s.runner, int64(s.clock.Now()), int64(j.op.CreatedAt))
		if err != nil {
			return fmt.Errorf("store an operation: %w", err)
		}
		return nil
	})
}

// begin says that an operation runs; false where it has been ended meanwhile.
func (s *Service) begin(j *job) (began bool, err error) {
	err = s.db.Aside(j.ctx, func(ctx context.Context, tx *database.Tx) error {
		began, err = changes(ctx, tx, `UPDATE operations SET state = $3, started_at = $4 WHERE tenant_id = $1 AND id = $2 AND `+unfinished,
			j.tenant, j.op.ID, string(Running), int64(s.clock.Now()))
		return err
	})
	return began, err
}

// record says that an operation succeeded, in the transaction of its change.
func (s *Service) record(ctx context.Context, tx *database.Tx, j *job, out *licensing.Outcome) error {
	alive, err := s.write(ctx, tx, j, &ending{state: Succeeded, at: s.clock.Now(), out: out, results: j.results(out)})
	if err == nil && !alive {
		return errElsewhere // nothing is changed
	}
	j.recorded.Store(true)
	if err == nil {
		if err = s.reportEnd(ctx, tx, j.tenant, j.op.ID); errors.Is(err, database.ErrRollback) { // there is nothing to tell
			err = nil
		}
	}
	return err
}

// finish stores how an operation ended that made no change, or of which it is not known whether it
// did: its row then tells, and stored is false.
func (s *Service) finish(ctx context.Context, j *job, end *ending) (stored bool, err error) {
	err = s.db.Aside(ctx, func(ctx context.Context, tx *database.Tx) error {
		stored, err = s.write(ctx, tx, j, end)
		return err
	})
	return stored, err
}

// write stores how an operation ended; false where it has ended already.
func (s *Service) write(ctx context.Context, tx *database.Tx, j *job, end *ending) (alive bool, err error) {
	changed, event, impact := false, uuid.NullUUID{}, (*string)(nil)
	if end.out != nil {
		changed = end.out.Changed
		event = uuid.NullUUID{UUID: end.out.EventID, Valid: end.out.EventID != uuid.Nil}
		if impact, err = encodeImpact(end.out.Impact); err != nil {
			return false, err
		}
	}
	errs, err := encodeErrors(end.errors)
	if err != nil {
		return false, err
	}
	progress := licensing.Progress{}
	if p := j.progress.Load(); p != nil {
		progress = *p
	}
	alive, err = changes(ctx, tx, `UPDATE operations SET state = $3, finished_at = $4, changed = $5, event_id = $6, impact = $7, errors = $8, results = $9, phase = $10, done = $11, total = $12, cancelled_by = $13
		WHERE tenant_id = $1 AND id = $2 AND `+unfinished,
		j.tenant, j.op.ID, string(end.state), int64(end.at), changed, event, impact, errs, len(end.results), phaseOf(progress), progress.Done, totalOf(progress), j.canceller(end.state))
	if err != nil || !alive {
		return alive, err
	}
	return true, insertResults(ctx, tx, j, end.results)
}

// canceller is who had the operation cancelled, if it ended so.
func (j *job) canceller(state State) *string {
	if state != Cancelled {
		return nil
	}
	return j.asker.Load()
}

// resultsAtOnce is how many results are stored by one statement.
const resultsAtOnce = 2000

func insertResults(ctx context.Context, tx *database.Tx, j *job, results []Result) error {
	q, position := tx.Dialect(), int64(0)
	for part := range slices.Chunk(results, resultsAtOnce) {
		var positions []int64
		var groups []uuid.NullUUID
		var principals, errors []string
		var changed []bool
		for _, r := range part {
			text, err := encodeErrors(r.Errors)
			if err != nil {
				return err
			}
			positions, groups, principals = append(positions, position), append(groups, r.Group), append(principals, r.Principal)
			changed, errors = append(changed, r.Changed), append(errors, text)
			position++
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO operation_results (tenant_id, operation_id, position, group_id, principal, changed, errors)
			SELECT $1, $2, v.position, v.group_id, v.principal, v.changed, v.errors FROM `+
			q.Unnest("v", 3, database.Column{Name: "position", Type: database.BigInt}, database.Column{Name: "group_id", Type: database.UUID},
				database.Column{Name: "principal", Type: database.Text}, database.Column{Name: "changed", Type: database.Bool}, database.Column{Name: "errors", Type: database.Text}),
			append([]any{j.tenant, j.op.ID}, q.UnnestArgs(positions, groups, principals, changed, errors)...)...)
		if err != nil {
			return fmt.Errorf("store the results of an operation: %w", err)
		}
	}
	return nil
}

// markCancelled ends an operation that no job of this process is about; false where it has ended.
func (s *Service) markCancelled(ctx context.Context, tenant, key uuid.UUID) (cancelled bool, err error) {
	err = s.db.Aside(ctx, func(ctx context.Context, tx *database.Tx) error {
		cancelled, err = changes(ctx, tx, `UPDATE operations SET state = $3, finished_at = $4, cancelled_by = $5 WHERE tenant_id = $1 AND id = $2 AND `+unfinished,
			tenant, key, string(Cancelled), int64(s.clock.Now()), audit.ActorFrom(ctx).Name)
		return err
	})
	return cancelled, err
}

// changes tells whether a statement changed a row.
func changes(ctx context.Context, tx *database.Tx, statement string, args ...any) (bool, error) {
	done, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("change an operation: %w", err)
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

func phaseOf(p licensing.Progress) *string {
	if p.Phase == "" {
		return nil
	}
	phase := string(p.Phase)
	return &phase
}

func totalOf(p licensing.Progress) *int64 {
	if p.Total == 0 {
		return nil
	}
	return &p.Total
}

// storedImpact is an impact as it is kept: its counts.
type storedImpact struct {
	Gaining  int             `json:"gaining,omitempty"`
	Losing   int             `json:"losing,omitempty"`
	Changed  int             `json:"changed,omitempty"`
	InError  int             `json:"inError,omitempty"`
	Products []storedProduct `json:"products,omitempty"`
}

type storedProduct struct {
	Product uuid.UUID            `json:"product"`
	Before  licensing.SeatCounts `json:"before"`
	After   licensing.SeatCounts `json:"after"`
	Gaining int                  `json:"gaining,omitempty"`
	Losing  int                  `json:"losing,omitempty"`
	InError int                  `json:"inError,omitempty"`
}

func encodeImpact(i *licensing.Impact) (*string, error) {
	if i == nil {
		return nil, nil //nolint:nilnil // no impact
	}
	kept := storedImpact{Gaining: i.UsersGaining, Losing: i.UsersLosing, Changed: i.UsersChanged, InError: i.UsersInError}
	for _, p := range i.Products {
		kept.Products = append(kept.Products, storedProduct{p.Product.ID, p.SeatsBefore, p.SeatsAfter, p.UsersGaining, p.UsersLosing, p.UsersInError})
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("store an impact: %w", err)
	}
	text := string(b)
	return &text, nil
}

func encodeErrors(list []*fault.Error) (string, error) {
	kept := make([]storedError, 0, len(list))
	for _, e := range list {
		kept = append(kept, keep(e))
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("store errors: %w", err)
	}
	return string(b), nil
}

// instantOf reads an instant that may not be set.
func instantOf(n *int64) *clock.Instant {
	if n == nil {
		return nil
	}
	at := clock.Instant(*n)
	return &at
}
