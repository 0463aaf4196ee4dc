package licensing_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// BenchmarkReads reads users with their licenses, the first page of 500 who wait for a seat, and
// the graph of a tenant from the database.
func BenchmarkReads(b *testing.B) {
	const users, seats = 1_000, 500
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		s := newSample(b, dbtest.Open(b, dialect, database.Options{}), users)
		s.exec(b, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '`+s.group.String()+`', id, 1 FROM users`)
		s.exec(b, fmt.Sprintf(`UPDATE group_counters SET members = %d`, users))
		n := seats
		s.subscribe(b, &n)
		if _, err := s.assignTo(b.Context(), licensing.PrincipalRef{Kind: id.Group, ID: s.group}); err != nil {
			b.Fatal(err)
		}
		for _, n := range []int{1, 100} {
			ids := make([]uuid.UUID, n)
			for i := range ids {
				ids[i] = numbered(4, i+1)
			}
			b.Run(fmt.Sprintf("%s/users-%d", dialect, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.service.ReadUsers(b.Context(), s.tenant, ids); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(string(dialect)+"/waiting", func(b *testing.B) {
			first := 100
			b.ReportAllocs()
			for b.Loop() {
				page, err := s.service.WaitingFor(b.Context(), s.tenant, s.sku, paging.Args{First: &first})
				if err != nil || len(page.Items) != first {
					b.Fatal(len(page.Items), err)
				}
			}
		})
		b.Run(string(dialect)+"/verify", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.service.Verify(b.Context(), s.tenant, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
