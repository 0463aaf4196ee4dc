package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// numbered is a readable id: kind and number.
func numbered(kind byte, n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%02x000000-0000-7000-8000-%012x", kind, n))
}

// sample is a product with two plans in a tenant with some users and a group.
type sample struct {
	*product
	sku, plan, other uuid.UUID
	group            uuid.UUID
}

func newSample(t testing.TB, db *database.DB, users int) *sample {
	t.Helper()
	s := &sample{product: newProduct(t, db), sku: numbered(1, 1), plan: numbered(2, 1), other: numbered(2, 2), group: numbered(3, 1)}
	op := oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{s.sku: oracle.SetOf(s.plan, s.other)}}
	if _, _, err := s.changeCatalogue(t.Context(), op, oracle.New(), false); err != nil {
		t.Fatal(err)
	}
	s.fill(t, users)
	s.change(t, func(d *licensing.Draft) error {
		d.CreateGroup(&principal.Group{ID: s.group, DisplayName: "Everybody", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
		return nil
	})
	return s
}

// fill makes users by one statement: users without memberships are no licensing facts.
func (s *sample) fill(t testing.TB, users int) {
	t.Helper()
	numbers, key := fmt.Sprintf("generate_series(1, %d) AS g(n)", users), `('04000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`
	if s.db.Dialect() == database.SQLite {
		numbers = fmt.Sprintf("(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %d) SELECT n FROM g)", users)
		key = `printf('04000000-0000-7000-8000-%012x', n)`
	}
	s.exec(t, `INSERT INTO users (id, tenant_id, user_principal_name, user_principal_name_key, display_name, display_name_key, user_type,
		usage_location, account_enabled, created_at, updated_at, version)
		SELECT `+key+`, $1, 'u' || n, 'u' || n, 'U' || n, 'u' || n, 'MEMBER', 'NL', true, 1, 1, 1 FROM `+numbers, s.tenant)
}

func (s *sample) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	err := s.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *sample) number(t testing.TB, query string) int {
	t.Helper()
	var n int
	if err := s.db.Reader().QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *sample) change(t testing.TB, plan func(d *licensing.Draft) error) *licensing.Outcome {
	t.Helper()
	out, err := s.service.Change(t.Context(), s.tenant, licensing.Options{Action: audit.GroupUpdate}, func(_ context.Context, d *licensing.Draft) error { return plan(d) })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *sample) subscribe(t testing.TB, seats *int) {
	t.Helper()
	if _, err := s.service.CreateSubscription(t.Context(), s.tenant, licensing.CreateSubscriptionInput{Product: s.sku, Seats: seats}); err != nil {
		t.Fatal(err)
	}
}

func (s *sample) assignTo(ctx context.Context, ref licensing.PrincipalRef) (*licensing.AssignOutcome, error) {
	return s.service.Assign(ctx, s.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{ref}, Add: []licensing.LicenseInput{{Product: s.sku}}})
}

func (s *sample) verify(t testing.TB) {
	t.Helper()
	report, err := s.service.Verify(t.Context(), s.tenant, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("verify: %s: %s", p.Rule, p.Message)
	}
}

func TestAssigningToALargeGroupWritesNoRowPerMember(t *testing.T) {
	users := 100_000
	if testing.Short() {
		users = 2_000
	}
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
		s := newSample(t, db, users)
		s.exec(t, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '`+s.group.String()+`', id, 1 FROM users WHERE user_principal_name <> 'u1'`)
		s.exec(t, `UPDATE group_counters SET members = members + `+fmt.Sprint(users-1))
		s.subscribe(t, nil)

		begin := time.Now()
		out, err := s.assignTo(t.Context(), licensing.PrincipalRef{Kind: id.Group, ID: s.group})
		t.Logf("assigned to %d members in %v", users, time.Since(begin))
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Impact.UsersGaining; got != users-1 {
			t.Errorf("%d users gain, want %d", got, users-1)
		}
		for table, most := range map[string]int{"license_violations": 0, "assignments": 1, "seat_counters": 1} {
			if n := s.number(t, "SELECT count(*) FROM "+table); n > most {
				t.Errorf("%d rows in %s, want at most %d", n, table, most)
			}
		}
		if n := s.number(t, "SELECT consumed FROM seat_counters"); n != users-1 {
			t.Errorf("%d seats consumed, want %d", n, users-1)
		}

		version := func() (n int) { return s.number(t, "SELECT version FROM groups") }
		revision := func() (n int) { return s.number(t, "SELECT graph_revision FROM tenants") }
		v, r := version(), revision()
		if _, err := s.service.Graph(t.Context(), s.tenant); err != nil { // loaded once after each change of the graph
			t.Fatal(err)
		}
		st.Reset()
		s.change(t, func(d *licensing.Draft) error {
			d.AddMember(s.group, numbered(4, 1))
			return nil
		})
		if n := st.Count(); n > 14 {
			t.Errorf("adding one member took %d statements:\n%s", n, strings.Join(st.List(), "\n"))
		}
		if version() != v || revision() != r {
			t.Error("adding a member touched the group's version or the graph's revision")
		}
		if n := s.number(t, "SELECT consumed FROM seat_counters"); n != users {
			t.Errorf("%d seats consumed, want %d", n, users)
		}
		s.verify(t)
	})
}

// Two hundred at once for ten seats, half of them directly, half through groups: exactly ten
// get one, everybody has an answer.
func TestConcurrentAssignmentsForScarceSeatsEndWithExactlyAllSeatsTaken(t *testing.T) {
	const callers, seats = 200, 10
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSample(t, db, callers)
		ten := seats
		s.subscribe(t, &ten)
		s.change(t, func(d *licensing.Draft) error {
			for n := 1; n <= callers/2; n++ {
				g := numbered(3, 100+n)
				d.CreateGroup(&principal.Group{ID: g, DisplayName: fmt.Sprint("Team ", n), CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
				d.AddMember(g, numbered(4, n))
			}
			return nil
		})
		var wg sync.WaitGroup
		var mu sync.Mutex
		answers := map[string]int{}
		for n := 1; n <= callers; n++ {
			ref := licensing.PrincipalRef{Kind: id.User, ID: numbered(4, n)}
			if n <= callers/2 {
				ref = licensing.PrincipalRef{Kind: id.Group, ID: numbered(3, 100+n)}
			}
			wg.Go(func() {
				out, err := s.assignTo(t.Context(), ref)
				answer := "stored"
				switch {
				case err != nil:
					answer = "failed: " + err.Error()
				case len(out.Results[0].Errors) > 0:
					answer = "refused: " + string(out.Results[0].Errors[0].Code)
				}
				mu.Lock()
				defer mu.Unlock()
				answers[answer]++
			})
		}
		wg.Wait()
		for answer := range answers {
			if answer != "stored" && answer != "refused: "+string(fault.CountViolation) {
				t.Errorf("%d × %s", answers[answer], answer)
			}
		}
		sp, err := s.service.SubscribedProductsByID(t.Context(), s.tenant, []uuid.UUID{s.sku})
		if err != nil {
			t.Fatal(err)
		}
		if sp[0].Seats.Consumed != seats {
			t.Errorf("%d seats consumed, want %d", sp[0].Seats.Consumed, seats)
		}
		holders := 0
		for n := 1; n <= callers; n++ {
			v, err := s.service.ReadUsers(t.Context(), s.tenant, []uuid.UUID{numbered(4, n)})
			if err != nil {
				t.Fatal(err)
			}
			if l := v[0].License(s.sku); l != nil && l.ConsumesSeat {
				holders++
			}
		}
		if holders != seats {
			t.Errorf("%d users hold the product, want %d", holders, seats)
		}
		s.verify(t)
	})
}

func TestReadingUsersTakesOneStatement(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
		s := newSample(t, db, 100)
		s.subscribe(t, nil)
		s.change(t, func(d *licensing.Draft) error {
			for n := 1; n <= 100; n++ {
				d.AddMember(s.group, numbered(4, n))
			}
			return nil
		})
		if _, err := s.assignTo(t.Context(), licensing.PrincipalRef{Kind: id.Group, ID: s.group}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.service.Graph(t.Context(), s.tenant); err != nil { // loaded once, shared by all
			t.Fatal(err)
		}
		for _, users := range []int{1, 100} {
			ids := make([]uuid.UUID, users)
			for i := range ids {
				ids[i] = numbered(4, i+1)
			}
			st.Reset()
			views, err := s.service.ReadUsers(t.Context(), s.tenant, ids)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range views {
				if len(v.Licenses()) != 1 || !v.Licenses()[0].ConsumesSeat {
					t.Fatalf("user %s lacks the license", v.User.ID)
				}
			}
			if n := st.Count(); n != 1 {
				t.Errorf("%d users took %d statements, want 1", users, n)
			}
		}
	})
}

// A check of everything goes through the users in parts, so that no part of the program holds a
// whole tenant.
func TestVerifyReadsUsersInPartsR17(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
		const users, part = 9_000, 4_000
		s := newSample(t, db, users)
		st.Reset()
		var done []int
		report, err := s.service.Verify(t.Context(), s.tenant, func(n, events int) {
			if events == 0 {
				done = append(done, n)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Problems) > 0 || report.UsersChecked != users {
			t.Errorf("%d users checked, problems: %v", report.UsersChecked, report.Problems)
		}
		if want := []int{part, 2 * part, users}; !slices.Equal(done, want) {
			t.Errorf("users are read in parts that end at %d, want %d", done, want)
		}
		for _, query := range st.List() {
			if strings.Contains(query, "FROM users WHERE") && !strings.Contains(query, "LIMIT") && !strings.Contains(query, "IN (") && !strings.Contains(query, "ANY(") {
				t.Errorf("all users are read at once: %s", query)
			}
		}
	})
}
