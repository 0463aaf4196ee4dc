package licensing_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
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

// Two changes of one user in an organisation where many wait for a seat of a product, whose assignment has
// neither limit nor reserve, or one of them. The user joins and leaves a group that has nothing to do with
// it, or hands the seat on: then, with a limit or a reserve, all who wait are part of the change (R8).
func BenchmarkOneUserBesideALine(b *testing.B) {
	for _, waiting := range []int{1_000, 10_000, 100_000} {
		for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
			s := newSample(b, dbtest.Open(b, dialect, database.Options{}), waiting+1)
			s.exec(b, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '`+s.group.String()+`', id, 1 FROM users`)
			s.exec(b, fmt.Sprintf(`UPDATE group_counters SET members = %d`, waiting+1))
			s.subscribe(b, ptr(1))
			other, holder := numbered(7, 7), 0
			s.change(b, func(d *licensing.Draft) error {
				d.CreateGroup(&principal.Group{ID: other, DisplayName: "Other", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
				return nil
			})
			for _, c := range []struct {
				name string
				in   licensing.LicenseInput
			}{
				{"plain", licensing.LicenseInput{}},
				{"limit", licensing.LicenseInput{SeatLimit: optional.Of(waiting)}},
				{"reserve", licensing.LicenseInput{SeatLimit: optional.Null[int](), SeatReserve: optional.Of(2)}},
			} {
				c.in.Product = s.sku
				in := licensing.AssignInput{Principals: []licensing.PrincipalRef{{Kind: id.Group, ID: s.group}}, Add: []licensing.LicenseInput{c.in}}
				if _, err := s.counts.Assign(b.Context(), s.tenant, in); err != nil {
					b.Fatal(err)
				}
				if dialect == database.Postgres {
					s.exec(b, `ANALYZE`)
				}
				b.Run(fmt.Sprintf("another group/%d waiting/%s/%s", waiting, dialect, c.name), func(b *testing.B) {
					for b.Loop() {
						s.change(b, func(d *licensing.Draft) error { d.AddMember(other, numbered(4, 1)); return nil })
						s.change(b, func(d *licensing.Draft) error { d.RemoveMember(other, numbered(4, 1)); return nil })
					}
				})
				if waiting > 10_000 {
					continue // the seat goes from hand to hand in seconds
				}
				b.Run(fmt.Sprintf("the seat/%d waiting/%s/%s", waiting, dialect, c.name), func(b *testing.B) {
					for b.Loop() {
						holder++
						s.change(b, func(d *licensing.Draft) error { d.RemoveMember(s.group, numbered(4, holder)); return nil })
						s.change(b, func(d *licensing.Draft) error { d.AddMember(s.group, numbered(4, holder)); return nil })
					}
				})
			}
		}
	}
}
