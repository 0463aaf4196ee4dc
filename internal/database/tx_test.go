package database_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
)

const insertPlan = "INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, 'p', 'P', 'p')"

func addPlan(ctx context.Context, tx *database.Tx) error {
	_, err := tx.ExecContext(ctx, insertPlan, uuid.New())
	return err
}

func plans(t testing.TB, db *database.DB) int {
	t.Helper()
	return scalar[int](t, db.Reader(), "SELECT count(*) FROM plans")
}

func TestWriteCommitsAndErrorsPassUnchanged(t *testing.T) {
	refusal := fault.New(fault.NotFound, "no such thing")
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		write(t, db, addPlan)
		for _, test := range []struct{ returned, want error }{
			{refusal, refusal},
			{fmt.Errorf("wrapped: %w", database.ErrRollback), nil},
			{database.ErrRollback, nil},
		} {
			err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return errors.Join(addPlan(ctx, tx), test.returned)
			})
			if test.want == nil && err != nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("fn returned %v, Write %v", test.returned, err)
			}
			if n := plans(t, db); n != 1 {
				t.Errorf("after %v there are %d plans, want 1", test.returned, n)
			}
		}
		if err := db.Write(t.Context(), func(context.Context, *database.Tx) error { return refusal }); err != refusal { //nolint:errorlint // unchanged means the very same
			t.Errorf("Write returned %v, want fn's own error", err)
		}
	})
}

func TestReaderAndItsClientCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		if _, err := db.Reader().ExecContext(t.Context(), insertPlan, uuid.New()); err == nil {
			t.Error("the reader wrote")
		}
		if err := db.Ent().Plan.Create().SetID(uuid.New()).SetServicePlanName("p").SetDisplayName("P").SetDisplayNameKey("p").Exec(t.Context()); err == nil {
			t.Error("the reader's client wrote")
		}
		if _, err := db.Ent().Tx(t.Context()); err == nil || !strings.Contains(err.Error(), "DB.Write") {
			t.Errorf("the client opened a transaction: %v", err)
		}
		err := db.Snapshot(t.Context(), addPlan)
		if err == nil {
			t.Error("a snapshot wrote")
		}
		if n := plans(t, db); n != 0 {
			t.Errorf("%d plans", n)
		}
	})
}

func TestWriteWithinWriteIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		err := db.Write(t.Context(), func(ctx context.Context, _ *database.Tx) error { return db.Write(ctx, addPlan) })
		if err == nil || !strings.Contains(err.Error(), "Write within Write") {
			t.Errorf("error %v", err)
		}
	})
}

func TestWriteRunsAgainWhereTheDatabaseGaveUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, code := range []pqerror.Code{pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected} {
			before, runs := plans(t, db), 0
			write(t, db, func(ctx context.Context, tx *database.Tx) error {
				runs++
				if err := addPlan(ctx, tx); err != nil {
					return err
				}
				if runs < 3 {
					return fmt.Errorf("step: %w", &pq.Error{Code: code})
				}
				return nil
			})
			if added := plans(t, db) - before; runs != 3 || added != 1 {
				t.Errorf("%s: %d runs added %d plans, want 3 and 1", code, runs, added)
			}
		}
	})
}

func TestWriteGivesUpWithoutChangingAnything(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		runs := 0
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			runs++
			return errors.Join(addPlan(ctx, tx), &pq.Error{Code: "40001"})
		})
		if fault.CodeOf(err) != fault.Unavailable || runs < 2 || runs > 20 {
			t.Errorf("after %d runs: %v", runs, err)
		}
		if n := plans(t, db); n != 0 {
			t.Errorf("%d plans", n)
		}
	})
}

func TestPanicRollsBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is gone")
				}
			}()
			_ = db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_ = addPlan(ctx, tx)
				panic("fn")
			})
		}()
		write(t, db, addPlan) // the writer is free again
		if n := plans(t, db); n != 1 {
			t.Errorf("%d plans, want 1", n)
		}
	})
}

func TestConcurrentWritersAreNeverBusy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		write(t, db, addPlan)
		id := scalar[string](t, db.Reader(), "SELECT id FROM plans")
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					var name string
					query := "SELECT display_name FROM plans WHERE id = $1" + tx.Dialect().ForUpdate()
					if err := tx.QueryRowContext(ctx, query, id).Scan(&name); err != nil {
						return err
					}
					_, err := tx.ExecContext(ctx, "UPDATE plans SET display_name = $2 WHERE id = $1", id, name+"x")
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if name := scalar[string](t, db.Reader(), "SELECT display_name FROM plans"); len(name) != 201 {
			t.Errorf("%d changes survived, want 200", len(name)-1)
		}
	})
}

func TestReadsDoNotWaitForWriters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		write(t, db, addPlan)
		started, release := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			write(t, db, func(ctx context.Context, tx *database.Tx) error {
				if _, err := tx.ExecContext(ctx, "UPDATE plans SET display_name = 'Q'"); err != nil {
					return err
				}
				close(started)
				<-release
				return nil
			})
		})
		<-started
		for range 2 * database.DefaultMaxConns { // more than all connections: they queue
			wg.Go(func() {
				write(t, db, func(ctx context.Context, tx *database.Tx) error {
					_, err := tx.ExecContext(ctx, "UPDATE plans SET display_name = 'R'")
					return err
				})
			})
		}
		time.Sleep(50 * time.Millisecond)
		for range 50 {
			if name := scalar[string](t, db.Reader(), "SELECT display_name FROM plans"); name != "P" {
				t.Errorf("the reader sees %q, which is not committed", name)
			}
		}
		close(release)
		wg.Wait()
	})
}

func TestSnapshotSeesOneState(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		write(t, db, addPlan)
		err := db.Snapshot(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			first := scalar[int](t, tx, "SELECT count(*) FROM plans")
			write(t, db, addPlan)
			if n, err := tx.Ent().Plan.Query().Count(ctx); err != nil || n != first {
				t.Errorf("the snapshot saw %d plans, then %d (%v)", first, n, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if n := plans(t, db); n != 2 {
			t.Errorf("%d plans", n)
		}
	})
}

func TestStatementsAreObserved(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, s *dbtest.Statements) {
		s.Reset()
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Ent().Plan.Query().Count(ctx)
			return errors.Join(err, addPlan(ctx, tx))
		})
		_ = plans(t, db)
		if _, err := db.Ent().Plan.Query().Count(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := db.Snapshot(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			rows, err := tx.QueryContext(ctx, "SELECT 1")
			return errors.Join(err, rows.Close())
		})
		if s.Count() != 5 || err != nil {
			t.Errorf("%d statements observed, want 5: %q (%v)", s.Count(), s.List(), err)
		}
	})
}
