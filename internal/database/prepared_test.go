package database_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

func TestReadsThatReturnArePreparedAndStayRight(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		write(t, db, addPlan)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for n := range 50 {
					query := "SELECT count(*) FROM plans WHERE display_name = $1"
					if got := scalar[int](t, db.Reader(), query, "P"); got != 1 {
						t.Errorf("%d plans", got)
					}
					if got := scalar[int](t, db.Reader(), query, "Q"); got != 0 {
						t.Errorf("%d plans of another name", got)
					}
					once := fmt.Sprintf("SELECT $1 = 'x%d'", n)
					if !scalar[bool](t, db.Reader(), once, fmt.Sprintf("x%d", n)) {
						t.Errorf("%s is false", once)
					}
				}
			})
		}
		wg.Wait()
		if db.Dialect() == database.Postgres {
			kept := "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%display_name = $1'"
			if n := scalar[int](t, db.Reader(), kept); n != 1 {
				t.Errorf("the read is prepared %d times on its connection", n)
			}
		}
		// What changes is seen, the schema included.
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, "ALTER TABLE plans ADD COLUMN extra text")
			return err
		})
		write(t, db, addPlan)
		for range 10 {
			if got := scalar[int](t, db.Reader(), "SELECT count(*) FROM plans WHERE display_name = $1", "P"); got != 2 {
				t.Errorf("%d plans, want 2", got)
			}
		}
	})
}

// Transactions at once, more than there are connections, and none waits for another's connection.
func TestStatementsOfTransactionsThatReturnArePrepared(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		const query = "SELECT count(*) FROM plans WHERE display_name = $1"
		kept := func(ctx context.Context, tx *database.Tx) (n int) {
			if db.Dialect() != database.Postgres {
				return 0
			}
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM pg_prepared_statements WHERE statement = '"+query+"'").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		count := func(ctx context.Context, tx *database.Tx, name string, want int) {
			var got int
			if err := tx.QueryRowContext(ctx, query, name).Scan(&got); err != nil || got != want {
				t.Errorf("%d plans of the name %.10s, want %d: %v", got, name, want, err)
			}
		}
		write(t, db, addPlan)
		long := strings.Repeat("P", 3_000)
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			for range 10 {
				count(ctx, tx, long, 0)
			}
			return nil
		})
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			return tx.Planned(func() error {
				for range 10 {
					count(ctx, tx, "P", 1)
				}
				return nil
			})
		})
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			if n := kept(ctx, tx); n != 0 {
				t.Errorf("statements with long lists, or that are to be planned, are prepared %d times", n)
			}
			return nil
		})
		var wg sync.WaitGroup
		for range 2 * db.Writers() {
			wg.Go(func() {
				for range 10 {
					write(t, db, func(ctx context.Context, tx *database.Tx) error {
						count(ctx, tx, "P", 1)
						count(ctx, tx, "Q", 0)
						return nil
					})
				}
			})
		}
		wg.Wait()
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			count(ctx, tx, "P", 1)
			if n := kept(ctx, tx); db.Dialect() == database.Postgres && n != 1 {
				t.Errorf("the statement is prepared %d times on its connection", n)
			}
			return nil
		})
	})
}

func TestAnyNumberOfTextsCanBeRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for range 4 {
			for n := range 300 {
				if got := scalar[int](t, db.Reader(), fmt.Sprintf("SELECT CAST($1 AS integer) + %d", n), 1); got != n+1 {
					t.Errorf("got %d, want %d", got, n+1)
				}
			}
		}
	})
}

func TestWrongReadTellsWhatIsWrong(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for range 5 {
			var n int
			if err := db.Reader().QueryRowContext(t.Context(), "SELECT nonsense FROM plans WHERE id = $1", "x").Scan(&n); err == nil {
				t.Error("nonsense has a value")
			}
		}
	})
}
