package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// Begin takes the tenant's lock for a change and returns the change's instant: now, or just
// after the last change where the clock has not moved on, so that instants rise with the
// numbers of events.
//
// Errors: NOT_FOUND for an unknown tenant.
func Begin(ctx context.Context, tx *database.Tx, tenant uuid.UUID, now clock.Instant) (clock.Instant, error) {
	const next = `UPDATE tenants SET last_instant = CASE WHEN last_instant >= $2 THEN last_instant + 1 ELSE $2 END
		WHERE id = $1 RETURNING last_instant`
	var at clock.Instant
	err := tx.QueryRowContext(ctx, next, tenant, int64(now)).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fault.New(fault.NotFound, "There is no such tenant.")
	}
	if err != nil {
		return 0, fmt.Errorf("lock the tenant: %w", err)
	}
	return at, nil
}
