package whatif_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/tenant"
	"github.com/licensegraph/licensegraph/internal/whatif"
)

// world is a tenant in a database with a small catalogue: suite has the plans mail and old, addon
// has new, which excludes old, tool has chat, which may not be used in BE, and extra has archive,
// which needs mail.
type world struct {
	t         testing.TB
	db        *database.DB
	clock     *clock.Manual
	tenants   *tenant.Tenants
	licensing *licensing.Service
	directory *directory.Service
	whatif    *whatif.Service
	tenant    uuid.UUID
	products  []uuid.UUID // suite, addon, tool, extra, spare
	load      int
}

const (
	suite = iota
	addon
	tool
	extra
	spare
)

// newWorld makes a world; load is as in licensing.Config.
func newWorld(t testing.TB, db *database.DB, load int) *world {
	t.Helper()
	w := &world{t: t, db: db, load: load, clock: clock.NewManual(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))}
	var err error
	w.tenants, err = tenant.New(tenant.Config{DB: db, Clock: w.clock, NewID: id.NewV7})
	w.ok(err)
	w.licensing, err = licensing.New(licensing.Config{DB: db, Clock: w.clock, NewID: id.NewV7, Log: zerolog.Nop(), Load: load})
	w.ok(err)
	w.directory, err = directory.New(directory.Config{DB: db, Licensing: w.licensing})
	w.ok(err)
	w.whatif, err = whatif.New(w.licensing)
	w.ok(err)
	w.catalogue()
	w.tenant = w.newTenant("Acme")
	return w
}

func (w *world) newTenant(name string) uuid.UUID {
	w.t.Helper()
	made, err := w.tenants.Create(w.t.Context(), name, "NL")
	w.ok(err)
	return made.ID
}

func (w *world) catalogue() {
	w.t.Helper()
	key := func(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)) }
	w.write(func(ctx context.Context, tx *database.Tx) error {
		var errs []error
		exec := func(query string, args ...any) {
			_, err := tx.ExecContext(ctx, query, args...)
			errs = append(errs, err)
		}
		for _, p := range [][]string{{"suite", "mail", "old"}, {"addon", "new"}, {"tool", "chat"}, {"extra", "archive"}, {"spare", "mail"}} {
			w.products = append(w.products, key(p[0]))
			exec(`INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, $2, $2, $2)`, key(p[0]), p[0])
			for _, plan := range p[1:] {
				exec(`INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, $2, $2, $2) ON CONFLICT DO NOTHING`, key(plan), plan)
				exec(`INSERT INTO product_plans (product_id, plan_id) VALUES ($1, $2)`, key(p[0]), key(plan))
			}
		}
		exec(`INSERT INTO exclusion_sets (id, name) VALUES ($1, 'old and new')`, key("set"))
		exec(`INSERT INTO exclusion_set_plans (exclusion_set_id, plan_id) VALUES ($1, $2), ($1, $3)`, key("set"), key("old"), key("new"))
		exec(`INSERT INTO plan_locations (plan_id, country, allowed) VALUES ($1, 'BE', $2)`, key("chat"), false)
		exec(`INSERT INTO plan_prerequisites (plan_id, requires_id) VALUES ($1, $2)`, key("archive"), key("mail"))
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

func newUser(name string) directory.CreateUserInput {
	return directory.CreateUserInput{
		DisplayName: name, UserPrincipalName: strings.ToLower(name) + "@acme.example", UsageLocation: ptr("NL"),
		UserType: principal.Member, AccountEnabled: true,
	}
}

func (w *world) user(name string) *principal.User {
	w.t.Helper()
	r, err := w.directory.CreateUser(w.t.Context(), w.tenant, newUser(name))
	w.ok(err)
	return r.User
}

func (w *world) group(name string, members ...string) *principal.Group {
	w.t.Helper()
	r, err := w.directory.CreateGroup(w.t.Context(), w.tenant, directory.CreateGroupInput{DisplayName: name, MemberIDs: members})
	w.ok(err)
	return r.Group
}

func (w *world) subscribe(product, seats int) uuid.UUID {
	w.t.Helper()
	r, err := w.licensing.CreateSubscription(w.t.Context(), w.tenant, licensing.CreateSubscriptionInput{Product: w.products[product], Seats: &seats})
	w.ok(err)
	return r.Subscription.ID
}

func user(u *principal.User) licensing.PrincipalRef {
	return licensing.PrincipalRef{Kind: id.User, ID: u.ID}
}

func group(g *principal.Group) licensing.PrincipalRef {
	return licensing.PrincipalRef{Kind: id.Group, ID: g.ID}
}

// add and remove are inputs of assignLicenses.
func (w *world) add(to licensing.PrincipalRef, products ...int) *licensing.AssignInput {
	in := &licensing.AssignInput{Principals: []licensing.PrincipalRef{to}}
	for _, p := range products {
		in.Add = append(in.Add, licensing.LicenseInput{Product: w.products[p]})
	}
	return in
}

func (w *world) remove(from licensing.PrincipalRef, products ...int) *licensing.AssignInput {
	in := &licensing.AssignInput{Principals: []licensing.PrincipalRef{from}}
	for _, p := range products {
		in.Remove = append(in.Remove, w.products[p])
	}
	return in
}

func (w *world) assign(in *licensing.AssignInput) {
	w.t.Helper()
	r, err := w.licensing.Assign(w.t.Context(), w.tenant, *in)
	w.ok(err)
	for _, e := range r.Results[0].Errors {
		w.t.Fatal(e)
	}
}

func (w *world) preview(changes ...whatif.Change) *whatif.Outcome {
	w.t.Helper()
	out, err := w.whatif.Preview(w.t.Context(), w.tenant, changes)
	w.ok(err)
	return out
}

// token previews changes of which none may be refused.
func (w *world) token(changes ...whatif.Change) string {
	w.t.Helper()
	out := w.preview(changes...)
	for _, r := range out.Results {
		for _, e := range r.Errors {
			w.t.Fatalf("%s %v", e, e.Path)
		}
	}
	if out.Token == "" {
		w.t.Fatal("no token")
	}
	return out.Token
}

// apply applies a preview by a server that knows nothing of it, or of anything.
func (w *world) apply(token string, changes ...whatif.Change) (*whatif.Outcome, error) {
	w.t.Helper()
	l, err := licensing.New(licensing.Config{DB: w.db, Clock: w.clock, NewID: id.NewV7, Log: zerolog.Nop(), Load: w.load})
	w.ok(err)
	other, err := whatif.New(l)
	w.ok(err)
	return other.Apply(w.t.Context(), w.tenant, changes, token, ptr(1000))
}

// refused checks the code and the path, written with dots, of a refusal.
func (w *world) refused(err error, code fault.Code, path string) {
	w.t.Helper()
	e, ok := fault.As(err)
	if !ok {
		w.t.Errorf("got %v, want %s at %s", err, code, path)
	} else if e.Code != code || strings.Join(e.Path, ".") != path {
		w.t.Errorf("got %s (%s) at %v, want %s at %s", e.Code, e, e.Path, code, path)
	}
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

func (w *world) holds(u *principal.User, product int) bool {
	w.t.Helper()
	views, err := w.licensing.ReadUsers(w.t.Context(), w.tenant, []uuid.UUID{u.ID})
	w.ok(err)
	l := views[0].License(w.products[product])
	return l != nil && l.Status != licensing.StatusError
}
