package database_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect/sql/schema"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/database/migrations"
	"github.com/licensegraph/licensegraph/internal/database/schemadiff"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// fillAt puts rows into every table of a database at a version of the schema.
func fillAt(t testing.TB, db *database.DB, version int64) {
	t.Helper()
	blob := "CAST('0123456789abcdef0123456789abcdef' AS blob)"
	if db.Dialect() == database.Postgres {
		blob = "'0123456789abcdef0123456789abcdef'::bytea"
	}
	// Each version has a file that adds to what the ones before it fill.
	for n := int64(1); n <= version; n++ {
		text, err := os.ReadFile(fmt.Sprintf("testdata/filled_%05d.sql", n))
		if err != nil {
			t.Fatal(err)
		}
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, strings.ReplaceAll(string(text), "$BLOB", blob))
			return err
		})
	}
}

// fill puts rows into every table of a migrated database.
func fill(t testing.TB, db *database.DB) {
	t.Helper()
	fillAt(t, db, head(t))
}

// head is the version of the schema that the migrations lead to.
func head(t testing.TB) int64 {
	t.Helper()
	return int64(len(only(t, 1<<30)) / 2)
}

// only returns the migrations up to a version.
func only(t testing.TB, version int64) fstest.MapFS {
	t.Helper()
	fsys := make(fstest.MapFS)
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		files, err := fs.Glob(migrations.FS, string(d)+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			var n int64
			if _, err := fmt.Sscanf(file, string(d)+"/%05d_", &n); err != nil {
				t.Fatal(err)
			}
			if n > version {
				continue
			}
			content, err := fs.ReadFile(migrations.FS, file)
			if err != nil {
				t.Fatal(err)
			}
			fsys[file] = &fstest.MapFile{Data: content}
		}
	}
	return fsys
}

// columns are the columns of tables, by table.
type columns map[string][]string

// declared are the columns of every table as the schema declares them.
func declared(t testing.TB, d database.Dialect) columns {
	t.Helper()
	all := columns{}
	for _, table := range tables(t, d) {
		for _, c := range table.Columns {
			all[table.Name] = append(all[table.Name], c.Name)
		}
	}
	return all
}

// present are those that a database has of the declared ones.
func present(t testing.TB, db *database.DB) columns {
	t.Helper()
	query := "SELECT count(*) FROM pragma_table_info($1) WHERE name = $2"
	if db.Dialect() == database.Postgres {
		query = "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND column_name = $2"
	}
	all := columns{}
	for table, names := range declared(t, db.Dialect()) {
		for _, name := range names {
			var n int
			if err := db.Reader().QueryRowContext(t.Context(), query, table, name).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				all[table] = append(all[table], name)
			}
		}
	}
	return all
}

// dump is the content of columns, by table.
func dump(t testing.TB, db *database.DB, of columns) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for table, names := range of {
		var values []string
		for _, name := range names {
			values = append(values, fmt.Sprintf("coalesce(CAST(%s AS text), 'null')", name))
		}
		rows, err := db.Reader().QueryContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY 1", strings.Join(values, " || ' ' || "), table))
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				t.Fatal(err)
			}
			found[table] += row + "\n"
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// requireSame fails unless every table of some columns is filled and as it was.
func requireSame(t testing.TB, of columns, before, after map[string]string) {
	t.Helper()
	for table := range of {
		if before[table] == "" {
			t.Errorf("%s was empty: the test shows nothing for it", table)
		}
		if before[table] != after[table] {
			t.Errorf("%s was\n%sand is\n%s", table, before[table], after[table])
		}
	}
}

// eachMigrated runs a test on both databases: it finds one of an older version, filled, and the
// function that brings it to the head.
func eachMigrated(t *testing.T, version int64, test func(t *testing.T, db *database.DB, migrate func())) {
	t.Helper()
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			db := empty(t, d)
			if err := database.MigrateFrom(t.Context(), db, only(t, version), nil); err != nil {
				t.Fatal(err)
			}
			fillAt(t, db, version)
			test(t, db, func() {
				if err := database.Migrate(t.Context(), db, nil); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestMigrationsKeepEveryRow(t *testing.T) {
	for version := int64(1); version < head(t); version++ {
		t.Run(fmt.Sprintf("from %d", version), func(t *testing.T) {
			eachMigrated(t, version, func(t *testing.T, db *database.DB, migrate func()) {
				kept := present(t, db) // later versions may add to them
				before := dump(t, db, kept)
				migrate()
				requireSame(t, kept, before, dump(t, db, kept))
			})
		})
	}
}

// TestRowsOfOldVersionsHaveTheValuesOfNewColumns: what was bought before subscriptions had dates
// began when it was bought and has been live since; organisations have the default terms, and no
// plan is automatic.
func TestRowsOfOldVersionsHaveTheValuesOfNewColumns(t *testing.T) {
	eachMigrated(t, 1, func(t *testing.T, db *database.DB, migrate func()) {
		migrate()
		for query, want := range map[string]int{
			"subscriptions": 2,
			"subscriptions WHERE starts_at = created_at AND live_since = created_at AND renews_at IS NULL AND ends_at IS NULL": 2,
			"subscriptions WHERE status = 'CANCELLED' AND live_since = 1700000000000000":                                       1,
			"tenants": 2,
			"tenants WHERE loss_threshold = 100 AND grace_period = 2592000000000 AND suspension_period = 7776000000000 AND deleted_user_retention = 2592000000000": 2,
			"plans WHERE NOT auto_assigned": 2,
			"plan_prerequisites":            0,
			"plan_locations":                0,
		} {
			var n int
			if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM "+query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n != want {
				t.Errorf("%s: %d, want %d", query, n, want)
			}
		}
		var dangling int
		if db.Dialect() == database.SQLite {
			if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM pragma_foreign_key_check").Scan(&dangling); err != nil || dangling > 0 {
				t.Errorf("%d rows refer to nothing (%v)", dangling, err)
			}
		}
	})
}

// TestRebuiltTablesKeepEveryRow writes a migration as `make migration` would after changes that
// SQLite can make only by building anew tables to which others refer.
func TestRebuiltTablesKeepEveryRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		fill(t, db)
		all := declared(t, db.Dialect())
		before := dump(t, db, all)

		changed := tables(t, db.Dialect())
		for name, check := range map[string]string{"users": "length(display_name) < 1000", "groups": "length(display_name) < 1000", "tenants": "length(name) < 1000", "assignments": "created_at > 0"} {
			t1 := table(changed, name)
			t1.Annotation.Checks[name+"_extra"] = "(" + check + ")"
		}
		users := table(changed, "users")
		column(users, "department").Nullable = true
		users.Columns = append(users.Columns, &schema.Column{Name: "nickname", Type: column(users, "display_name").Type, Nullable: true})
		want := empty(t, db.Dialect())
		if err := schemadiff.CreateTables(t.Context(), want, changed); err != nil {
			t.Fatal(err)
		}
		migration := schemadiff.Render(db.Dialect(), difference(t, db, want))
		if db.Dialect() == database.SQLite && !strings.Contains(migration, "DROP TABLE `users`") {
			t.Fatalf("no table is built anew:\n%s", migration)
		}
		steps := migrateOn(t, db, migration)
		if len(steps) != 1 || steps[0].Name != "extra" {
			t.Errorf("progress told %v", steps)
		}
		requireSame(t, all, before, dump(t, db, all))
		for _, s := range difference(t, db, want) {
			t.Errorf("a difference remains: %s", s.SQL)
		}
		// Foreign keys lead to the new tables.
		if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, "DELETE FROM users")
			return err
		}); err == nil {
			t.Error("users to whom rows refer were deleted")
		}
	})
}

// migrateOn applies one more migration.
func migrateOn(t testing.TB, db *database.DB, migration string) (steps []database.Migration) {
	t.Helper()
	if err := tryMigrateOn(t, db, migration, func(m database.Migration) { steps = append(steps, m) }); err != nil {
		t.Fatal(err)
	}
	return steps
}

func tryMigrateOn(t testing.TB, db *database.DB, migration string, progress func(database.Migration)) error {
	t.Helper()
	fsys := only(t, 1<<30)
	next := len(fsys)/2 + 1
	fsys[fmt.Sprintf("%s/%05d_extra.sql", db.Dialect(), next)] = &fstest.MapFile{Data: []byte(migration)}
	return database.MigrateFrom(t.Context(), db, fsys, progress)
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		fill(t, db)
		all := declared(t, db.Dialect())
		before := dump(t, db, all)
		broken := []schemadiff.Statement{{SQL: "DELETE FROM memberships"}, {SQL: "DELETE FROM user_words"}, {SQL: "DELETE FROM users"}}
		if err := tryMigrateOn(t, db, schemadiff.Render(db.Dialect(), broken), nil); err == nil {
			t.Error("a migration left rows that refer to nothing")
		}
		requireSame(t, all, before, dump(t, db, all))
		if err := database.RequireHead(t.Context(), db); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryMigrationOfSQLiteChecksForeignKeys(t *testing.T) {
	for file, content := range only(t, 1<<30) {
		text := string(content.Data)
		if strings.Contains(text, "PRAGMA foreign_keys") || strings.Contains(text, "NO TRANSACTION") {
			t.Errorf("%s: the migrator handles foreign keys and transactions", file)
		}
		if strings.HasPrefix(file, "sqlite/") && !strings.Contains(text, "SELECT 1;") && !strings.Contains(text, "pragma_foreign_key_check") {
			t.Errorf("%s does not check foreign keys", file)
		}
	}
}

func TestBothDatabasesHaveTheSameMigrations(t *testing.T) {
	all := only(t, 1<<30)
	for file := range all {
		d, name, _ := strings.Cut(file, "/")
		other := database.SQLite
		if d == string(database.SQLite) {
			other = database.Postgres
		}
		if all[string(other)+"/"+name] == nil {
			t.Errorf("%s has no counterpart", file)
		}
	}
}

func TestConcurrentMigratorsAreSafe(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			url := dbtest.EmptyURL(t, d)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					db, err := database.Open(t.Context(), url, database.Options{})
					if err != nil {
						t.Error(err)
						return
					}
					defer func() { _ = db.Close() }()
					if err := database.Migrate(t.Context(), db, nil); err != nil {
						t.Error(err)
					}
					if err := database.RequireHead(t.Context(), db); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestCommandsRefuseADatabaseThatIsNotAtHead(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			db := empty(t, d)
			err := database.RequireHead(t.Context(), db)
			if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "run: licensegraph migrate up") {
				t.Errorf("error %v", err)
			}
			status := statusOf(t, db)
			if len(status) == 0 || status[0].Applied || status[0].Name != "initial" || status[0].Version != 1 {
				t.Errorf("status %v", status)
			}
			if err := database.Migrate(t.Context(), db, nil); err != nil {
				t.Fatal(err)
			}
			if err := database.RequireHead(t.Context(), db); err != nil {
				t.Error(err)
			}
			for _, m := range statusOf(t, db) {
				if !m.Applied {
					t.Errorf("%v is not applied", m)
				}
			}
			migrateOn(t, db, "-- +goose Up\nSELECT 1;\n")
			if err := database.RequireHead(t.Context(), db); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "newer licensegraph") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func statusOf(t testing.TB, db *database.DB) []database.Migration {
	t.Helper()
	status, err := database.Status(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func TestTheCatalogueIsOneRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		row, err := db.Ent().Catalog.Query().Only(t.Context())
		if err != nil || row.ID != 1 || row.Revision != 0 {
			t.Errorf("%v, %v", row, err)
		}
	})
}

// TestWhatOldEventsNamedCanBeFound: events from before the chain are counted as such, and what they
// named is written down: subjects, products, and whom a field is of, each once for an event.
func TestWhatOldEventsNamedCanBeFound(t *testing.T) {
	eachMigrated(t, 5, func(t *testing.T, db *database.DB, migrate func()) {
		const user, group, product = "user_00000000007000800000000061", "group_00000000007000800000000072", "product_00000000007000800000000031"
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE audit_events SET subjects = $1, fields = $2, products = $3 WHERE sequence = 2`,
				`[{"id":"`+user+`","name":"Anna \"of user_x\""}]`,
				`[{"field":"members of `+group+`","before":null,"after":"Anna (`+user+`)"},{"field":"Suite of `+user+`","before":null,"after":"all plans"},{"field":"mail","before":null,"after":"a of b"}]`,
				`[{"productId":"`+product+`","productName":"Suite","usersGaining":1,"usersLosing":0,"usersInError":0}]`)
			return err
		})
		migrate()
		mentions, err := database.Values[string](t.Context(), db.Reader(), `SELECT node FROM audit_mentions WHERE sequence = 2 ORDER BY node`)
		if err != nil || strings.Join(mentions, " ") != group+" "+product+" "+user {
			t.Errorf("found %v, %v", mentions, err)
		}
		unchained, err := database.Values[int64](t.Context(), db.Reader(), `SELECT audit_unchained FROM tenants ORDER BY id`)
		if err != nil || len(unchained) != 2 || unchained[0] != 2 || unchained[1] != 0 {
			t.Errorf("without a hash are %v, %v", unchained, err)
		}
	})
}
