// Package conformance is what every database that stores licensing facts must do alike: what
// it keeps, what it refuses, and how it orders. Run holds a database against it.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
)

// Run runs the suite; open opens a new database, migrated and empty.
func Run(t *testing.T, open func(t testing.TB) *database.DB) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, db *store)
	}{
		{"a reference never crosses a tenant's border", crossing},
		{"nothing that is referred to goes, and nothing cascades", cascading},
		{"a principal name is unique among undeleted users of its tenant", principalNames},
		{"an assignment has exactly one principal, and each product once", assignments},
		{"a source has one violation as a whole and one per plan", violations},
		{"counters do not fall below zero", counters},
		{"a plan needs others, once each, and never itself", prerequisites},
		{"a plan is allowed or prohibited in a country, not both", locations},
		{"a subscription that has not begun has not been live", statuses},
		{"terms are not negative, and have defaults", terms},
		{"audit events are numbered once", auditNumbers},
		{"keys are ordered by their bytes", order},
		{"texts, instants and seats are kept to the last bit", values},
		{"what a failed change wrote is gone", rollback},
		{"a list parameter has any length", lists},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &store{DB: open(t)}
			s.must(t, `INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, 'SUITE', 'Suite', 'suite')`, product)
			s.must(t, `INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, 'MAIL', 'Mail', 'mail')`, plan)
			s.must(t, `INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, 'TALK', 'Talk', 'talk')`, other)
			for n := 1; n <= 2; n++ {
				s.must(t, `INSERT INTO tenants (id, name, name_key, country, last_instant, created_at) VALUES ($1, $2, $2, 'NL', 0, 0)`, tenant(n), fmt.Sprint("Tenant ", n))
				s.must(t, insertUser, user(n), tenant(n), fmt.Sprint("ann", n))
				s.must(t, insertGroup, group(n), tenant(n))
				s.must(t, insertAssignment, assignment(n), tenant(n), user(n), nil, product)
			}
			c.test(t, s)
		})
	}
}

var product, plan, other = key(9, 1), key(9, 2), key(9, 3)

func key(kind, n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%08x-0000-7000-8000-%012x", kind, n))
}

func tenant(n int) uuid.UUID     { return key(1, n) }
func user(n int) uuid.UUID       { return key(2, n) }
func group(n int) uuid.UUID      { return key(3, n) }
func assignment(n int) uuid.UUID { return key(4, n) }

const (
	insertUser = `INSERT INTO users (id, tenant_id, user_principal_name, user_principal_name_key, display_name, display_name_key, user_type,
		account_enabled, created_at, updated_at, version) VALUES ($1, $2, $3, $3, $3, $3, 'MEMBER', true, 1, 1, 1)`
	insertGroup = `INSERT INTO groups (id, tenant_id, display_name, display_name_key, search_key, created_at, updated_at, version)
		VALUES ($1, $2, 'G', 'g', ' g', 1, 1, 1)`
	insertAssignment = `INSERT INTO assignments (id, tenant_id, user_id, group_id, product_id, mode, plans, include_nested, created_at, updated_at, version)
		VALUES ($1, $2, $3, $4, $5, 'ALL', '[]', true, 1, 1, 1)`
	insertViolation = `INSERT INTO license_violations (tenant_id, user_id, assignment_id, plan_id, code, since, opened_by, product_id, principal_id,
		inherited, assignment_created_at) VALUES ($1, $2, $3, $4, 'COUNT_VIOLATION', 1, $2, $5, $2, false, 1)`
)

// store is a database under test.
type store struct{ *database.DB }

func (s *store) try(t testing.TB, query string, args ...any) error {
	t.Helper()
	return s.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

func (s *store) must(t testing.TB, query string, args ...any) {
	t.Helper()
	if err := s.try(t, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (s *store) refuses(t testing.TB, query string, args ...any) {
	t.Helper()
	if err := s.try(t, query, args...); err == nil {
		t.Errorf("accepted: %s %v", query, args)
	}
}

func (s *store) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := s.Reader().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func crossing(t *testing.T, s *store) {
	s.refuses(t, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) VALUES ($1, $2, $3, 1)`, tenant(1), group(2), user(1))
	s.refuses(t, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) VALUES ($1, $2, $3, 1)`, tenant(1), group(1), user(2))
	s.refuses(t, `INSERT INTO nestings (tenant_id, parent_id, child_id, created_at) VALUES ($1, $2, $3, 1)`, tenant(1), group(1), group(2))
	s.refuses(t, `INSERT INTO group_counters (tenant_id, group_id, members) VALUES ($1, $2, 0)`, tenant(1), group(2))
	s.refuses(t, `INSERT INTO user_words (tenant_id, user_id, word_key) VALUES ($1, $2, 'x')`, tenant(1), user(2))
	s.refuses(t, insertAssignment, assignment(3), tenant(1), nil, group(2), product)
	s.refuses(t, insertViolation, tenant(1), user(2), assignment(1), nil, product)
	s.refuses(t, insertViolation, tenant(1), user(1), assignment(2), nil, product)
	s.refuses(t, `INSERT INTO subscriptions (id, tenant_id, product_id, status, created_at, updated_at, version) VALUES ($1, $2, $3, 'ENABLED', 1, 1, 1)`,
		key(5, 1), key(1, 99), product)
}

func cascading(t *testing.T, s *store) {
	s.must(t, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) VALUES ($1, $2, $3, 1)`, tenant(1), group(1), user(1))
	s.must(t, insertViolation, tenant(1), user(1), assignment(1), nil, product)
	for _, table := range []string{"users", "groups", "assignments"} {
		s.refuses(t, `DELETE FROM `+table+` WHERE tenant_id = $1`, tenant(1))
	}
	for _, table := range []string{"products", "tenants"} {
		s.refuses(t, `DELETE FROM `+table)
	}
	if n := s.count(t, `SELECT (SELECT count(*) FROM memberships) + (SELECT count(*) FROM license_violations)`); n != 2 {
		t.Errorf("%d rows are left, want 2", n)
	}
}

func principalNames(t *testing.T, s *store) {
	s.refuses(t, insertUser, user(3), tenant(1), "ann1")
	s.must(t, insertUser, user(3), tenant(2), "ann1")
	s.must(t, `UPDATE users SET deleted_at = 5 WHERE id = $1`, user(1))
	s.must(t, insertUser, user(4), tenant(1), "ann1")
	s.refuses(t, `UPDATE users SET deleted_at = NULL WHERE id = $1`, user(1))
}

func assignments(t *testing.T, s *store) {
	s.refuses(t, insertAssignment, assignment(3), tenant(1), nil, nil, product)
	s.refuses(t, insertAssignment, assignment(3), tenant(1), user(1), group(1), product)
	s.refuses(t, insertAssignment, assignment(3), tenant(1), user(1), nil, product)
	s.must(t, insertAssignment, assignment(3), tenant(1), nil, group(1), product)
	s.refuses(t, insertAssignment, assignment(4), tenant(1), nil, group(1), product)
}

func violations(t *testing.T, s *store) {
	s.must(t, insertViolation, tenant(1), user(1), assignment(1), nil, product)
	s.refuses(t, insertViolation, tenant(1), user(1), assignment(1), nil, product)
	s.refuses(t, insertViolation, tenant(1), user(1), assignment(1), plan, product) // R8: a plan never waits for a seat
	excluded := strings.Replace(insertViolation, "COUNT_VIOLATION", "MUTUALLY_EXCLUSIVE_VIOLATION", 1)
	s.must(t, excluded, tenant(1), user(1), assignment(1), plan, product)
	s.refuses(t, excluded, tenant(1), user(1), assignment(1), plan, product)
}

func counters(t *testing.T, s *store) {
	s.must(t, `INSERT INTO seat_counters (tenant_id, product_id, consumed, waiting, in_error) VALUES ($1, $2, 1, 0, 0)`, tenant(1), product)
	for _, column := range []string{"consumed", "waiting", "in_error"} {
		s.refuses(t, `UPDATE seat_counters SET `+column+` = -1`)
	}
	s.must(t, `INSERT INTO group_counters (tenant_id, group_id, members) VALUES ($1, $2, 0)`, tenant(1), group(1))
	s.refuses(t, `UPDATE group_counters SET members = members - 1`)
}

func prerequisites(t *testing.T, s *store) {
	const insert = `INSERT INTO plan_prerequisites (plan_id, requires_id) VALUES ($1, $2)`
	s.must(t, insert, plan, other)
	s.refuses(t, insert, plan, other)
	s.must(t, insert, other, plan) // a cycle of two is for the importer to refuse
	s.refuses(t, insert, plan, plan)
	s.refuses(t, insert, plan, product)
	s.refuses(t, insert, product, plan)
	s.refuses(t, `DELETE FROM plans WHERE id = $1`, other)
}

func locations(t *testing.T, s *store) {
	const insert = `INSERT INTO plan_locations (plan_id, country, allowed) VALUES ($1, $2, $3)`
	s.must(t, insert, plan, "NL", true)
	s.must(t, insert, plan, "DE", false)
	s.must(t, insert, other, "NL", false)
	s.refuses(t, insert, plan, "NL", true)
	s.refuses(t, insert, plan, "NL", false)
	for _, country := range []string{"", "N", "NLD"} {
		s.refuses(t, insert, plan, country, true)
	}
	s.refuses(t, insert, product, "NL", true)
	s.refuses(t, `DELETE FROM plans WHERE id = $1`, other)
	if n := s.count(t, `SELECT count(*) FROM plan_locations WHERE allowed`); n != 1 {
		t.Errorf("%d are allowed, want 1", n)
	}
	if n := s.count(t, `SELECT count(*) FROM plans WHERE NOT auto_assigned`); n != 2 {
		t.Errorf("%d plans are not automatic, want both", n)
	}
}

func statuses(t *testing.T, s *store) {
	const insert = `INSERT INTO subscriptions (id, tenant_id, product_id, status, starts_at, live_since, cancelled_at, created_at, updated_at, version)
		VALUES ($1, $2, $3, $4, 1, $5, $6, 1, 1, 1)`
	for i, c := range []struct {
		status          string
		live, cancelled any
		kept            bool
	}{
		{"SCHEDULED", nil, nil, true}, {"ENABLED", 1, nil, true}, {"WARNING", 1, nil, true}, {"SUSPENDED", 1, nil, true},
		{"LOCKED_OUT", 1, nil, true}, {"CANCELLED", 1, 2, true}, {"CANCELLED", nil, 2, true}, // before it began
		{"SCHEDULED", 1, nil, false}, {"CANCELLED", 1, nil, false}, {"ENABLED", 1, 2, false}, {"EXPIRED", 1, nil, false}, {"enabled", 1, nil, false},
	} {
		if err := s.try(t, insert, key(5, i), tenant(1), product, c.status, c.live, c.cancelled); (err == nil) != c.kept {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func terms(t *testing.T, s *store) {
	const day = 24 * 60 * 60 * 1_000_000
	for column, value := range map[string]int{"loss_threshold": 100, "grace_period": 30 * day, "suspension_period": 90 * day, "deleted_user_retention": 30 * day} {
		if n := s.count(t, `SELECT count(*) FROM tenants WHERE `+column+` = $1`, value); n != 2 {
			t.Errorf("%s is not %d for both tenants", column, value)
		}
		s.must(t, `UPDATE tenants SET `+column+` = 0`)
		s.refuses(t, `UPDATE tenants SET `+column+` = -1`)
	}
}

func auditNumbers(t *testing.T, s *store) {
	const insert = `INSERT INTO audit_events (id, tenant_id, sequence, occurred_at, actor_kind, actor, action, summary, subjects, fields, products)
		VALUES ($1, $2, $3, 1, 'SYSTEM', 'x', 'user.create', '', '[]', '[]', '[]')`
	s.must(t, insert, key(6, 1), tenant(1), 1)
	s.refuses(t, insert, key(6, 2), tenant(1), 1)
	s.must(t, insert, key(6, 2), tenant(2), 1)
}

func order(t *testing.T, s *store) {
	want := []string{"", "-", "1", "A", "Z", "_", "a", "a b", "ab", "z", "ß", "é", "ж", "中", "😀"}
	for i, name := range want {
		s.must(t, insertUser, user(100+i), tenant(1), "k"+name)
	}
	rows, err := s.Reader().QueryContext(t.Context(), `SELECT display_name FROM users WHERE tenant_id = $1 AND display_name_key >= 'k' ORDER BY display_name_key DESC`, tenant(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var got []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		got = append(got, name[1:])
	}
	slices.Reverse(got)
	if err := rows.Err(); err != nil || !slices.Equal(got, want) {
		t.Errorf("ordered %q (%v), want %q", got, err, want)
	}
}

func values(t *testing.T, s *store) {
	const name = "Zoë 😀 \\ ' \" \u202e"
	s.must(t, `UPDATE users SET display_name = $2, created_at = $3 WHERE id = $1`, user(1), name, int64(1<<62+1))
	u, err := s.Ent().User.Get(t.Context(), user(1))
	if err != nil {
		t.Fatal(err)
	}
	if u.DisplayName != name || u.CreatedAt != 1<<62+1 || u.DeletedAt != nil || u.Mail != nil || !u.AccountEnabled {
		t.Errorf("read %+v", u)
	}
	s.must(t, `INSERT INTO subscriptions (id, tenant_id, product_id, seats, status, created_at, updated_at, version) VALUES ($1, $2, $3, $4, 'ENABLED', 1, 1, 1)`,
		key(5, 1), tenant(1), product, 1<<31-1)
	s.must(t, `INSERT INTO subscriptions (id, tenant_id, product_id, seats, status, created_at, updated_at, version) VALUES ($1, $2, $3, NULL, 'ENABLED', 1, 1, 1)`,
		key(5, 2), tenant(1), product)
	limited, err := s.Ent().Subscription.Get(t.Context(), key(5, 1))
	if err != nil || limited.Seats == nil || *limited.Seats != 1<<31-1 {
		t.Errorf("read %+v, %v", limited, err)
	}
	unlimited, err := s.Ent().Subscription.Get(t.Context(), key(5, 2))
	if err != nil || unlimited.Seats != nil {
		t.Errorf("read %+v, %v", unlimited, err)
	}
}

func rollback(t *testing.T, s *store) {
	failed := errors.New("no")
	err := s.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE tenants SET audit_sequence = audit_sequence + 1`); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v, want what the change returned", err)
	}
	if n := s.count(t, `SELECT sum(audit_sequence) FROM tenants`); n != 0 {
		t.Errorf("the numbers add up to %d, want 0", n)
	}
}

func lists(t *testing.T, s *store) {
	d := s.Dialect()
	for _, n := range []int{0, 1, 70_000} { // beyond the parameters that a statement can have
		ids := make([]uuid.UUID, n)
		for i := range ids {
			ids[i] = user(i + 1)
		}
		if got, want := s.count(t, `SELECT count(*) FROM users WHERE `+d.In("id", 1), d.UUIDArray(ids)), min(n, 2); got != want {
			t.Errorf("a list of %d finds %d users, want %d", n, got, want)
		}
	}
}
