package bench_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/bench"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// state is all rows of what a tenant consists of, in a number that differs where they do.
var state = []string{
	`SELECT count(*), sum(length(user_principal_name || display_name || coalesce(usage_location, ''))), min(id), max(id) FROM users`,
	`SELECT count(*), sum(length(display_name)), min(id), max(id) FROM groups`,
	`SELECT count(*), count(DISTINCT user_id), count(DISTINCT group_id), min(user_id) FROM memberships`,
	`SELECT count(*), count(DISTINCT parent_id), min(child_id), max(child_id) FROM nestings`,
	`SELECT count(*), sum(length(plans)), min(id), max(id) FROM assignments`,
	`SELECT count(*), sum(seats), min(id), max(id) FROM subscriptions`,
	`SELECT count(*), count(DISTINCT code), min(user_id), max(user_id) FROM license_violations`,
	`SELECT sum(consumed), sum(waiting), sum(in_error), count(*) FROM seat_counters`,
	`SELECT count(*), count(DISTINCT plan_id), min(product_id), max(plan_id) FROM product_plans`,
}

func TestTheSameSeedMakesTheSameTenantThatHoldsEveryRuleR17(t *testing.T) {
	var first []string
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		made, err := bench.Generate(t.Context(), db, bench.Options{Users: 2_000, Seed: 7}) // verifies R17
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, query := range state {
			got = append(got, row(t, db, query))
		}
		if first == nil {
			first = got
		}
		for i, text := range got {
			if text != first[i] {
				t.Errorf("%s\n%s, before %s", state[i], text, first[i])
			}
		}
		found, err := bench.Find(t.Context(), db, 2_000, 7)
		if err != nil || found == nil || found.ID != made.ID {
			t.Errorf("found %v, %v", found, err)
		}
		if other, err := bench.Find(t.Context(), db, 2_000, 8); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("another seed: %v, %v", other, err)
		}
	})
}

func TestATenantHasWhatIsMeasured(t *testing.T) {
	db := dbtest.Open(t, database.SQLite, database.Options{})
	if _, err := bench.Generate(t.Context(), db, bench.Options{Users: 10_000, Seed: 1, SkipVerify: true}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][2]int{
		`SELECT count(*) FROM users`:              {10_000, 10_000},
		`SELECT max(members) FROM group_counters`: {9_800, 9_800},
		`SELECT count(*) FROM memberships`:        {73_000, 80_000},
		`SELECT count(*) FROM products`:           {200, 200},
		`SELECT min(n) FROM (SELECT count(*) AS n FROM product_plans GROUP BY product_id) AS x`:                                                                                         {5, 5},
		`SELECT max(n) FROM (SELECT count(*) AS n FROM product_plans GROUP BY product_id) AS x`:                                                                                         {111, 111},
		`SELECT count(*) FROM assignments a JOIN tenants t ON t.id = a.tenant_id WHERE group_id IS NOT NULL AND t.name NOT LIKE '%graph'`:                                               {72, 72},
		`SELECT count(*) FROM assignments a JOIN tenants t ON t.id = a.tenant_id WHERE t.name LIKE '%graph'`:                                                                            {1_000, 1_000},
		`SELECT count(*) FROM assignments WHERE user_id IS NOT NULL`:                                                                                                                    {450, 500},
		`SELECT max(waiting) FROM seat_counters`:                                                                                                                                        {1_960, 1_960},
		`SELECT max(n) FROM (SELECT count(*) AS n FROM assignments WHERE group_id IS NOT NULL GROUP BY tenant_id, product_id) AS x`:                                                     {32, 32},
		`SELECT count(DISTINCT exclusion_set_id) FROM exclusion_set_plans`:                                                                                                              {8, 8},
		`SELECT count(*) FROM nestings n1 JOIN nestings n2 ON n2.parent_id = n1.child_id JOIN nestings n3 ON n3.parent_id = n2.child_id`:                                                {1, 100_000},
		`SELECT count(*) FROM nestings n1 JOIN nestings n2 ON n2.parent_id = n1.child_id JOIN nestings n3 ON n3.parent_id = n2.child_id JOIN nestings n4 ON n4.parent_id = n3.child_id`: {0, 0},
	} {
		var n int
		if err := db.Reader().QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if n < want[0] || n > want[1] {
			t.Errorf("%s: %d, want %d to %d", query, n, want[0], want[1])
		}
	}
}

func TestATenantTooSmallIsRefused(t *testing.T) {
	if _, err := bench.Generate(t.Context(), dbtest.Open(t, database.SQLite, database.Options{}), bench.Options{Users: bench.MinUsers - 1}); err == nil {
		t.Error("it is made")
	}
}

func row(t *testing.T, db *database.DB, query string) string {
	t.Helper()
	var a, b, c, d any
	// PostgreSQL has no least and greatest UUID: as texts they compare as on SQLite.
	if db.Dialect() == database.Postgres {
		query = asText.Replace(query)
	}
	if err := db.Reader().QueryRowContext(t.Context(), query).Scan(&a, &b, &c, &d); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprintf("%s %s %s %s", text(a), text(b), text(c), text(d))
}

var asText = func() *strings.Replacer {
	var pairs []string
	for _, column := range []string{"id", "user_id", "child_id", "product_id", "plan_id"} {
		for _, f := range []string{"min", "max"} {
			pairs = append(pairs, f+"("+column+")", f+"("+column+"::text)")
		}
	}
	return strings.NewReplacer(pairs...)
}()

func text(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}
