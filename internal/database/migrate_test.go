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

// fill puts rows into every table of a database at version 1.
func fill(t testing.TB, db *database.DB) {
	t.Helper()
	text, err := os.ReadFile("testdata/filled_00001.sql")
	if err != nil {
		t.Fatal(err)
	}
	blob := "CAST('0123456789abcdef0123456789abcdef' AS blob)"
	if db.Dialect() == database.Postgres {
		blob = "'0123456789abcdef0123456789abcdef'::bytea"
	}
	write(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, strings.ReplaceAll(string(text), "$BLOB", blob))
		return err
	})
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

// dump is the content of all tables, by table.
func dump(t testing.TB, db *database.DB) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, table := range tables(t, db.Dialect()) {
		var columns []string
		for _, c := range table.Columns {
			columns = append(columns, fmt.Sprintf("coalesce(CAST(%s AS text), 'null')", c.Name))
		}
		rows, err := db.Reader().QueryContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY 1", strings.Join(columns, " || ' ' || "), table.Name))
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				t.Fatal(err)
			}
			found[table.Name] += row + "\n"
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// requireSame fails unless every table is filled and as it was.
func requireSame(t testing.TB, before, after map[string]string) {
	t.Helper()
	for _, table := range tables(t, database.Postgres) {
		if before[table.Name] == "" {
			t.Errorf("%s was empty: the test shows nothing for it", table.Name)
		}
		if before[table.Name] != after[table.Name] {
			t.Errorf("%s was\n%sand is\n%s", table.Name, before[table.Name], after[table.Name])
		}
	}
}

func TestMigrationsKeepEveryRow(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			db := empty(t, d)
			if err := database.MigrateFrom(t.Context(), db, only(t, 1), nil); err != nil {
				t.Fatal(err)
			}
			fill(t, db)
			before := dump(t, db)
			if err := database.Migrate(t.Context(), db, nil); err != nil {
				t.Fatal(err)
			}
			requireSame(t, before, dump(t, db))
		})
	}
}

// TestRebuiltTablesKeepEveryRow writes a migration as `make migration` would after changes that
// SQLite can make only by building anew tables to which others refer.
func TestRebuiltTablesKeepEveryRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		fill(t, db)
		before := dump(t, db)

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
		requireSame(t, before, dump(t, db))
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
		before := dump(t, db)
		broken := []schemadiff.Statement{{SQL: "DELETE FROM memberships"}, {SQL: "DELETE FROM user_words"}, {SQL: "DELETE FROM users"}}
		if err := tryMigrateOn(t, db, schemadiff.Render(db.Dialect(), broken), nil); err == nil {
			t.Error("a migration left rows that refer to nothing")
		}
		requireSame(t, before, dump(t, db))
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
