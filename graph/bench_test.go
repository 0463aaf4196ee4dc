package graph_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// BenchmarkQueries measures the queries that applications and the dashboard ask most, through
// the executor.
func BenchmarkQueries(b *testing.B) {
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		w := newWorld(b, dbtest.Open(b, dialect, database.Options{}), nil)
		w.staff(100)
		for name, query := range map[string]string{
			"check-a-plan":        `{ checkPlan(userId: "{{user001}}", planId: "{{mail}}") { allowed reason } }`,
			"one-users-licenses":  `{ user(id: "{{user001}}") { displayName ` + licenseFields + ` } }`,
			"a-hundred-users":     `{ users(first: 100) { nodes { displayName licenses { product { displayName } status } } } }`,
			"subscribed-products": `{ subscribedProducts { nodes { product { displayName } seats { total consumed available waiting } } } }`,
		} {
			b.Run(string(dialect)+"/"+name, func(b *testing.B) {
				w.t = b
				for b.Loop() {
					w.do(query, nil)
				}
			})
		}
	}
}
