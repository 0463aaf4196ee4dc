package operation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// beatPatience bounds a sign of life, which must not hold up the next one.
const beatPatience = 3 * time.Second

// Tend says that this process is alive and how far its operations are, gives up those that were
// ended elsewhere, marks what dead servers left behind, tells the audit log of ends that it does not
// know, and removes what is kept no longer. Run
// calls it every second.
//
// On SQLite it does nothing while an operation of this process runs: that holds the one writer,
// and nobody else could write that the process is dead.
//
// Errors: those of the database.
func (s *Service) Tend(ctx context.Context) error {
	s.mu.Lock()
	held := len(s.busy) > 0
	s.mu.Unlock()
	if held && s.db.Dialect() == database.SQLite {
		return nil
	}
	return errors.Join(s.beat(ctx), s.bury(ctx), s.tellRest(ctx), s.sweep(ctx))
}

func (s *Service) beat(ctx context.Context) error {
	jobs := map[uuid.UUID]*job{}
	var ids []uuid.UUID
	s.mu.Lock()
	for key, j := range s.live {
		if j.queued && !j.hasEnded() {
			jobs[key], ids = j, append(ids, key)
		}
	}
	s.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	ctx, done := context.WithTimeout(ctx, beatPatience)
	defer done()
	open := map[uuid.UUID]bool{}
	err := s.db.Aside(ctx, func(ctx context.Context, tx *database.Tx) error {
		clear(open)
		q := tx.Dialect()
		err := database.Each(ctx, tx, func(scan func(...any) error) error {
			var key uuid.UUID
			err := scan(&key)
			open[key] = true
			return err
		}, `UPDATE operations SET beat_at = $1 WHERE `+unfinished+` AND `+q.In("id", 2)+` RETURNING id`, int64(s.clock.Now()), q.UUIDArray(ids))
		for key := range open {
			if p := jobs[key].progress.Load(); p != nil && err == nil {
				_, err = tx.ExecContext(ctx, `UPDATE operations SET phase = $2, done = $3, total = $4 WHERE id = $1 AND `+unfinished, key, phaseOf(*p), p.Done, totalOf(*p))
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("say that operations go on: %w", err)
	}
	for key, j := range jobs {
		if !open[key] { // or it has just succeeded: then this comes too late to matter
			j.cancel(errElsewhere)
		}
	}
	return nil
}

func (j *job) hasEnded() bool {
	select {
	case <-j.ended:
		return true
	default:
		return false
	}
}

// bury marks operations as interrupted of whose servers nothing was heard for a lease. Such a
// server may be alive all the same: its change then finds that it is too late for it.
func (s *Service) bury(ctx context.Context) error {
	seen := map[uuid.UUID]silence{}
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error {
		var key uuid.UUID
		var beat int64
		err := scan(&key, &beat)
		seen[key] = silence{beat: clock.Instant(beat), since: s.clock.Now()}
		return err
	}, `SELECT id, beat_at FROM operations WHERE `+unfinished)
	if err != nil {
		return fmt.Errorf("look for operations of dead servers: %w", err)
	}
	var dead []uuid.UUID
	s.mu.Lock()
	for key, now := range seen {
		if s.live[key] != nil {
			delete(seen, key)
			continue
		}
		if before, ok := s.silences[key]; ok && before.beat == now.beat {
			seen[key] = before
			if now.since >= before.since.Add(Lease) {
				dead = append(dead, key)
			}
		}
	}
	s.silences = seen
	s.mu.Unlock()
	for _, key := range dead {
		err := s.db.Aside(ctx, func(ctx context.Context, tx *database.Tx) error {
			interrupted, err := changes(ctx, tx, `UPDATE operations SET state = $3, finished_at = $4 WHERE id = $1 AND beat_at = $2 AND `+unfinished,
				key, int64(seen[key].beat), string(Interrupted), int64(s.clock.Now()))
			if interrupted {
				s.log.Warn().Str("operation", id.Format(id.Operation, key)).Msg("an operation was interrupted by the end of its server; nothing of it was changed")
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	sweepInterval = time.Minute
	sweptAtOnce   = 20 // operations, each with its results, in a transaction of its own
)

// sweep removes operations that ended too long ago.
func (s *Service) sweep(ctx context.Context) error {
	now := s.clock.Now()
	s.mu.Lock()
	due := now >= s.swept.Add(sweepInterval)
	if due {
		s.swept = now
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	var old []uuid.UUID
	err := database.Each(ctx, s.db.Reader(), func(scan func(...any) error) error {
		var key uuid.UUID
		err := scan(&key)
		old = append(old, key)
		return err
	}, `SELECT id FROM operations WHERE finished_at IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2`, int64(now.Add(-Retention)), sweptAtOnce)
	if err != nil {
		return fmt.Errorf("look for old operations: %w", err)
	}
	for _, key := range old {
		err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			const results = `DELETE FROM operation_results WHERE (tenant_id, operation_id) IN (SELECT tenant_id, id FROM operations WHERE id = $1)`
			if _, err := tx.ExecContext(ctx, results, key); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM operations WHERE id = $1`, key)
			return err
		})
		if err != nil {
			return fmt.Errorf("remove an old operation: %w", err)
		}
	}
	return nil
}

// seen shows an operation of this process as it stands, which its row may not tell yet.
func (s *Service) seen(o Operation) *Operation {
	if o.State.Ended() {
		return &o
	}
	s.mu.Lock()
	j := s.live[o.ID]
	s.mu.Unlock()
	if j == nil {
		return &o
	}
	if p := j.progress.Load(); p != nil {
		o.Progress = p
	}
	// Only what an end without results would be read of: everything else is told by the row.
	if end := j.end.Load(); end != nil && (end.state == Cancelled || end.state == Interrupted) {
		o.State, o.FinishedAt = end.state, &end.at
	}
	return &o
}

func progressOf(phase *string, done int64, total *int64) *licensing.Progress {
	if phase == nil {
		return nil
	}
	p := &licensing.Progress{Phase: licensing.Phase(*phase), Done: done}
	if total != nil {
		p.Total = *total
	}
	return p
}
