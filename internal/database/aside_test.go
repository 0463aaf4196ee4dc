package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// TestWhatIsSaidAsideWaitsForNoWriter has every connection that writes be taken, by a transaction
// that holds a tenant's lock, and notes an operation of that tenant beside.
func TestWhatIsSaidAsideWaitsForNoWriter(t *testing.T) {
	db := dbtest.Open(t, database.Postgres, database.Options{MaxConns: 2})
	if n := db.Writers(); n != 1 {
		t.Fatalf("%d transactions can write at once", n)
	}
	tenant := uuid.New()
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	insert := func(query string, args ...any) func(context.Context, *database.Tx) error {
		return func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, query, args...)
			return err
		}
	}
	if err := db.Write(ctx, insert(`INSERT INTO tenants (id, name, name_key, country, last_instant, created_at) VALUES ($1, 'Test', 'test', 'NL', 0, 1)`, tenant)); err != nil {
		t.Fatal(err)
	}
	note := insert(`INSERT INTO operations (id, tenant_id, kind, state, actor_kind, actor, runner_id, beat_at, created_at)
		VALUES ($1, $2, 'DELETE_GROUP', 'QUEUED', 'TOKEN', 'test', $1, 1, 1)`, uuid.New(), tenant)
	err := db.Write(ctx, func(within context.Context, tx *database.Tx) error {
		var revision int64
		if err := tx.QueryRowContext(within, `SELECT graph_revision FROM tenants WHERE id = $1`+tx.Dialect().ForUpdate(), tenant).Scan(&revision); err != nil {
			return err
		}
		if _, err := tx.ExecContext(within, `UPDATE tenants SET graph_revision = 7 WHERE id = $1`, tenant); err != nil {
			return err
		}
		return db.Aside(ctx, note)
	})
	if err != nil {
		t.Fatal(err)
	}
	var notes int
	if err := db.Reader().QueryRowContext(ctx, `SELECT count(*) FROM operations WHERE tenant_id = $1`, tenant).Scan(&notes); err != nil || notes != 1 {
		t.Errorf("%d notes, %v", notes, err)
	}
}
