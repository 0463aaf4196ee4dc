package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// queueing is one row that waits for a seat, as both orders see it.
type queueing struct {
	user, principal, assignment uuid.UUID
	inherited                   bool
	priority                    int64
	since, created              clock.Instant
}

func (q queueing) key(sku uuid.UUID) engine.Key {
	return engine.Key{
		Direct: !q.inherited, Priority: q.priority, Since: int64(q.since), Created: int64(q.created), Sku: sku, User: q.user, Principal: q.principal, Plan: engine.Whole,
	}
}

// lineOf is a tenant with users, groups and an assignment of one product to each of them. Their
// ids differ in high bits, by which signed, textual and byte order part.
type lineOf struct {
	*sample
	users, groups []uuid.UUID
	assignments   map[uuid.UUID]uuid.UUID // by principal
}

func newLine(t testing.TB, db *database.DB) *lineOf {
	l := &lineOf{sample: newSample(t, db, 0), assignments: map[uuid.UUID]uuid.UUID{}}
	for _, head := range []string{"0a", "10", "7f", "80", "9c", "ff"} {
		user, group := uuid.MustParse(head+"0000c4-0000-7000-8000-000000000001"), uuid.MustParse(head+"0000c4-0000-7000-8000-000000000002")
		l.users, l.groups = append(l.users, user), append(l.groups, group)
		l.exec(t, `INSERT INTO users (id, tenant_id, user_principal_name, user_principal_name_key, display_name, display_name_key, user_type,
			account_enabled, created_at, updated_at, version) VALUES ($1, $2, $3, $3, $3, $3, 'MEMBER', true, 1, 1, 1)`, user, l.tenant, head)
		l.exec(t, `INSERT INTO groups (id, tenant_id, display_name, display_name_key, search_key, created_at, updated_at, version)
			VALUES ($1, $2, $3, $3, $3, 1, 1, 1)`, group, l.tenant, head)
		for column, principal := range map[string]uuid.UUID{"user_id": user, "group_id": group} {
			l.assignments[principal] = uuid.New()
			l.exec(t, `INSERT INTO assignments (id, tenant_id, `+column+`, product_id, mode, plans, include_nested, created_at, updated_at, version)
				VALUES ($1, $2, $3, $4, 'ALL', '[]', true, 1, 1, 1)`, l.assignments[principal], l.tenant, principal, l.sku)
		}
	}
	return l
}

// put makes these rows, and no others, the line of the product.
func (l *lineOf) put(t interface{ Fatal(...any) }, rows []queueing) {
	err := l.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM license_violations`); err != nil {
			return err
		}
		for _, r := range rows {
			_, err := tx.ExecContext(ctx, `INSERT INTO license_violations
				(tenant_id, user_id, assignment_id, code, since, opened_by, product_id, principal_id, inherited, rank, assignment_created_at)
				VALUES ($1, $2, $3, 'COUNT_VIOLATION', $4, $5, $6, $7, $8, $9, $10)`,
				l.tenant, r.user, r.assignment, r.since, uuid.Nil, l.sku, r.principal, r.inherited, -r.priority, r.created)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// stored reads the line in the order of the database.
func (l *lineOf) stored(t *rapid.T) []queueing {
	rows, err := l.db.Reader().QueryContext(t.Context(), `SELECT v.user_id, v.principal_id, v.assignment_id, v.inherited, -v.rank, v.since, v.assignment_created_at
		FROM license_violations v WHERE v.tenant_id = $1 AND v.product_id = $2 AND v.plan_id IS NULL AND v.code = 'COUNT_VIOLATION'
		ORDER BY `+licensing.WaitingOrder, l.tenant, l.sku)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []queueing
	for rows.Next() {
		var q queueing
		if err := rows.Scan(&q.user, &q.principal, &q.assignment, &q.inherited, &q.priority, &q.since, &q.created); err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// The one order stands in Go and in SQL, and on both databases they say the same; the places
// shown are those of each user's first row in it.
func TestOrderOfWaitingInSQLIsThatOfTheEngineR5(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		l := newLine(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			var rows []queueing
			for _, user := range l.users {
				for _, principal := range append([]uuid.UUID{user}, l.groups...) {
					if !rapid.Bool().Draw(rt, "waits") {
						continue
					}
					instant := func(label string) clock.Instant { return clock.Instant(rapid.Int64Range(1, 3).Draw(rt, label)) }
					rows = append(rows, queueing{
						user: user, principal: principal, assignment: l.assignments[principal], inherited: principal != user,
						priority: rapid.Int64Range(-1, 1).Draw(rt, "priority"), since: instant("since"), created: instant("created"),
					})
				}
			}
			l.put(rt, rapid.Permutation(rows).Draw(rt, "order of insertion"))
			slices.SortFunc(rows, func(a, b queueing) int {
				x, y := a.key(l.sku), b.key(l.sku)
				switch {
				case engine.Less(&x, &y):
					return -1
				case engine.Less(&y, &x):
					return 1
				}
				rt.Fatalf("the engine does not tell %+v and %+v apart", a, b)
				return 0
			})
			if got := l.stored(rt); !slices.Equal(got, rows) {
				rt.Fatalf("the database has the order\n  %s\nthe engine\n  %s", list(got), list(rows))
			}

			var inLine []uuid.UUID
			for _, r := range rows {
				if !slices.Contains(inLine, r.user) {
					inLine = append(inLine, r.user)
				}
			}
			shown, err := l.service.WaitingFor(rt.Context(), l.tenant, l.sku, paging.Args{})
			if err != nil {
				rt.Fatal(err)
			}
			if len(shown.Items) != len(inLine) {
				rt.Fatalf("%d users are in line, want %d", len(shown.Items), len(inLine))
			}
			for i, w := range shown.Items {
				if w.UserID != inLine[i] || w.Place != i+1 {
					rt.Fatalf("place %d is shown as %d, of user %s, want user %s", i+1, w.Place, w.UserID, inLine[i])
				}
			}
		})
	})
}

func list(rows []queueing) string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = fmt.Sprintf("inherited %v priority %d since %d created %d user %s principal %s", r.inherited, r.priority, r.since, r.created, r.user, r.principal)
	}
	return strings.Join(lines, "\n  ")
}
