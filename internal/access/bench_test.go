package access_test

import (
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// BenchmarkVerify checks a token: one that was checked within the last second, and one that the
// database is asked for.
func BenchmarkVerify(b *testing.B) {
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		db := dbtest.Open(b, dialect, database.Options{})
		at := clock.NewManual(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))
		tenants, err := tenant.New(tenant.Config{DB: db, Clock: at, NewID: id.NewV7})
		if err != nil {
			b.Fatal(err)
		}
		acme, err := tenants.Create(b.Context(), "Acme", "US")
		if err != nil {
			b.Fatal(err)
		}
		tokens, err := access.New(access.Config{DB: db, Clock: at, NewID: id.NewV7})
		if err != nil {
			b.Fatal(err)
		}
		text, _, err := tokens.Create(b.Context(), acme.ID, access.NewToken{Name: "bench", Role: access.GlobalReader})
		if err != nil {
			b.Fatal(err)
		}
		for name, passes := range map[string]time.Duration{"known": 0, "looked-up": time.Hour} {
			b.Run(string(dialect)+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					at.Advance(passes)
					if _, err := tokens.Verify(b.Context(), text); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
