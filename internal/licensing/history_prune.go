package licensing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
)

const (
	// pruneEvery is how much longer than it must a history is kept at most.
	pruneEvery = 24 * time.Hour
	// pruneBatch is about how many rows a transaction removes: those of the last instant go together.
	pruneBatch = 10_000
)

// pruneHistory removes the history that is older than the tenant's retention. The instants that can
// be asked for begin later first: what is asked for, or can be, is whole at any time. Nobody's
// licenses change, and the former rows that are left answer as before, since those that had ended by
// an instant say nothing of it.
func (s *Service) pruneHistory(ctx context.Context, tenant uuid.UUID, now clock.Instant) error {
	var horizon clock.Instant
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		const later = `UPDATE tenants SET history_since = $2 - history_retention
			WHERE id = $1 AND history_retention > 0 AND history_since < $2 - history_retention RETURNING history_since`
		err := tx.QueryRowContext(ctx, later, tenant, now).Scan(&horizon)
		if errors.Is(err, sql.ErrNoRows) { // another server was faster
			return database.ErrRollback
		}
		return err
	})
	if err != nil || horizon == 0 {
		return err
	}
	for _, of := range database.Histories() {
		for more := true; more; {
			if more, err = s.pruneBatch(ctx, database.HistoryOf(of), tenant, horizon); err != nil {
				return fmt.Errorf("prune the history: %w", err)
			}
		}
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM former_catalogs WHERE until <= (SELECT min(history_since) FROM tenants)`)
		return err
	})
}

// pruneBatch removes the oldest rows of a history, and tells whether older ones than the horizon may be left.
func (s *Service) pruneBatch(ctx context.Context, table string, tenant uuid.UUID, horizon clock.Instant) (more bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		until := horizon
		last := fmt.Sprintf(`SELECT until FROM %s WHERE tenant_id = $1 AND until <= $2 ORDER BY until LIMIT 1 OFFSET %d`, table, pruneBatch-1)
		err := tx.QueryRowContext(ctx, last, tenant, horizon).Scan(&until)
		if more = err == nil; err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id = $1 AND until <= $2`, tenant, until)
		return err
	})
	return more, err
}
