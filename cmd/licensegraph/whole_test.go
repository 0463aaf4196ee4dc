package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// One call assigns to so many users, all of whom get a seat.
const crowd = 4000

const changeCrowd = `mutation($u: [ID!]!, $add: [LicenseInput!], $remove: [ID!]) {
	assignLicenses(input: { principalIds: $u, add: $add, remove: $remove, acknowledgeLosses: 1000000 }) { changed } }`

// The process is killed at several moments of one long change, from its first statements to its
// answer. Stored is then the state before it or the state after it, and nothing between.
func TestABulkAssignmentThatIsKilledIsStoredWholeOrNotAtAll(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			h := &host{url: dbtest.URL(t, d)}
			users := h.crowd(t)
			add := map[string]any{"u": users, "add": []any{map[string]any{"productId": sku}}}
			remove := map[string]any{"u": users, "remove": []string{sku}}

			server, url := h.serve(t)
			var took [2]time.Duration // undisturbed
			for i, change := range []map[string]any{add, remove} {
				start := time.Now()
				if answer, err := h.ask(t.Context(), url, changeCrowd, change); err != nil || !strings.Contains(fmt.Sprint(answer), "changed:true") {
					t.Fatalf("%v, %v", answer, err)
				}
				took[i] = time.Since(start)
			}
			interrupted, holders := 0, 0
			for round := range 6 {
				change, usual := add, took[0]
				if holders > 0 {
					change, usual = remove, took[1]
				}
				answered := make(chan bool, 1)
				go func() {
					_, err := h.ask(t.Context(), url, changeCrowd, change)
					answered <- err == nil
				}()
				time.Sleep(usual * time.Duration(2*round+1) / 12)
				if err := server.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = server.Wait()
				known := <-answered
				before := holders
				holders = h.holders(t)
				if holders != 0 && holders != crowd || known && holders == before {
					t.Errorf("round %d: %d holders before, %d after, answered %t", round, before, holders, known)
				}
				if !known {
					interrupted++
				}
				h.verified(t)
				server, url = h.serve(t)
			}
			if interrupted == 0 {
				t.Error("no change was interrupted")
			}
		})
	}
}

// crowd fills the database and returns the ids of its users, who have nothing yet.
func (h *host) crowd(t *testing.T) (users []string) {
	t.Helper()
	tenant, err := id.Parse(id.Tenant, h.must(t, "tenant", "create", "Crowd", "--country", "NL"))
	if err != nil {
		t.Fatal(err)
	}
	h.token = h.must(t, "token", "create", "--tenant", "Crowd", "--role", "GLOBAL_ADMIN")
	h.must(t, "catalog", "import", h.file(t))
	db := h.open(t)
	service, err := licensing.New(licensing.Config{DB: db, Clock: clock.Wall{}, NewID: id.NewV7})
	if err != nil {
		t.Fatal(err)
	}
	hire := func(_ context.Context, d *licensing.Draft) error {
		users = nil
		country := "NL"
		for n := range crowd {
			key, err := d.MakeID()
			if err != nil {
				return err
			}
			name := fmt.Sprintf("user%d", n)
			d.CreateUser(&principal.User{
				ID: key, UserPrincipalName: name + "@example.com", DisplayName: name, UserType: principal.Member, UsageLocation: &country, AccountEnabled: true,
				CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1,
			})
			users = append(users, id.Format(id.User, key))
		}
		return nil
	}
	if _, err := service.Change(t.Context(), tenant, licensing.Options{Action: audit.UserCreate}, hire); err != nil {
		t.Fatal(err)
	}
	seats := crowd
	if _, err := service.CreateSubscription(t.Context(), tenant, licensing.CreateSubscriptionInput{Product: uuid.MustParse(sku), Seats: &seats}); err != nil {
		t.Fatal(err)
	}
	return users
}

// holders is the number of seats taken, as stored.
func (h *host) holders(t *testing.T) (n int) {
	t.Helper()
	db := h.open(t)
	if err := db.Reader().QueryRowContext(t.Context(), `SELECT coalesce(sum(consumed), 0) FROM seat_counters`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (h *host) open(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), h.url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
