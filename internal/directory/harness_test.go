package directory_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// world is a tenant in a database with a small catalogue: the product suite with the plans
// mail, chat and old, the product addon with the plan new, which excludes old, and the product
// tool with the plan chat; then radio with the plan air, which may not be used in BE, and the
// plan talk; local with the plan home, which may be used in NL and DE only; extra with the plan
// archive, which needs mail or air; and board with the plan board and the plan hello, which
// comes to everybody.
type world struct {
	t         testing.TB
	db        *database.DB
	ran       *dbtest.Statements
	clock     *clock.Manual
	tenants   *tenant.Tenants
	licensing *licensing.Service
	directory *directory.Service
	tenant    uuid.UUID

	suite, addon, tool         uuid.UUID
	mailPlan, chat, old, newer uuid.UUID

	radio, local, extra, board                 uuid.UUID
	air, talk, home, archive, boardPlan, hello uuid.UUID
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, ran *dbtest.Statements) { test(newWorld(t, db, ran)) })
}

func newWorld(t testing.TB, db *database.DB, ran *dbtest.Statements) *world {
	t.Helper()
	w := &world{t: t, db: db, ran: ran, clock: clock.NewManual(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))}
	var err error
	w.tenants, err = tenant.New(tenant.Config{DB: db, Clock: w.clock, NewID: id.NewV7})
	w.ok(err)
	w.licensing, err = licensing.New(licensing.Config{DB: db, Clock: w.clock, NewID: id.NewV7, Log: zerolog.Nop()})
	w.ok(err)
	w.directory, err = directory.New(directory.Config{DB: db, Licensing: w.licensing})
	w.ok(err)
	w.catalogue()
	w.tenant = w.newTenant("Acme")
	return w
}

func (w *world) newTenant(name string) uuid.UUID {
	w.t.Helper()
	return w.newTenantIn(name, "NL")
}

func (w *world) newTenantIn(name, country string) uuid.UUID {
	w.t.Helper()
	made, err := w.tenants.Create(w.t.Context(), name, country)
	w.ok(err)
	return made.ID
}

func (w *world) catalogue() {
	w.t.Helper()
	keys := make([]uuid.UUID, 17)
	for i := range keys {
		keys[i] = uuid.NewSHA1(uuid.NameSpaceURL, []byte{byte(i)})
	}
	w.suite, w.addon, w.tool = keys[0], keys[1], keys[2]
	w.mailPlan, w.chat, w.old, w.newer = keys[3], keys[4], keys[5], keys[6]
	w.radio, w.local, w.extra, w.board = keys[7], keys[8], keys[9], keys[10]
	w.air, w.talk, w.home, w.archive, w.boardPlan, w.hello = keys[11], keys[12], keys[13], keys[14], keys[15], keys[16]
	set := uuid.New()
	w.write(func(ctx context.Context, tx *database.Tx) error {
		var errs []error
		exec := func(query string, args ...any) {
			_, err := tx.ExecContext(ctx, query, args...)
			errs = append(errs, err)
		}
		for key, name := range map[uuid.UUID]string{
			w.suite: "Suite", w.addon: "Addon", w.tool: "Tool", w.radio: "Radio", w.local: "Local", w.extra: "Extra", w.board: "Board",
		} {
			exec(`INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, $2, $2, $3)`, key, name, strings.ToLower(name))
		}
		for key, name := range map[uuid.UUID]string{
			w.mailPlan: "Mail", w.chat: "Chat", w.old: "Old", w.newer: "New", w.air: "Air", w.talk: "Talk", w.home: "Home",
			w.archive: "Archive", w.boardPlan: "Board", w.hello: "Hello",
		} {
			exec(`INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, $2, $2, $3)`, key, name, strings.ToLower(name))
		}
		for _, pair := range [][2]uuid.UUID{
			{w.suite, w.mailPlan}, {w.suite, w.chat}, {w.suite, w.old}, {w.addon, w.newer}, {w.tool, w.chat},
			{w.radio, w.air}, {w.radio, w.talk}, {w.local, w.home}, {w.extra, w.archive}, {w.board, w.boardPlan}, {w.board, w.hello},
		} {
			exec(`INSERT INTO product_plans (product_id, plan_id) VALUES ($1, $2)`, pair[0], pair[1])
		}
		exec(`INSERT INTO exclusion_sets (id, name) VALUES ($1, 'old and new')`, set)
		exec(`INSERT INTO exclusion_set_plans (exclusion_set_id, plan_id) VALUES ($1, $2), ($1, $3)`, set, w.old, w.newer)
		exec(`INSERT INTO plan_locations (plan_id, country, allowed) VALUES ($1, 'BE', $2)`, w.air, false)
		for _, country := range []string{"DE", "NL"} {
			exec(`INSERT INTO plan_locations (plan_id, country, allowed) VALUES ($1, $2, $3)`, w.home, country, true)
		}
		exec(`INSERT INTO plan_prerequisites (plan_id, requires_id) VALUES ($1, $2), ($1, $3)`, w.archive, w.mailPlan, w.air)
		exec(`UPDATE plans SET auto_assigned = $1 WHERE id = $2`, true, w.hello)
		exec(`UPDATE catalog SET revision = revision + 1`)
		return errors.Join(errs...)
	})
}

func (w *world) write(fn func(ctx context.Context, tx *database.Tx) error) {
	w.t.Helper()
	w.ok(w.db.Write(w.t.Context(), fn))
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// user creates a user of a name, whose principal name is made of it, in NL.
func (w *world) user(name string) *principal.User {
	w.t.Helper()
	return w.createUser(directory.CreateUserInput{
		DisplayName: name, UserPrincipalName: strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@acme.example", UsageLocation: ptr("NL"),
	})
}

func (w *world) createUser(in directory.CreateUserInput) *principal.User {
	w.t.Helper()
	in.AccountEnabled = true
	if in.UserType == "" {
		in.UserType = principal.Member
	}
	r, err := w.directory.CreateUser(w.t.Context(), w.tenant, in)
	w.ok(err)
	return r.User
}

// group creates a group with members.
func (w *world) group(name string, members ...any) *principal.Group {
	w.t.Helper()
	r, err := w.directory.CreateGroup(w.t.Context(), w.tenant, directory.CreateGroupInput{DisplayName: name, MemberIDs: ids(members...)})
	w.ok(err)
	return r.Group
}

// ids returns the TypeIDs of users and groups; texts are taken as they are.
func ids(members ...any) []string {
	texts := []string{}
	for _, m := range members {
		switch m := m.(type) {
		case *principal.User:
			texts = append(texts, m.NodeID())
		case *principal.Group:
			texts = append(texts, m.NodeID())
		case string:
			texts = append(texts, m)
		}
	}
	return texts
}

func (w *world) subscribe(product uuid.UUID, seats int) uuid.UUID {
	w.t.Helper()
	r, err := w.licensing.CreateSubscription(w.t.Context(), w.tenant, licensing.CreateSubscriptionInput{Product: product, Seats: &seats})
	w.ok(err)
	return r.Subscription.ID
}

// assign gives a product to a user or a group.
func (w *world) assign(to any, in licensing.LicenseInput) {
	w.t.Helper()
	var ref licensing.PrincipalRef
	switch to := to.(type) {
	case *principal.User:
		ref = licensing.PrincipalRef{Kind: id.User, ID: to.ID}
	case *principal.Group:
		ref = licensing.PrincipalRef{Kind: id.Group, ID: to.ID}
	}
	r, err := w.licensing.Assign(w.t.Context(), w.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{ref}, Add: []licensing.LicenseInput{in}})
	w.ok(err)
	for _, e := range r.Results[0].Errors {
		w.t.Fatal(e)
	}
}

func (w *world) view(u *principal.User) *licensing.UserView {
	w.t.Helper()
	views, err := w.licensing.ReadUsers(w.t.Context(), w.tenant, []uuid.UUID{u.ID})
	w.ok(err)
	if views[0] == nil {
		w.t.Fatalf("there is no user %s", u.DisplayName)
	}
	return views[0]
}

// holds tells whether a user holds a product.
func (w *world) holds(u *principal.User, product uuid.UUID) bool {
	w.t.Helper()
	for _, l := range w.view(u).Licenses() {
		if l.Product.ID == product {
			return l.Status != licensing.StatusError
		}
	}
	return false
}

// sound checks R17.
func (w *world) sound() {
	w.t.Helper()
	v, err := w.licensing.Verify(w.t.Context(), w.tenant, nil)
	w.ok(err)
	for _, p := range v.Problems {
		w.t.Errorf("verify: %s %s", p.Rule, p.Message)
	}
}

// events returns the number of audit events, and the last one.
func (w *world) events() (int, *audit.Event) {
	w.t.Helper()
	page, err := audit.NewLog(w.db).Page(w.t.Context(), w.tenant, audit.Filter{}, paging.Args{First: ptr(1)})
	w.ok(err)
	return int(page.Items[0].Sequence), page.Items[0]
}

// silent runs a change that must leave no audit event.
func (w *world) silent(change func()) {
	w.t.Helper()
	before, _ := w.events()
	change()
	if after, e := w.events(); after != before {
		w.t.Errorf("an audit event was written: %s", e.Summary)
	}
}

func userNames(users []*principal.User) []string {
	names := []string{}
	for _, u := range users {
		names = append(names, u.DisplayName)
	}
	return names
}

func groupNames(groups []*principal.Group) []string {
	names := []string{}
	for _, g := range groups {
		names = append(names, g.DisplayName)
	}
	return names
}

func (w *world) same(what string, got, want []string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// refused checks the code and the path, written with dots, of a refusal.
func (w *world) refused(err error, code fault.Code, path string) *fault.Error {
	w.t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Code != code || strings.Join(e.Path, ".") != path {
		var at []string
		if ok {
			at = e.Path
		}
		w.t.Errorf("got %v at %q, want %s at %s", err, at, code, path)
		return &fault.Error{}
	}
	return e
}
