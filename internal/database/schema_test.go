package database_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql/schema"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/database/schemadiff"
)

func empty(t testing.TB, d database.Dialect) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), dbtest.EmptyURL(t, d), database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func difference(t testing.TB, have, want *database.DB) []schemadiff.Statement {
	t.Helper()
	statements, err := schemadiff.Diff(t.Context(), have, want)
	if err != nil {
		t.Fatal(err)
	}
	return statements
}

func TestMigrationsMakeTheDeclaredSchema(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		want := empty(t, db.Dialect())
		if err := schemadiff.Create(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		for _, s := range difference(t, db, want) {
			t.Errorf("run `make migration NAME=…`; missing: %s", s.SQL)
		}
		for _, s := range difference(t, want, db) {
			t.Errorf("the migrations make what is not declared: %s", s.SQL)
		}
	})
}

// TestDifferencesAreSeen changes the declared schema in every way that could go unnoticed.
func TestDifferencesAreSeen(t *testing.T) {
	changes := map[string]func(users *schema.Table){
		"column": func(u *schema.Table) {
			u.Columns = append(u.Columns, &schema.Column{Name: "extra", Type: u.Columns[2].Type, Nullable: true})
		},
		"nullability": func(u *schema.Table) { column(u, "display_name").Nullable = true },
		"check":       func(u *schema.Table) { u.Annotation.Checks["users_version"] = "(version >= 0)" },
		"foreign key": func(u *schema.Table) { u.ForeignKeys = nil },
		"index":       func(u *schema.Table) { u.Indexes = u.Indexes[:len(u.Indexes)-1] },
		"partial index": func(u *schema.Table) {
			for _, i := range u.Indexes {
				if i.Annotation != nil {
					i.Annotation.Where = "deleted_at IS NOT NULL"
				}
			}
		},
		"collation": func(u *schema.Table) { column(u, "display_name_key").Collation = "" },
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, change := range changes {
			if name == "collation" && db.Dialect() == database.SQLite {
				continue // it has one for all
			}
			tables := tables(t, db.Dialect())
			change(table(tables, "users"))
			want := empty(t, db.Dialect())
			if err := schemadiff.CreateTables(t.Context(), want, tables); err != nil {
				t.Fatal(err)
			}
			if len(difference(t, db, want)) == 0 {
				t.Errorf("a change of a %s is not seen", name)
			}
		}
	})
}

func tables(t testing.TB, d database.Dialect) []*schema.Table {
	t.Helper()
	tables, err := database.Tables(d)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func table(tables []*schema.Table, name string) *schema.Table {
	return tables[slices.IndexFunc(tables, func(t *schema.Table) bool { return t.Name == name })]
}

func column(t *schema.Table, name string) *schema.Column {
	return t.Columns[slices.IndexFunc(t.Columns, func(c *schema.Column) bool { return c.Name == name })]
}

func has(t *schema.Table, name string) bool {
	return slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Name == name })
}

func TestEveryRowOfATenantIsBoundToIt(t *testing.T) {
	for _, t1 := range tables(t, database.Postgres) {
		bound := !has(t1, "tenant_id")
		for _, fk := range t1.ForeignKeys {
			first := fk.Columns[0].Name
			if has(fk.RefTable, "tenant_id") && (first != "tenant_id" || fk.RefColumns[0].Name != "tenant_id") {
				t.Errorf("%s refers to a row of a tenant without naming the tenant", fk.Symbol)
			}
			if fk.OnDelete != schema.NoAction {
				t.Errorf("%s cascades", fk.Symbol)
			}
			required := !fk.Columns[len(fk.Columns)-1].Nullable
			bound = bound || first == "tenant_id" && (required || t1.Name == "assignments") // a check: one of user and group
		}
		if !bound {
			t.Errorf("%s has a tenant_id that leads nowhere", t1.Name)
		}
	}
}

// TestEveryReferenceHasAForeignKey looks at names: what ends in _id refers to something.
func TestEveryReferenceHasAForeignKey(t *testing.T) {
	without := []string{
		"users.external_id", "groups.external_id", "audit_events.request_id", // of other systems
		"audit_events.cause_id",                         // an audit event stands for itself
		"license_violations.principal_id",               // a copy of the assignment's
		"operations.request_id", "operations.runner_id", // of a request and of a server process: not kept
		"operations.event_id", "operations.begin_event_id", "operations.end_event_id", // as a cause
		"operation_results.group_id", // what the input named, which may be gone
	}
	former := map[string]bool{} // rows that outlive what they refer to
	for _, of := range database.Histories() {
		former[database.HistoryOf(of)] = true
	}
	for _, t1 := range tables(t, database.Postgres) {
		if former[t1.Name] {
			continue
		}
		for _, c := range t1.Columns {
			name := t1.Name + "." + c.Name
			if !strings.HasSuffix(c.Name, "_id") || slices.Contains(without, name) {
				continue
			}
			if !slices.ContainsFunc(t1.ForeignKeys, func(fk *schema.ForeignKey) bool { return slices.Contains(fk.Columns, c) }) {
				t.Errorf("%s refers to nothing", name)
			}
		}
	}
}

func TestForeignKeysAndChecksHold(t *testing.T) {
	const tenant1, tenant2 = "'00000000-0000-7000-8000-000000000001'", "'00000000-0000-7000-8000-000000000002'"
	const user1, user2 = "'00000000-0000-7000-8000-000000000061'", "'00000000-0000-7000-8000-000000000063'"
	const group1, group2 = "'00000000-0000-7000-8000-000000000072'", "'00000000-0000-7000-8000-000000000073'"
	const product = "'00000000-0000-7000-8000-000000000032'"
	assignment := func(user, group, mode string) string {
		return "INSERT INTO assignments (id, tenant_id, user_id, group_id, product_id, mode, created_at, updated_at) VALUES ('00000000-0000-7000-8000-0000000000ff', " +
			tenant1 + ", " + user + ", " + group + ", " + product + ", '" + mode + "', 1, 1)"
	}
	membership := func(tenant, group, user string) string {
		return "INSERT INTO memberships (tenant_id, group_id, user_id, created_at) VALUES (" + tenant + ", " + group + ", " + user + ", 1)"
	}
	const mail, calls = "'00000000-0000-7000-8000-000000000041'", "'00000000-0000-7000-8000-000000000043'"
	needs := func(plan, other string) string {
		return "INSERT INTO plan_prerequisites (plan_id, requires_id) VALUES (" + plan + ", " + other + ")"
	}
	located := func(plan, country string) string {
		return "INSERT INTO plan_locations (plan_id, country, allowed) VALUES (" + plan + ", '" + country + "', true)"
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		fill(t, db)
		for statement, want := range map[string]bool{
			membership(tenant2, group2, user2):       true,
			membership(tenant1, group1, user2):       false, // another tenant's user
			membership(tenant1, group2, user1):       false, // another tenant's group
			membership(tenant2, group1, user1):       false, // one tenant's rows under another's name
			assignment(user1, "NULL", "ALL"):         true,
			assignment(user2, "NULL", "ALL"):         false,
			assignment(user1, group1, "ALL"):         false, // exactly one principal
			assignment("NULL", "NULL", "ALL"):        false,
			assignment(user1, "NULL", "SOME"):        false,
			"DELETE FROM users WHERE id = " + user1:  false, // nothing cascades
			"DELETE FROM tenants":                    false,
			"DELETE FROM plans":                      false,
			"UPDATE seat_counters SET consumed = -1": false,
			"UPDATE subscriptions SET seats = -1":    false,
			"UPDATE license_violations SET plan_id = '00000000-0000-7000-8000-000000000041'": false, // R8: a plan waits for no seat
			"INSERT INTO catalog (id) VALUES (2)":                                            false,
			needs(mail, calls):                                                               true,
			needs(mail, mail):                                                                false, // R10
			needs(calls, mail):                                                               false, // it is there
			needs(mail, group1):                                                              false, // no such plan
			needs(group1, mail):                                                              false,
			located(mail, "NL"):                                                              true,
			located(mail, "CN"):                                                              false, // it is there, prohibited
			located(mail, "NLD"):                                                             false,
			located(mail, ""):                                                                false,
			located(user1, "NL"):                                                             false, // no such plan
			"UPDATE subscriptions SET status = 'LOCKED_OUT' WHERE status = 'SUSPENDED'":                                  true,
			"UPDATE subscriptions SET status = 'ENDED' WHERE status = 'SUSPENDED'":                                       false,
			"UPDATE subscriptions SET live_since = 1 WHERE status = 'SCHEDULED'":                                         false, // R16
			"UPDATE subscriptions SET status = 'CANCELLED' WHERE status = 'SCHEDULED'":                                   false, // without its instant
			"UPDATE tenants SET loss_threshold = -1":                                                                     false,
			"UPDATE tenants SET grace_period = -1":                                                                       false,
			"UPDATE tenants SET suspension_period = -1":                                                                  false,
			"UPDATE tenants SET deleted_user_retention = -1":                                                             false,
			"UPDATE tenants SET loss_threshold = 0, grace_period = 0, suspension_period = 0, deleted_user_retention = 0": true,
		} {
			err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return err
				}
				return database.ErrRollback
			})
			if (err == nil) != want {
				t.Errorf("%s: %v", statement, err)
			}
		}
	})
}
