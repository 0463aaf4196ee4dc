package main_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

const startCrowd = `mutation($u: [ID!]!, $add: [LicenseInput!], $remove: [ID!]) {
	assignLicenses(input: { principalIds: $u, add: $add, remove: $remove, acknowledgeLosses: 1000000, runAsOperation: true }) {
		operation { id } userErrors { code } } }`

const readOperation = `query($id: ID!) { operation(id: $id) { state changed finishedAt auditEvent { id } results { totalCount } } }`

// The process is killed at several moments of an operation, from its acceptance to its end, and
// once stopped in order. When it is served again the operation is said to be done, and is, or to be
// interrupted, and nothing of it is there.
func TestAnOperationThatIsKilledIsDoneOrInterrupted(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			h := &host{url: dbtest.URL(t, d)}
			users := h.crowd(t)
			add := map[string]any{"u": users, "add": []any{map[string]any{"productId": sku}}}
			remove := map[string]any{"u": users, "remove": []string{sku}}
			server, url := h.serve(t)

			var asked []string
			start := func(change map[string]any) string {
				answer, err := h.ask(t.Context(), url, startCrowd, change)
				if err != nil {
					t.Fatal(err)
				}
				key := answer["assignLicenses"].(map[string]any)["operation"].(map[string]any)["id"].(string)
				asked = append(asked, key)
				return key
			}
			began := time.Now()
			first := start(add)
			h.ended(t, url, first)
			usual := time.Since(began)

			next := []map[string]any{add, remove} // by whether the users have it
			const rounds = 7
			for round := range rounds {
				holding := 0
				if h.holders(t) > 0 {
					holding = 1
				}
				key := start(next[holding])
				time.Sleep(usual * time.Duration(2*round) / (2 * rounds))
				if last := round == rounds-1; last {
					start(next[1-holding]) // waits behind it, or begins when it has ended
					if err := server.Process.Signal(syscall.SIGTERM); err != nil {
						t.Fatal(err)
					}
					if err := server.Wait(); err != nil {
						t.Errorf("it was stopped, and ended with %v", err)
					}
					_, url = h.serve(t)
					if o := h.read(t, url, key); o["finishedAt"] == nil {
						t.Errorf("after an orderly end it is %v", o)
					}
					break
				}
				if err := server.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = server.Wait()
				server, url = h.serve(t)
			}

			done, interrupted := 0, 0
			for _, key := range asked {
				switch o := h.ended(t, url, key); {
				case o["state"] == "SUCCEEDED" && o["auditEvent"] != nil && fmt.Sprint(o["results"]) == fmt.Sprintf("map[totalCount:%d]", crowd):
					done++
				case o["state"] == "INTERRUPTED" && o["auditEvent"] == nil && o["changed"] == false && fmt.Sprint(o["results"]) == "map[totalCount:0]":
					interrupted++
				default:
					t.Errorf("%s is %v", key, o)
				}
			}
			var events int
			if err := h.open(t).Reader().QueryRowContext(t.Context(), `SELECT count(*) FROM audit_events WHERE action = 'licenses.assign'`).Scan(&events); err != nil {
				t.Fatal(err)
			}
			if holders := h.holders(t); events != done || holders != crowd*(done%2) || interrupted == 0 {
				t.Errorf("%d done, %d interrupted; %d events, %d holders", done, interrupted, events, holders)
			}
			h.told(t)
			h.verified(t)
			t.Logf("%d done, %d interrupted", done, interrupted)
		})
	}
}

// told waits until the audit log knows the end of every operation that began (R28).
func (h *host) told(t *testing.T) {
	t.Helper()
	db := h.open(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var begun, ended int
		row := db.Reader().QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM audit_events WHERE action = 'operation.begin'),
			(SELECT count(DISTINCT cause_id) FROM audit_events WHERE action = 'operation.end')`)
		if err := row.Scan(&begun, &ended); err != nil {
			t.Fatal(err)
		}
		switch {
		case begun == ended && begun > 0:
			return
		case time.Now().After(deadline):
			t.Errorf("%d operations began, %d ended", begun, ended)
			return
		}
	}
}

// verified wants verify to find nothing in the crowd.
func (h *host) verified(t *testing.T) {
	t.Helper()
	out := h.must(t, "verify")
	if !strings.HasPrefix(out, fmt.Sprintf("Crowd: %d users and ", crowd)) || !strings.HasSuffix(out, " audit events checked, no problem") {
		t.Error(out)
	}
}

// ended waits until an operation has ended: within the time after which a server counts as dead.
func (h *host) ended(t *testing.T, url, key string) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if o := h.read(t, url, key); o["finishedAt"] != nil || time.Now().After(deadline) {
			return o
		}
	}
}

func (h *host) read(t *testing.T, url, key string) map[string]any {
	t.Helper()
	answer, err := h.ask(t.Context(), url, readOperation, map[string]any{"id": key})
	if err != nil {
		t.Fatal(err)
	}
	return answer["operation"].(map[string]any)
}
