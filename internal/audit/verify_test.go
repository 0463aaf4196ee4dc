package audit_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
)

// ledger is a tenant with an audit log, and another one.
type ledger struct {
	*testing.T
	db            *database.DB
	tenant, other uuid.UUID
}

// newLedger writes a log of which every column has values, of which the oldest events were removed
// in two steps, so that there are two checkpoints, and the event that tells of the first one is
// still there. With old ones it begins with as many events from before there was a chain.
func newLedger(t *testing.T, db *database.DB, old, pruned int) *ledger {
	t.Helper()
	l := &ledger{T: t, db: db, tenant: newTenant(t, db, "Acme"), other: newTenant(t, db, "Other")}
	l.write(func(ctx context.Context, tx *database.Tx) error { // so that rows can be given to the other one
		for _, s := range []string{
			`DELETE FROM audit_mentions WHERE tenant_id = $1`, `DELETE FROM audit_events WHERE tenant_id = $1`,
			`UPDATE tenants SET audit_sequence = 0, audit_hash = NULL WHERE id = $1`,
		} {
			if _, err := tx.ExecContext(ctx, s, l.other); err != nil {
				return err
			}
		}
		return nil
	})
	if old > 0 {
		l.write(func(ctx context.Context, tx *database.Tx) error {
			for n := 2; n <= old; n++ {
				if err := audit.Append(ctx, tx, l.tenant, event(n)); err != nil {
					return err
				}
			}
			for _, s := range []string{
				`UPDATE audit_events SET encoding = 0, hash = NULL WHERE tenant_id = $1`,
				`UPDATE tenants SET audit_unchained = audit_sequence, audit_hash = NULL WHERE id = $1`, // as the migration leaves it
			} {
				if _, err := tx.ExecContext(ctx, s, l.tenant); err != nil {
					return err
				}
			}
			return nil
		})
	}
	l.append(8)
	for range 2 {
		if pruned > 0 {
			l.prune(pruned)
		}
	}
	l.append(4)
	return l
}

func event(n int) *audit.Event {
	before, after := "a", fmt.Sprint("b\n\"", n, "\" é")
	user := id.Format(id.User, uuid.UUID{0, byte(n)})
	e := &audit.Event{
		ID: uuid.New(), OccurredAt: clock.FromTime(start.Add(time.Duration(n) * time.Minute)), Action: audit.LicensesAssign,
		Actor: audit.Actor{Kind: audit.ActorToken, Name: fmt.Sprint("token ", n)}, Summary: fmt.Sprint("Assigned ", n, "."),
		Subjects: []audit.Subject{{ID: user, Name: "<Anna>"}},
		Fields:   []audit.FieldChange{{Field: "P of Q of " + user, Before: &before, After: &after, ProductID: id.Format(id.Product, uuid.UUID{1})}},
		Products: []audit.ProductImpact{{ProductID: id.Format(id.Product, uuid.UUID{2}), ProductName: "P", UsersGaining: n}},
	}
	if n%2 == 0 {
		e.Actor.RequestID, e.CauseID = "r", &uuid.UUID{3}
	}
	return e
}

func (l *ledger) write(fn func(ctx context.Context, tx *database.Tx) error) {
	l.Helper()
	if err := l.db.Write(l.Context(), fn); err != nil {
		l.Fatal(err)
	}
}

func (l *ledger) head(ctx context.Context, tx *database.Tx) (head audit.Head, err error) {
	err = tx.QueryRowContext(ctx, `SELECT `+audit.HeadColumns+` FROM tenants t WHERE t.id = $1`, l.tenant).Scan(head.Dest()...)
	return head, err
}

func (l *ledger) append(events int) {
	l.Helper()
	l.write(func(ctx context.Context, tx *database.Tx) error {
		head, err := l.head(ctx, tx)
		for n := range events {
			if err == nil {
				err = audit.Append(ctx, tx, l.tenant, event(int(head.Sequence)+1+n))
			}
		}
		return err
	})
}

// prune removes the oldest events.
func (l *ledger) prune(events int) {
	l.Helper()
	l.write(func(ctx context.Context, tx *database.Tx) error { return l.pruneIn(ctx, tx, events) })
}

func (l *ledger) pruneIn(ctx context.Context, tx *database.Tx, events int) error {
	head, err := l.head(ctx, tx)
	if err != nil {
		return err
	}
	now := clock.FromTime(start.Add(time.Duration(head.Sequence+1) * time.Minute))
	p, err := audit.PreparePruning(ctx, tx, l.tenant, head, now, now, events)
	if err != nil {
		return err
	}
	e := event(int(head.Sequence + 1))
	e.Action, e.Fields = audit.AuditPrune, p.Fields
	if err := p.Write(ctx, tx, l.tenant); err != nil {
		return err
	}
	return audit.Append(ctx, tx, l.tenant, e)
}

// tamper does something to the database, tells what a verification of either tenant finds, and
// undoes it.
func (l *ledger) tamper(statements ...string) (found []audit.Finding) {
	l.Helper()
	l.write(func(ctx context.Context, tx *database.Tx) error {
		found = nil
		for _, s := range statements {
			result, err := tx.ExecContext(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				return fmt.Errorf("%s: %d rows, %w", s, n, err)
			}
		}
		for _, tenant := range []uuid.UUID{l.tenant, l.other} {
			v, err := audit.Verify(ctx, tx, tenant, nil)
			if err != nil {
				return err
			}
			found = append(found, v.Findings...)
		}
		return database.ErrRollback
	})
	return found
}

// sequences are the numbers of a table's rows, in order.
func (l *ledger) sequences(table, column string) []int64 {
	l.Helper()
	all, err := database.Values[int64](l.Context(), l.db.Reader(), `SELECT DISTINCT `+column+` FROM `+table+` WHERE tenant_id = $1 ORDER BY 1`, l.tenant)
	if err != nil {
		l.Fatal(err)
	}
	return all
}

// blob is a literal of 32 bytes that no hash is.
func (l *ledger) blob() string {
	if l.db.Dialect() == database.Postgres {
		return "'0123456789abcdef0123456789abcdef'::bytea"
	}
	return "CAST('0123456789abcdef0123456789abcdef' AS blob)"
}

// others are expressions of which each gives a column another value than it has.
func (l *ledger) others(c *schema.Column) []string {
	switch {
	case c.Name == "tenant_id":
		return []string{"'" + l.other.String() + "'"}
	case c.Name == "sequence" || c.Name == "event_sequence":
		return []string{c.Name + " + 1000"}
	case c.Name == "cause_id" || c.Name == "id":
		return []string{"CAST('" + uuid.NewString() + "' AS " + l.db.Dialect().UUIDType() + ")"}
	case c.Name == "hash" || c.Name == "seal" || c.Name == "audit_hash":
		return []string{l.blob()}
	case c.Name == "request_id":
		return []string{"'another'", "''"}
	case c.Type == field.TypeString:
		return []string{c.Name + " || ' '", "'[ ]'"}
	case c.Type == field.TypeInt64:
		return []string{c.Name + " + 1", c.Name + " - 1"}
	}
	l.Fatalf("%s has the type %s", c.Name, c.Type)
	return nil
}

// TestEveryTamperingWithTheAuditLogIsFoundR28 changes, one at a time, every column of every row,
// takes every row out, puts in rows and lets rows change places.
func TestEveryTamperingWithTheAuditLogIsFoundR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, shape := range map[string][2]int{"from the beginning": {0, 0}, "pruned": {0, 3}, "begun later": {2, 0}, "begun later, pruned in it": {4, 2}, "begun later, pruned beyond": {2, 3}} {
			t.Run(name, func(t *testing.T) {
				t.Cleanup(func() { empty(t, db) })
				l := newLedger(t, db, shape[0], shape[1])
				if found := l.tamper(`UPDATE tenants SET last_instant = last_instant`); len(found) > 0 {
					t.Fatalf("nothing was done, and found is %v", found)
				}
				tampers := slices.Concat(l.changes(int64(shape[0])), l.losses(), l.additions(), l.swaps())
				for _, statements := range tampers {
					if found := l.tamper(statements...); len(found) == 0 {
						t.Errorf("not found: %s", strings.Join(statements, "; "))
					}
				}
				t.Logf("%d tamperings", len(tampers))
			})
		}
	})
}

// changes are changes of single columns: of the tenant's row, of checkpoints, of mentions, and of
// events with a hash.
func (l *ledger) changes(unchained int64) (all [][]string) {
	one := func(format string, args ...any) { all = append(all, []string{fmt.Sprintf(format, args...)}) }
	tables, err := database.Tables(l.db.Dialect())
	if err != nil {
		l.Fatal(err)
	}
	for _, t := range tables {
		for _, c := range t.Columns {
			switch t.Name {
			case "tenants":
				if strings.HasPrefix(c.Name, "audit_") && c.Name != "audit_retention" { // a term of the tenant
					for _, value := range l.others(c) {
						if strings.HasSuffix(value, "- 1") {
							value = "CASE WHEN " + c.Name + " = 0 THEN 7 ELSE " + value + " END"
						}
						one("UPDATE tenants SET %s = %s WHERE id = '%s'", c.Name, value, l.tenant)
					}
				}
			case "audit_events", "audit_checkpoints", "audit_mentions":
				if c.Name == "id" && t.Name != "audit_events" {
					continue // made by the database, and never read
				}
				for _, n := range l.sequences(t.Name, "sequence") {
					if t.Name == "audit_events" && n <= unchained && c.Name != "sequence" && c.Name != "tenant_id" && c.Name != "hash" && c.Name != "encoding" {
						continue // it has no hash
					}
					for _, value := range l.others(c) {
						where := fmt.Sprintf("tenant_id = '%s' AND sequence = %d", l.tenant, n)
						if t.Name == "audit_mentions" { // one of several
							where += fmt.Sprintf(" AND node = (SELECT min(node) FROM audit_mentions WHERE %s)", where)
						}
						one("UPDATE %s SET %s = %s WHERE %s", t.Name, c.Name, value, where)
						if c.Nullable {
							one("UPDATE %[1]s SET %[2]s = CASE WHEN %[2]s IS NULL THEN %[3]s END WHERE %[4]s", t.Name, c.Name, value, where)
						}
					}
				}
			}
		}
	}
	one("UPDATE tenants SET audit_hash = CASE WHEN audit_hash IS NULL THEN %s END WHERE id = '%s'", l.blob(), l.tenant)
	return all
}

// losses are rows that go: each alone, and all of the events up to one or from one on.
func (l *ledger) losses() (all [][]string) {
	for _, table := range []string{"audit_events", "audit_checkpoints", "audit_mentions"} {
		for _, n := range l.sequences(table, "sequence") {
			for _, rows := range []string{"sequence =", "sequence <=", "sequence >="} {
				all = append(all, []string{fmt.Sprintf("DELETE FROM %s WHERE tenant_id = '%s' AND %s %d", table, l.tenant, rows, n)})
			}
		}
	}
	events := l.sequences("audit_events", "sequence")
	for _, n := range []int64{events[0], events[len(events)-1]} { // with what is found by it
		all = append(all, []string{
			fmt.Sprintf("DELETE FROM audit_mentions WHERE tenant_id = '%s' AND sequence = %d", l.tenant, n),
			fmt.Sprintf("DELETE FROM audit_events WHERE tenant_id = '%s' AND sequence = %d", l.tenant, n),
		})
	}
	return all
}

// additions are rows that come: copies of an event, of a checkpoint and of a mention, with numbers
// that there are not, or not any more.
func (l *ledger) additions() (all [][]string) {
	events := l.sequences("audit_events", "sequence")
	last := events[len(events)-1]
	numbers := []int64{last + 1, last + 5}
	if events[0] > 1 {
		numbers = append(numbers, 1, events[0]-1)
	}
	for _, n := range numbers {
		all = append(all, []string{fmt.Sprintf(`INSERT INTO audit_events (id, tenant_id, sequence, occurred_at, actor_kind, actor, request_id, action, summary, subjects, fields, products, cause_id, encoding, hash)
			SELECT '%s', tenant_id, %d, occurred_at, actor_kind, actor, request_id, action, summary, '[]', '[]', '[]', cause_id, encoding, hash FROM audit_events
			WHERE tenant_id = '%s' AND sequence = %d`, uuid.New(), n, l.tenant, last)})
		all = append(all, []string{fmt.Sprintf(`INSERT INTO audit_mentions (tenant_id, node, sequence) VALUES ('%s', 'user_x', %d)`, l.tenant, n)})
		if !slices.Contains(l.sequences("audit_checkpoints", "sequence"), n) {
			all = append(all, []string{fmt.Sprintf(`INSERT INTO audit_checkpoints (tenant_id, sequence, hash, occurred_at, events, pruned_at, event_sequence, seal)
				SELECT tenant_id, %d, hash, 1, %d, 1, %d, hash FROM audit_events WHERE tenant_id = '%s' AND hash IS NOT NULL AND sequence = %d`, n, n, last, l.tenant, last)})
		}
	}
	return append(all, []string{fmt.Sprintf(`INSERT INTO audit_mentions (tenant_id, node, sequence) VALUES ('%s', 'user_x', %d)`, l.tenant, last)})
}

// swaps are pairs of rows that change places.
func (l *ledger) swaps() (all [][]string) {
	for _, table := range []string{"audit_events", "audit_checkpoints"} {
		numbers := l.sequences(table, "sequence")
		for i, n := range numbers {
			if i == 0 {
				continue
			}
			to := func(from, to int64) string {
				return fmt.Sprintf("UPDATE %s SET sequence = %d WHERE tenant_id = '%s' AND sequence = %d", table, to, l.tenant, from)
			}
			all = append(all, []string{to(numbers[i-1], 999), to(n, numbers[i-1]), to(999, n)})
			if i > 1 {
				all = append(all, []string{to(numbers[0], 999), to(n, numbers[0]), to(999, n)})
			}
		}
	}
	return all
}

// TestAForgedCheckpointIsFoundR28: the beginning of a log is taken out, and a checkpoint put there whose
// hash is that of the last event taken out, and whose seal is right, so that the rest goes on from it.
func TestAForgedCheckpointIsFoundR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, pruned := range []int{0, 3} {
			l := newLedger(t, db, 0, pruned)
			events := l.sequences("audit_events", "sequence")
			gone, last := events[1], events[len(events)-1]
			hashes, err := database.Values[audit.Hash](t.Context(), db.Reader(), `SELECT hash FROM audit_events WHERE tenant_id = $1 AND sequence = $2
				UNION ALL SELECT seal FROM (SELECT seal FROM audit_checkpoints WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1) c`, l.tenant, gone)
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, audit.Hash{}) // where there is no checkpoint yet
			blob := func(b any) string {
				if db.Dialect() == database.Postgres {
					return fmt.Sprintf(`'\x%x'::bytea`, b)
				}
				return fmt.Sprintf("x'%x'", b)
			}
			for _, tells := range []int64{last, last + 1, gone, events[0]} {
				text := fmt.Sprintf("licensegraph-audit-checkpoint-1\n%s\n", hashes[1])
				for _, part := range []any{id.Format(id.Tenant, l.tenant), 0, gone, hashes[0], 1, gone - events[0] + 1, 1, tells} {
					text += fmt.Sprintf("%d:%v,", len(fmt.Sprint(part)), part)
				}
				found := l.tamper(
					fmt.Sprintf("DELETE FROM audit_mentions WHERE tenant_id = '%s' AND sequence <= %d", l.tenant, gone),
					fmt.Sprintf("DELETE FROM audit_events WHERE tenant_id = '%s' AND sequence <= %d", l.tenant, gone),
					fmt.Sprintf(`INSERT INTO audit_checkpoints (tenant_id, sequence, hash, occurred_at, events, pruned_at, event_sequence, seal) VALUES ('%s', %d, %s, 1, %d, 1, %d, %s)`,
						l.tenant, gone, blob(hashes[0][:]), gone-events[0]+1, tells, blob(sha256.Sum256([]byte(text)))),
				)
				if len(found) != 1 || found[0].Break != audit.Checkpoint || !strings.Contains(found[0].Message, "tells of") {
					t.Errorf("told of by %d, found is %+v", tells, found)
				}
			}
			empty(t, db)
		}
	})
}

// TestHowManyEventsHaveNoHashIsKnownR28: also before the first one has one.
func TestHowManyEventsHaveNoHashIsKnownR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		l := newLedger(t, db, 0, 0)
		l.write(func(ctx context.Context, tx *database.Tx) error {
			for _, s := range []string{`UPDATE audit_events SET encoding = 0, hash = NULL`, `UPDATE tenants SET audit_unchained = audit_sequence, audit_hash = NULL`} {
				if _, err := tx.ExecContext(ctx, s); err != nil {
					return err
				}
			}
			return nil
		})
		for change, want := range map[string]int{"+ 0": 0, "+ 1": 1, "- 1": 1} {
			if found := l.tamper(`UPDATE tenants SET audit_unchained = audit_unchained ` + change + ` WHERE audit_sequence > 0`); (len(found) > 0) != (want > 0) {
				t.Errorf("%s: %+v", change, found)
			}
		}
	})
}

func empty(t *testing.T, db *database.DB) {
	t.Helper()
	err := db.Write(context.WithoutCancel(t.Context()), func(ctx context.Context, tx *database.Tx) error {
		for _, table := range []string{"audit_mentions", "audit_checkpoints", "audit_events", "tenants"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
