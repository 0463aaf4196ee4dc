package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/licensegraph/licensegraph/internal/database"
)

// writeFloors measures what the database takes at least to write so many rows, in tables of its
// own beside the tenant's.
type writeFloors struct{ run *run }

// create makes the tables: one of a row per user and product, which has a row for every user
// already, and one to keep violations in.
func (f *writeFloors) create(ctx context.Context) error {
	if err := f.drop(ctx); err != nil { // of a run that was cut off
		return err
	}
	uuids := f.run.DB.Dialect().UUIDType()
	err := f.exec(ctx,
		fmt.Sprintf(`CREATE TABLE bench_rows (tenant_id %[1]s NOT NULL, user_id %[1]s NOT NULL, product_id %[1]s NOT NULL, since bigint NOT NULL,
			PRIMARY KEY (tenant_id, user_id, product_id))`, uuids),
		`CREATE INDEX bench_rows_product ON bench_rows (tenant_id, product_id, user_id)`,
		`CREATE TABLE bench_violations AS SELECT * FROM license_violations WHERE 1 = 0`)
	if err != nil {
		return err
	}
	_, err = f.timed(ctx, insertRows, f.run.tenant.ID, key(productID, 0), since(0), f.run.tenant.Users)
	return errors.Join(err, f.vacuum(ctx))
}

func (f *writeFloors) drop(ctx context.Context) error {
	return f.exec(ctx, `DROP TABLE IF EXISTS bench_rows`, `DROP TABLE IF EXISTS bench_violations`)
}

const insertRows = `INSERT INTO bench_rows (tenant_id, user_id, product_id, since)
	SELECT tenant_id, id, $2, $3 FROM users WHERE tenant_id = $1 ORDER BY id LIMIT $4`

func (f *writeFloors) measure(ctx context.Context, kind floorKind, rows int) (time.Duration, error) {
	if kind == floorDelete {
		return f.delete(ctx)
	}
	tenant, product := f.run.tenant.ID, key(productID, 1)
	took, err := f.timed(ctx, insertRows, tenant, product, since(1), rows)
	if err != nil {
		return 0, err
	}
	if _, err := f.timed(ctx, `DELETE FROM bench_rows WHERE tenant_id = $1 AND product_id = $2`, tenant, product); err != nil {
		return 0, err
	}
	return took, f.vacuum(ctx)
}

// delete deletes the rows of those who wait for a seat, and writes them back.
func (f *writeFloors) delete(ctx context.Context) (took time.Duration, err error) {
	const these = `license_violations WHERE tenant_id = $1 AND product_id = $2`
	for _, step := range []struct {
		query    string
		measured bool
		args     []any
	}{
		{`DELETE FROM bench_violations`, false, nil},
		{`INSERT INTO bench_violations SELECT * FROM ` + these, false, []any{f.run.tenant.ID, key(productID, productScarce)}},
		{`DELETE FROM ` + these, true, []any{f.run.tenant.ID, key(productID, productScarce)}},
		{`INSERT INTO license_violations SELECT * FROM bench_violations`, false, nil},
	} {
		t, err := f.timed(ctx, step.query, step.args...)
		if err != nil {
			return 0, err
		}
		if step.measured {
			took = t
		}
	}
	return took, f.vacuum(ctx)
}

// timed runs a statement in a transaction, and tells how long both took.
func (f *writeFloors) timed(ctx context.Context, query string, args ...any) (time.Duration, error) {
	start := now()
	err := f.run.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	return now().Sub(start), err
}

func (f *writeFloors) exec(ctx context.Context, queries ...string) error {
	return f.run.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, query := range queries {
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		return nil
	})
}

// vacuum clears away what was deleted, on PostgreSQL, so that one measurement does not slow the
// next one down.
func (f *writeFloors) vacuum(ctx context.Context) error {
	if f.run.DB.Dialect() != database.Postgres {
		return nil
	}
	for _, table := range []string{"bench_rows", "bench_violations", "license_violations"} {
		if _, err := f.run.DB.Reader().ExecContext(ctx, `VACUUM `+table); err != nil {
			return err
		}
	}
	return nil
}
