package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/cli"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

func TestTenantUpdateChangesTermsAndPrintsWhatChangesR16R19R27(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		on(t, url, "tenant", "create", "Alpha", "--country", "NL").done(t)
		on(t, url, "tenant", "create", "Beta", "--country", "NL").done(t)
		change := []string{"tenant", "update", "alpha", "--grace", "10d", "--suspension", "90m", "--deleted-user-retention", "0s", "--history-retention", "400d", "--loss-threshold", "5"}
		const lines = "loss-threshold: 100 → 5\ngrace: 720h → 240h\nsuspension: 2160h → 90m\ndeleted-user-retention: 720h → 0s\nhistory-retention: 0s → 9600h\n"
		list := func() string { return on(t, url, "tenant", "list").done(t).stdout }
		before := list()
		if out := on(t, url, append(change, "--dry-run")...).done(t).stdout; out != lines+"Alpha: dry run, nothing was stored\n" {
			t.Errorf("the dry run says %q", out)
		}
		if after := list(); after != before {
			t.Errorf("the dry run left %q", after)
		}
		if out := on(t, url, change...).done(t).stdout; out != lines+"Alpha: updated\n" {
			t.Errorf("it says %q", out)
		}
		if out := on(t, url, change...).done(t).stdout; out != "Alpha: nothing changes\n" {
			t.Errorf("again it says %q", out)
		}
		if after := list(); !strings.Contains(after, "NL  loss-threshold=5    grace=240h  suspension=90m    deleted-user-retention=0s    history-retention=9600h  audit-retention=0s  Alpha\n") ||
			!strings.Contains(after, "NL  loss-threshold=100  grace=720h  suspension=2160h  deleted-user-retention=720h  history-retention=0s     audit-retention=0s  Beta\n") {
			t.Errorf("the list is %s", after)
		}
		on(t, url, "tenant", "update", "Alpha", "--country", "UK").refused(t, 1, "UK", "GB")
		on(t, url, "tenant", "update", "Gamma", "--country", "NL").refused(t, 1, `"Gamma"`, `"Alpha", "Beta"`)
	})
}

// Another country judges users without a location in the same commit: it is told, it has to be
// confirmed above the threshold, and it leaves one event.
func TestAnotherCountryJudgesUsersWithoutALocationR11R27R28(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		on(t, url, "tenant", "create", "Alpha", "--country", "NL").done(t)
		on(t, url, "tenant", "update", "Alpha", "--loss-threshold", "1").done(t)
		s := newShop(t, url)
		for _, name := range []string{"Ann", "Bob"} {
			s.member(name)
		}
		change := []string{"tenant", "update", "Alpha", "--country", "de"}
		const told = "country: NL → DE\n    Base (BASE): 2 users lose it, 2 users have a new error; 0 of 5 seats taken, 2 before\n"
		if out := on(t, url, append(change, "--dry-run")...).done(t).stdout; out != told+"It has to be confirmed with --acknowledge-losses 2\nAlpha: dry run, nothing was stored\n" {
			t.Errorf("the dry run says %q", out)
		}
		on(t, url, change...).refused(t, 1, "2 users would lose a product", "--acknowledge-losses 2")
		on(t, url, append(change, "--acknowledge-losses", "1")...).refused(t, 1, "--acknowledge-losses 2")
		if out := on(t, url, append(change, "--acknowledge-losses", "2")...).done(t).stdout; out != told+"Alpha: updated\n" {
			t.Errorf("it says %q", out)
		}
		page, err := audit.NewLog(s.db).Page(t.Context(), s.tenant, audit.Filter{}, paging.Args{})
		if err != nil {
			t.Fatal(err)
		}
		e := page.Items[0]
		if e.Action != audit.TenantUpdate || e.Actor.Kind != audit.ActorCommand || e.Actor.Name != "tenant update" || len(e.Fields) != 1 ||
			e.Fields[0].Field != "country" || *e.Fields[0].Before != "NL" || *e.Fields[0].After != "DE" || len(e.Products) != 1 || e.Products[0].UsersLosing != 2 {
			t.Errorf("the event is %+v", e)
		}
		on(t, url, "verify").done(t)
		if out := on(t, url, "tenant", "update", "Alpha", "--country", "NL").done(t).stdout; !strings.Contains(out, "2 users gain it") {
			t.Errorf("back again: %q", out)
		}
	})
}

// shop is a tenant with a group that has a product, which may be used in the Netherlands only.
type shop struct {
	*testing.T
	db       *database.DB
	licenses *licensing.Service
	tenant   uuid.UUID
	group    uuid.UUID
}

func newShop(t *testing.T, url string) *shop {
	t.Helper()
	db, err := database.Open(t.Context(), url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s := &shop{T: t, db: db, group: uuid.New()}
	if err := db.Reader().QueryRowContext(t.Context(), `SELECT id FROM tenants WHERE name = 'Alpha'`).Scan(&s.tenant); err != nil {
		t.Fatal(err)
	}
	product, plan := uuid.New(), uuid.New()
	if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for query, args := range map[string][]any{
			`INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, 'MAIL', 'Mail', 'mail')`:  {plan},
			`INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, 'BASE', 'Base', 'base')`: {product},
		} {
			if _, err := tx.ExecContext(ctx, query, args...); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO product_plans (product_id, plan_id) VALUES ($1, $2)`, product, plan); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO plan_locations (plan_id, country, allowed) VALUES ($1, 'NL', true)`, plan); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE catalog SET revision = revision + 1`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if s.licenses, err = licensing.New(licensing.Config{DB: db, Clock: clock.Wall{}, NewID: id.NewV7}); err != nil {
		t.Fatal(err)
	}
	seats := 5
	if _, err := s.licenses.CreateSubscription(t.Context(), s.tenant, licensing.CreateSubscriptionInput{Product: product, Seats: &seats}); err != nil {
		t.Fatal(err)
	}
	s.change(func(d *licensing.Draft) {
		d.CreateGroup(&principal.Group{ID: s.group, DisplayName: "All", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
	})
	if _, err := s.licenses.Assign(t.Context(), s.tenant, licensing.AssignInput{
		Principals: []licensing.PrincipalRef{{Kind: id.Group, ID: s.group}}, Add: []licensing.LicenseInput{{Product: product}},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) change(plan func(d *licensing.Draft)) {
	s.Helper()
	_, err := s.licenses.Change(s.Context(), s.tenant, licensing.Options{Action: audit.UserCreate}, func(_ context.Context, d *licensing.Draft) error {
		plan(d)
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) member(name string) {
	s.Helper()
	s.change(func(d *licensing.Draft) {
		u := &principal.User{ID: uuid.New(), DisplayName: name, UserPrincipalName: name + "@example.com", UserType: principal.Member,
			AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1}
		d.CreateUser(u)
		d.AddMember(s.group, u.ID)
	})
}

// A serving process carries out what falls due while it serves, and what fell due before.
func TestServeCarriesOutWhatFallsDueR16(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		on(t, url, "tenant", "create", "Alpha", "--country", "NL").done(t)
		on(t, url, "tenant", "update", "Alpha", "--grace", "0s", "--suspension", "0s").done(t)
		s := newShop(t, url)
		var sub uuid.UUID
		if err := s.db.Reader().QueryRowContext(t.Context(), `SELECT id FROM subscriptions`).Scan(&sub); err != nil {
			t.Fatal(err)
		}
		status := func() (is string) {
			if err := s.db.Reader().QueryRowContext(t.Context(), `SELECT status FROM subscriptions WHERE id = $1`, sub).Scan(&is); err != nil {
				t.Fatal(err)
			}
			return is
		}
		ends := func(at clock.Instant) {
			change := licensing.UpdateSubscriptionInput{ID: sub}
			change.EndsAt.Set, change.EndsAt.Value = true, &at
			if _, err := s.licenses.UpdateSubscription(t.Context(), s.tenant, change); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var stderr output
		ended := make(chan int, 1)
		go func() {
			ended <- cli.Main(ctx, cli.Process{Args: []string{"serve", "--listen", "127.0.0.1:0", "--database-url", url, "--log-format", "json"}, Stdout: &bytes.Buffer{}, Stderr: &stderr})
		}()
		ends(clock.Wall{}.Now().Add(200 * time.Millisecond))
		for status() != "LOCKED_OUT" {
			select {
			case code := <-ended:
				t.Fatalf("it ended with %d: %s", code, stderr.String())
			case <-time.After(10 * time.Millisecond):
			}
		}
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d: %s", code, stderr.String())
		}
		for line := range strings.Lines(stderr.String()) {
			var entry struct{ Level string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "error" {
				t.Errorf("the log says %s", line)
			}
		}
	})
}
