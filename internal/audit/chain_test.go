package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
)

// TestTheEncodingStaysWhatItIsR28: hashes that are stored, and those that auditors noted, are over
// this encoding. Another one needs another number.
func TestTheEncodingStaysWhatItIsR28(t *testing.T) {
	e := event(2)
	e.ID = uuid.UUID{9}
	sealed, err := audit.Seal(uuid.UUID{8}, audit.Head{Sequence: 1, Last: audit.Hash{7}}, e)
	if err != nil {
		t.Fatal(err)
	}
	parts := []string{
		"tenant_08000000000000000000000000", "audit_09000000000000000000000000", "2", fmt.Sprint(int64(e.OccurredAt)), "TOKEN", "token 2", "r",
		"licenses.assign", "Assigned 2.", `[{"id":"user_00080000000000000000000000","name":"\u003cAnna\u003e"}]`,
		`[{"field":"P of Q of user_00080000000000000000000000","before":"a","after":"b\n\"2\" é","productId":"product_01000000000000000000000000"}]`,
		`[{"productId":"product_02000000000000000000000000","productName":"P","usersGaining":2,"usersLosing":0,"usersInError":0}]`,
		"audit_03000000000000000000000000",
	}
	text := "licensegraph-audit-1\n07" + strings.Repeat("0", 62) + "\n"
	for _, p := range parts {
		text += fmt.Sprintf("%d:%s,", len(p), p)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(text))); sealed.Hash().String() != want {
		t.Errorf("the hash is %s, want %s, of\n%s", sealed.Hash(), want, text)
	}
	const fixed = "c8839b60888a4962b4de67fe9b702816"
	if got := sealed.Hash().String(); !strings.HasPrefix(got, fixed) {
		t.Errorf("the hash is %s, and was %s…", got, fixed)
	}
}

// TestAnExportHoldsAllThatItTakesToCheckTheChainR28 follows the chain by what is exported alone, as
// docs/audit.md tells: of logs from the beginning, of pruned ones, and of those that began later.
func TestAnExportHoldsAllThatItTakesToCheckTheChainR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, shape := range [][2]int{{0, 0}, {0, 3}, {2, 0}, {2, 3}, {4, 2}} {
			t.Run(fmt.Sprint(shape), func(t *testing.T) {
				t.Cleanup(func() { empty(t, db) })
				l := newLedger(t, db, shape[0], shape[1])
				before, chained, first := "", 0, int64(0)
				export := func(f audit.Filter) (lines []map[string]any) {
					err := audit.NewLog(db).Export(t.Context(), l.tenant, f, func(e *audit.Exported) error {
						line, err := json.Marshal(e)
						if err != nil {
							return err
						}
						var m map[string]any
						d := json.NewDecoder(strings.NewReader(string(line)))
						d.UseNumber()
						lines = append(lines, m)
						return d.Decode(&lines[len(lines)-1])
					})
					if err != nil {
						t.Fatal(err)
					}
					return lines
				}
				for _, m := range export(audit.Filter{}) {
					n, _ := m["sequence"].(json.Number).Int64()
					if first == 0 {
						first = n
					} else if first++; n != first {
						t.Fatalf("event %d is exported as number %d", n, first)
					}
					if fmt.Sprint(m["encoding"]) == "0" {
						if m["hash"] != nil || m["previousHash"] != nil || n > int64(shape[0]) {
							t.Errorf("event %d has no encoding, and %v", n, m)
						}
						continue
					}
					chained++
					text := fmt.Sprintf("licensegraph-audit-1\n%s\n", m["previousHash"])
					for _, name := range []string{"tenantId", "id", "sequence", "occurredAtMicros", "actorKind", "actor", "requestId", "action", "summary", "subjects", "fields", "products", "causeId"} {
						if m[name] == nil {
							text += "-,"
						} else {
							v := fmt.Sprint(m[name])
							text += fmt.Sprintf("%d:%s,", len(v), v)
						}
					}
					if got := fmt.Sprintf("%x", sha256.Sum256([]byte(text))); got != m["hash"] || before != "" && before != m["previousHash"] {
						t.Errorf("event %d does not go on: %v", n, m)
					}
					before = fmt.Sprint(m["hash"])
				}
				if chained == 0 {
					t.Error("no event has a hash")
				}
				// A part of the log has the same hashes.
				for _, m := range export(audit.Filter{Actions: []audit.Action{audit.AuditPrune, audit.TenantCreate}}) {
					if m["encoding"].(json.Number) != "0" && len(fmt.Sprint(m["previousHash"])) != 64 {
						t.Errorf("of a part, %v has the hash before %v", m["sequence"], m["previousHash"])
					}
				}
			})
		}
	})
}

// TestWhatIsDamagedIsNotRemovedR28: a checkpoint would vouch for it.
func TestWhatIsDamagedIsNotRemovedR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		l := newLedger(t, db, 0, 2)
		for _, damage := range []string{
			`UPDATE audit_events SET summary = 'x' WHERE sequence = 5`, `DELETE FROM audit_events WHERE sequence = 6`,
			`UPDATE audit_checkpoints SET hash = seal`, `UPDATE audit_events SET encoding = 2 WHERE sequence = 5`,
		} {
			for events, want := range map[int]error{1: nil, 4: audit.ErrBroken} {
				if events == 1 && strings.Contains(damage, "checkpoints") { // the first one is not the one that follows
					want = audit.ErrBroken
				}
				if events == 1 && strings.Contains(damage, "= 5") { // the log begins at it
					want = audit.ErrBroken
				}
				l.write(func(ctx context.Context, tx *database.Tx) error {
					if _, err := tx.ExecContext(ctx, damage); err != nil {
						return err
					}
					if err := l.pruneIn(ctx, tx, events); !errors.Is(err, want) {
						t.Errorf("%s, and %d events removed: %v", damage, events, err)
					}
					return database.ErrRollback
				})
			}
		}
	})
}

// TestAnEventTakesTheSameStatementsWhateverItNamesR28: a change of ten thousand members is one event
// and one statement more.
func TestAnEventTakesTheSameStatementsWhateverItNamesR28(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, ran *dbtest.Statements) {
		acme := newTenant(t, db, "Acme")
		for _, named := range []int{1, 10_000} {
			e := &audit.Event{ID: uuid.New(), OccurredAt: clock.FromTime(start), Action: audit.GroupMembersChange}
			for n := range named {
				e.Subjects = append(e.Subjects, audit.Subject{ID: id.Format(id.User, uuid.UUID{1, byte(n), byte(n >> 8)}), Name: "N"})
			}
			ran.Reset()
			if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { return audit.Append(ctx, tx, acme, e) }); err != nil {
				t.Fatal(err)
			}
			if n := ran.Count(); n != 4 { // the head is read and written, the event, what it names
				t.Errorf("%d named: %d statements", named, n)
			}
		}
	})
}
