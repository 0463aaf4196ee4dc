package audit_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// benchEvents is how many events BenchmarkLog works on: go test ./internal/audit -bench Log -events N.
var benchEvents = flag.Int("events", 10_000, "how many events BenchmarkLog works on")

// BenchmarkLog reads and verifies a log in which every event names one of a thousand users, one of
// ten groups and a product.
func BenchmarkLog(b *testing.B) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		b.Run(string(d), func(b *testing.B) {
			db := dbtest.Open(b, d, database.Options{})
			acme := fillLog(b, db, *benchEvents)
			log := audit.NewLog(db)
			user, middle := id.Format(id.User, uuid.UUID{1}), clock.FromTime(start)+clock.Instant(*benchEvents/2)
			for name, f := range map[string]audit.Filter{
				"all": {}, "user": {Named: []string{user}}, "user and group": {Named: []string{user, id.Format(id.Group, uuid.UUID{1})}},
				"user and time": {Named: []string{user}, Until: &middle}, "time": {Until: &middle}, "rare action": {Actions: []audit.Action{audit.AuditPrune}},
				"rare actions": {Actions: []audit.Action{audit.AuditPrune, audit.GroupDelete}}, "rare actor": {Actor: new("nobody")}, "system": {ActorKind: new(audit.ActorSystem)},
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if _, err := log.Page(b.Context(), acme, f, paging.Args{}); err != nil {
							b.Fatal(err)
						}
						if _, err := log.Count(b.Context(), acme, f); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run("verify", func(b *testing.B) {
				for b.Loop() {
					err := db.Snapshot(b.Context(), func(ctx context.Context, tx *database.Tx) error {
						v, err := audit.Verify(ctx, tx, acme, nil)
						if err == nil && len(v.Findings) > 0 {
							return fmt.Errorf("found %v", v.Findings)
						}
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func fillLog(b *testing.B, db *database.DB, events int) uuid.UUID {
	b.Helper()
	began := time.Now()
	acme := uuid.New()
	err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO tenants (id, name, name_key, country, last_instant, created_at) VALUES ($1, 'Acme', 'acme', 'NL', 0, 0)`, acme)
		return err
	})
	var head audit.Head
	for done := 0; done < events && err == nil; done += 1000 {
		err = db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
			at := head
			for n := range 1000 {
				n += done
				e := &audit.Event{
					ID: uuid.New(), OccurredAt: clock.FromTime(start) + clock.Instant(n), Action: audit.GroupMembersChange, Actor: audit.Actor{Kind: audit.ActorToken, Name: "ci", RequestID: uuid.NewString()},
					Summary:  "Added 1 member to a group.",
					Subjects: []audit.Subject{{ID: id.Format(id.Group, uuid.UUID{byte(n % 10)}), Name: "Team"}, {ID: id.Format(id.User, uuid.UUID{1, byte(n % 1000), byte(n % 1000 >> 8)}), Name: "Anna"}},
					Products: []audit.ProductImpact{{ProductID: id.Format(id.Product, uuid.UUID{1}), ProductName: "Suite", UsersGaining: 1}},
				}
				s, err := audit.Seal(acme, at, e)
				if err == nil {
					err = s.Insert(ctx, tx)
				}
				if err != nil {
					return err
				}
				at = audit.Head{Sequence: s.Sequence(), Last: s.Hash()}
			}
			_, err := tx.ExecContext(ctx, `UPDATE tenants SET audit_sequence = $2, audit_hash = $3 WHERE id = $1`, acme, at.Sequence, at.Last[:])
			head = at
			return err
		})
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d events written in %s", events, time.Since(began))
	return acme
}
