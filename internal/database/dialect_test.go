package database_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

func ids(n int) []uuid.UUID {
	list := make([]uuid.UUID, n)
	for i := range list {
		list[i] = uuid.New()
	}
	return list
}

func TestOneTextTakesAListOfAnyLength(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := db.Dialect()
		all := ids(70_000) // more than either database has parameters
		if testing.Short() {
			all = all[:3_000]
		}
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO plans (id, service_plan_name, display_name, display_name_key)
				SELECT v.id, 'p', 'P', 'p' FROM `+d.Unnest("v", 1, database.Column{Name: "id", Type: database.UUID}), d.UnnestArgs(all)...)
			return err
		})
		for _, n := range []int{0, 1, len(all)} {
			query := "SELECT count(*) FROM plans WHERE display_name = $2 AND " + d.In("id", 1)
			if got := scalar[int](t, db.Reader(), query, d.UUIDArray(append(ids(3), all[:n]...)), "P"); got != n {
				t.Errorf("%d of %d ids found", got, n)
			}
		}
		if got := scalar[int](t, db.Reader(), "SELECT count(*) FROM plans WHERE "+d.In("id", 1), d.UUIDArray(nil)); got != 0 {
			t.Errorf("an empty list finds %d", got)
		}
	})
}

func TestTextsOfListsAreTakenLiterally(t *testing.T) {
	texts := []string{"", "a,b", `say "hi"`, `back\slash`, "{curly}", "[1]", "NULL", "null", "é 王", "new\nline", "<&>", "'; --"}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := db.Dialect()
		for _, text := range texts {
			query := "SELECT count(*) FROM (SELECT CAST($2 AS text) AS x) AS one WHERE " + d.InText("x", 1)
			others := slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return s == text })
			if got := scalar[int](t, db.Reader(), query, d.TextArray(texts), text); got != 1 {
				t.Errorf("%q is not found in the list", text)
			}
			if got := scalar[int](t, db.Reader(), query, d.TextArray(others), text); got != 0 {
				t.Errorf("%q is found in a list without it", text)
			}
		}
		if got := scalar[int](t, db.Reader(), "SELECT count(*) FROM plans WHERE "+d.InText("display_name", 1), d.TextArray(nil)); got != 0 {
			t.Errorf("an empty list finds %d", got)
		}
	})
}

func TestParallelListsBecomeRows(t *testing.T) {
	users := ids(3)
	plans := []uuid.NullUUID{{UUID: users[1], Valid: true}, {}, {UUID: users[0], Valid: true}}
	since := []clock.Instant{1, -5, 1<<62 + 1}
	codes := []string{"A", `quote " and \`, ""}
	flags := []bool{true, false, true}
	numbers := []int64{7, 8, 9}
	columns := []database.Column{
		{Name: "user_id", Type: database.UUID}, {Name: "plan_id", Type: database.UUID}, {Name: "since", Type: database.BigInt},
		{Name: "code", Type: database.Text}, {Name: "inherited", Type: database.Bool}, {Name: "n", Type: database.BigInt},
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := db.Dialect()
		query := "SELECT v.user_id, v.plan_id, v.since, v.code, v.inherited FROM " + d.Unnest("v", 2, columns...) + " WHERE v.n >= $1 AND v.n <= $8 ORDER BY v.n"
		args := append([]any{7}, d.UnnestArgs(users, plans, since, codes, flags, numbers)...)
		rows, err := db.Reader().QueryContext(t.Context(), query, append(args, 9)...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		n := 0
		for ; rows.Next(); n++ {
			var user uuid.UUID
			var plan uuid.NullUUID
			var at clock.Instant
			var code string
			var inherited bool
			if err := rows.Scan(&user, &plan, &at, &code, &inherited); err != nil {
				t.Fatal(err)
			}
			if user != users[n] || plan != plans[n] || at != since[n] || code != codes[n] || inherited != flags[n] {
				t.Errorf("row %d is %v %v %v %q %v", n, user, plan, at, code, inherited)
			}
		}
		if n != 3 || rows.Err() != nil {
			t.Errorf("%d rows, %v", n, rows.Err())
		}
	})
}

func TestUnequalAndUnknownListsFailTheStatement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := db.Dialect()
		query := "SELECT count(*) FROM " + d.Unnest("v", 1, database.Column{Name: "a", Type: database.BigInt}, database.Column{Name: "b", Type: database.BigInt})
		for want, args := range map[string][]any{
			"has 1 elements": d.UnnestArgs([]int64{1, 2}, []int64{1}),
			"[]float64":      d.UnnestArgs([]int64{1}, []float64{1}),
		} {
			var n int
			err := db.Reader().QueryRowContext(t.Context(), query, args...).Scan(&n)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		}
	})
}

func TestJSONIsAlikeOnBothDatabases(t *testing.T) {
	id := uuid.MustParse("0c1f6b1e-90a5-4a3e-8f0b-5a6f0c9d1e2f")
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := db.Dialect()
		from := d.Unnest("v", 1, database.Column{Name: "id", Type: database.UUID}, database.Column{Name: "n", Type: database.BigInt}, database.Column{Name: "s", Type: database.Text})
		query := "SELECT " + d.JSONAgg(d.JSONArray("v.id", "v.n", "v.s"), "v.n DESC") + ", " + d.JSONAgg("v.id", "") + " FROM " + from
		for _, test := range []struct {
			args       []any
			rows, list string
		}{
			{d.UnnestArgs([]uuid.UUID{id, id}, []int64{1, 1<<62 + 1}, []string{`a "b"`, "é"}),
				`[["` + id.String() + `",4611686018427387905,"é"],["` + id.String() + `",1,"a \"b\""]]`, `["` + id.String() + `","` + id.String() + `"]`},
			{d.UnnestArgs([]uuid.UUID{}, []int64{}, []string{}), "[]", "[]"},
		} {
			var rows, list []byte
			if err := db.Reader().QueryRowContext(t.Context(), query, test.args...).Scan(&rows, &list); err != nil {
				t.Fatal(err)
			}
			if compact(t, rows) != test.rows || compact(t, list) != test.list {
				t.Errorf("rows %s, list %s", compact(t, rows), compact(t, list))
			}
		}
	})
}

func compact(t *testing.T, b []byte) string {
	t.Helper()
	var v []json.RawMessage
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestKeysAreOrderedByByteOnBothDatabases(t *testing.T) {
	words := []string{"zebra", "Zebra", "a b", "ab", "a-b", "é", "e", "ｚ", "王", "\U0001F600", "~", "a"}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := db.Dialect()
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO plans (id, service_plan_name, display_name, display_name_key)
				SELECT v.id, v.k, v.k, v.k FROM `+d.Unnest("v", 1, database.Column{Name: "id", Type: database.UUID}, database.Column{Name: "k", Type: database.Text}),
				d.UnnestArgs(ids(len(words)), words)...)
			return err
		})
		plans, err := db.Ent().Plan.Query().Order(func(s *entsql.Selector) { s.OrderBy("display_name_key") }).All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range plans {
			got = append(got, p.DisplayNameKey)
		}
		if want := slices.Sorted(slices.Values(words)); !slices.Equal(got, want) {
			t.Errorf("order %q, want %q", got, want)
		}
	})
}

func write(t testing.TB, db *database.DB, fn func(ctx context.Context, tx *database.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func scalar[T any](t testing.TB, q database.Querier, query string, args ...any) (v T) {
	t.Helper()
	if err := q.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}
