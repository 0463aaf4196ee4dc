package licensing_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// Assigning a product to a group of 100,000 and taking it away again: counted in SQL, and
// settled by cases. Compare the two of one run.
func BenchmarkLargeGroup(b *testing.B) {
	const members = 100_000
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		s := newSample(b, dbtest.Open(b, dialect, database.Options{}), members)
		s.exec(b, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '`+s.group.String()+`', id, 1 FROM users`)
		s.exec(b, fmt.Sprintf(`UPDATE group_counters SET members = %d`, members))
		if dialect == database.Postgres {
			s.exec(b, `ANALYZE`)
		}
		s.subscribe(b, nil)
		ref := licensing.PrincipalRef{Kind: id.Group, ID: s.group}
		for name, service := range map[string]*licensing.Service{"counting": s.counts, "cases": s.byCases} {
			b.Run(string(dialect)+"/"+name, func(b *testing.B) {
				ctx := licensing.WithChangeList(b.Context(), licensing.ChangeList{Skip: true})
				for b.Loop() {
					for _, in := range []licensing.AssignInput{{Add: []licensing.LicenseInput{{Product: s.sku}}}, {Remove: []uuid.UUID{s.sku}}} {
						in.Principals = []licensing.PrincipalRef{ref}
						out, err := service.Assign(ctx, s.tenant, in)
						if err != nil || !out.Changed {
							b.Fatal(out, err)
						}
					}
				}
			})
		}
	}
}
