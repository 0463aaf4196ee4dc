package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/database/scratch"
	"github.com/licensegraph/licensegraph/internal/fault"
)

func TestCancelledWriteChangesNothingAndIsUnavailable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
			"cancelled": context.WithCancel,
			"too late": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, 20*time.Millisecond)
			},
		} {
			ctx, cancel := end(t.Context())
			err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				if err := addPlan(ctx, tx); err != nil {
					return err
				}
				if name == "cancelled" {
					cancel()
				}
				<-ctx.Done()
				return addPlan(ctx, tx)
			})
			if fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, ctx.Err()) {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
			if n := plans(t, db); n != 0 {
				t.Errorf("%s: %d plans", name, n)
			}
		}
		// fn may not notice the end of its context.
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			defer cancel()
			return addPlan(ctx, tx)
		})
		if n := plans(t, db); fault.CodeOf(err) != fault.Unavailable || n != 0 {
			t.Errorf("%d plans, %v", n, err)
		}
		write(t, db, addPlan) // the writer is free again
	})
}

func TestWaitForTheWriterEndsWithTheContext(t *testing.T) {
	dbtest.EachWith(t, database.Options{MaxConns: 2}, func(t *testing.T, db *database.DB) {
		write(t, db, func(context.Context, *database.Tx) error {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			if err := db.Write(ctx, addPlan); fault.CodeOf(err) != fault.Unavailable {
				t.Errorf("error %v", err)
			}
			return nil
		})
	})
}

func TestRefusalOutlivesTheContext(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, func(context.Context, *database.Tx) error {
			cancel()
			return fault.New(fault.NotFound, "no such thing")
		})
		if fault.CodeOf(err) != fault.NotFound {
			t.Errorf("error %v", err)
		}
	})
}

func TestConnectionLostBeforeTheCommitIsTriedAgain(t *testing.T) {
	db := dbtest.Open(t, database.Postgres, database.Options{})
	runs := 0
	write(t, db, func(ctx context.Context, tx *database.Tx) error {
		runs++
		if err := addPlan(ctx, tx); err != nil {
			return err
		}
		if runs == 1 {
			_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return err
		}
		return nil
	})
	if n := plans(t, db); runs != 2 || n != 1 {
		t.Errorf("%d runs, %d plans; want 2 and 1", runs, n)
	}
}

func TestConnectionLostDuringTheCommitIsAnUnknownOutcome(t *testing.T) {
	db := dbtest.Open(t, database.Postgres, database.Options{})
	atCommit(t, db, "PERFORM pg_terminate_backend(pg_backend_pid());")
	runs := 0
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		return addPlan(ctx, tx)
	})
	if fault.CodeOf(err) != fault.OutcomeUnknown || runs != 1 {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

func TestDatabaseThatIsGoneIsUnavailable(t *testing.T) {
	server, err := scratch.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	name, err := server.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(t.Context(), server.URL(name), database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := server.Drop(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	nothing := func(context.Context, *database.Tx) error { return nil }
	if err := db.Write(t.Context(), nothing); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Write: %v", err)
	}
	if err := db.Snapshot(t.Context(), nothing); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Snapshot: %v", err)
	}
	if err := db.Reader().QueryRowContext(t.Context(), "SELECT 1").Scan(new(int)); !database.Unreachable(err) {
		t.Errorf("Reader: %v", err)
	}
}

func TestContextThatEndsDuringTheCommitDoesNotStopIt(t *testing.T) {
	db := dbtest.Open(t, database.Postgres, database.Options{})
	atCommit(t, db, "PERFORM pg_sleep(0.2);")
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		time.AfterFunc(50*time.Millisecond, cancel)
		return addPlan(ctx, tx)
	})
	if n := plans(t, db); err != nil || n != 1 || ctx.Err() == nil {
		t.Errorf("%d plans, %v", n, err)
	}
}

// atCommit makes the database run a statement within the commit of a transaction that adds a
// plan.
func atCommit(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `
			CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+statement+` RETURN NULL; END $$;
			CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON plans
				DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()`)
		return err
	})
}

func TestDeadlockIsResolved(t *testing.T) {
	db := dbtest.Open(t, database.Postgres, database.Options{})
	first, second := ids(2)[0], ids(2)[1]
	write(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, insertPlan, first)
		_, err2 := tx.ExecContext(ctx, insertPlan, second)
		return errors.Join(err, err2)
	})
	both := make(chan struct{}, 2)
	results := make(chan error, 2)
	for _, order := range [][2]any{{first, second}, {second, first}} {
		go func() {
			runs := 0
			results <- db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				runs++
				const update = "UPDATE plans SET display_name = display_name || 'x' WHERE id = $1"
				if _, err := tx.ExecContext(ctx, update, order[0]); err != nil {
					return err
				}
				if runs == 1 { // each has one row before it asks for the other
					both <- struct{}{}
					for len(both) < 2 {
						time.Sleep(time.Millisecond)
					}
				}
				_, err := tx.ExecContext(ctx, update, order[1])
				return err
			})
		}()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := scalar[int](t, db.Reader(), "SELECT count(*) FROM plans WHERE display_name = 'Pxx'"); n != 2 {
		t.Errorf("%d rows were changed by both", n)
	}
}

func TestAnotherProcessThatWritesToSQLiteIsWaitedFor(t *testing.T) {
	url := dbtest.URL(t, database.SQLite)
	var open [2]*database.DB
	for i := range open {
		db, err := database.Open(t.Context(), url, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		open[i] = db
	}
	started := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- open[0].Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			close(started)
			time.Sleep(300 * time.Millisecond)
			return addPlan(ctx, tx)
		})
	}()
	<-started
	write(t, open[1], addPlan)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := plans(t, open[1]); n != 2 {
		t.Errorf("%d plans", n)
	}
}

func TestSQLiteIsDurableAndKeepsForeignKeys(t *testing.T) {
	db := dbtest.Open(t, database.SQLite, database.Options{})
	write(t, db, func(_ context.Context, tx *database.Tx) error {
		if mode := scalar[string](t, tx, "PRAGMA journal_mode"); mode != "wal" {
			t.Errorf("journal_mode %s", mode)
		}
		if full := scalar[int](t, tx, "PRAGMA synchronous"); full != 2 {
			t.Errorf("synchronous %d, want 2 (FULL)", full)
		}
		if on := scalar[int](t, tx, "PRAGMA foreign_keys"); on != 1 {
			t.Error("the writer does not enforce foreign keys")
		}
		return nil
	})
	if on := scalar[int](t, db.Reader(), "PRAGMA foreign_keys"); on != 1 {
		t.Error("the reader does not enforce foreign keys")
	}
}
