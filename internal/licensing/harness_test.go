package licensing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// product is the real service beside the oracle: it carries out the oracle's operations on a
// database.
type product struct {
	db      *database.DB
	service *licensing.Service // the one that apply uses
	counts  *licensing.Service
	byCases *licensing.Service
	clock   *clock.Manual
	tenant  uuid.UUID
	next    []uuid.UUID // ids that the next operation is to use
	started clock.Instant
}

func newProduct(t testing.TB, db *database.DB) *product {
	t.Helper()
	p := &product{db: db, clock: clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	var err error
	p.counts, err = licensing.New(licensing.Config{DB: db, Clock: p.clock, NewID: p.newID, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	p.byCases, err = licensing.New(licensing.Config{DB: db, Clock: p.clock, NewID: p.newID, Log: zerolog.Nop(), ByCases: true})
	if err != nil {
		t.Fatal(err)
	}
	p.service = p.counts
	p.reset(t)
	return p
}

// reset begins a new tenant and an empty catalogue in the same database.
func (p *product) reset(t interface{ Fatal(...any) }) {
	p.tenant = uuid.New()
	p.clock.Advance(time.Second)
	p.started = p.clock.Now()
	ctx := context.Background()
	err := p.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, table := range []string{"license_violations", "seat_counters", "assignments", "subscriptions", "memberships", "nestings",
			"group_counters", "groups", "user_words", "users", "audit_events", "tenants", "exclusion_set_plans", "exclusion_sets",
			"plan_prerequisites", "plan_locations", "product_plans", "products", "plans"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO tenants (id, name, name_key, country, graph_revision, audit_sequence, last_instant, created_at)
			VALUES ($1, 'Test', $2, 'NL', 0, 0, 0, $3)`, p.tenant, p.tenant.String(), p.started)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE catalog SET revision = revision + 1`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *product) newID() (uuid.UUID, error) {
	if len(p.next) > 0 {
		u := p.next[0]
		p.next = p.next[1:]
		return u, nil
	}
	return uuid.New(), nil // in no order: R5 must not lean on it
}

// instant translates the oracle's time, which counts operations.
func (p *product) instant(now int64) clock.Instant { return p.started + clock.Instant(now) }

// apply carries out one operation at the oracle's instant. before and after are the oracle's
// states around it: directory operations apply the facts that differ.
func (p *product) apply(ctx context.Context, op oracle.Operation, now int64, before, after *oracle.State, want oracle.Outcome, dryRun bool) (oracle.Outcome, *licensing.Outcome, error) {
	p.clock.Advance(time.Duration(p.instant(now)-p.clock.Now()) * time.Microsecond)
	switch op := op.(type) {
	case oracle.Assign:
		return p.assign(ctx, op, before, dryRun)
	case oracle.ChangeCatalogue:
		if want.Refusal == "" && !want.Changed { // the import, which compares, would ask for nothing
			return want, nil, nil
		}
		return p.changeCatalogue(ctx, op, before, dryRun)
	case oracle.CreateSubscription:
		p.next = []uuid.UUID{op.Subscription}
		out, err := p.service.CreateSubscription(ctx, p.tenant, licensing.CreateSubscriptionInput{Product: op.Product, Seats: op.Seats, DryRun: dryRun})
		p.next = nil
		return subscriptionOutcome(out, err)
	case oracle.UpdateSubscription:
		out, err := p.service.UpdateSubscription(ctx, p.tenant, licensing.UpdateSubscriptionInput{
			ID: op.Subscription, Seats: optional.Optional[int]{Set: true, Value: op.Seats}, AllowOverAllocation: op.AllowOverAllocation, DryRun: dryRun,
		})
		return subscriptionOutcome(out, err)
	case oracle.CancelSubscription:
		out, err := p.service.CancelSubscription(ctx, p.tenant, licensing.CancelSubscriptionInput{
			ID: op.Subscription, AllowOverAllocation: op.AllowOverAllocation, DryRun: dryRun, AcknowledgeLosses: ptr(math.MaxInt),
		})
		return subscriptionOutcome(out, err)
	case oracle.Reprocess:
		var all []licensing.PrincipalRef
		for _, u := range before.LiveUsers() {
			all = append(all, licensing.PrincipalRef{Kind: id.User, ID: u})
		}
		out, err := p.service.Reprocess(ctx, p.tenant, all, dryRun)
		if err != nil {
			return oracle.Outcome{}, nil, err
		}
		return oracle.Outcome{Changed: out.Changed}, out, nil
	}
	return p.changeDirectory(ctx, op, before, after, want, dryRun)
}

func subscriptionOutcome(out *licensing.SubscriptionOutcome, err error) (oracle.Outcome, *licensing.Outcome, error) {
	if code := fault.CodeOf(err); err != nil && code.IsUserError() {
		return oracle.Outcome{Refusal: oracle.Code(code)}, nil, nil
	}
	if err != nil {
		return oracle.Outcome{}, nil, err
	}
	return oracle.Outcome{Changed: out.Changed}, out.Outcome, nil
}

func (p *product) assign(ctx context.Context, op oracle.Assign, before *oracle.State, dryRun bool) (oracle.Outcome, *licensing.Outcome, error) {
	in := licensing.AssignInput{Remove: op.Remove, DryRun: dryRun}
	for _, key := range op.Principals {
		ref := licensing.PrincipalRef{Kind: id.User, ID: key}
		if before.Groups[key] {
			ref.Kind = id.Group
		}
		in.Principals = append(in.Principals, ref)
	}
	for _, a := range op.Add {
		add := licensing.LicenseInput{Product: a.Product, IncludeNested: a.IncludeNested}
		if a.Selection != nil {
			add.Plans = &licensing.SelectionInput{Mode: modes[a.Selection.Mode], Plans: a.Selection.Plans.Sorted()}
		}
		in.Add = append(in.Add, add)
	}
	out, err := p.service.Assign(ctx, p.tenant, in)
	if code := fault.CodeOf(err); err != nil && code.IsUserError() {
		return oracle.Outcome{Refusal: oracle.Code(code)}, nil, nil
	}
	if err != nil {
		return oracle.Outcome{}, nil, err
	}
	o := oracle.Outcome{Changed: out.Changed, Principals: map[oracle.ID]oracle.Result{}}
	for _, r := range out.Results {
		result := oracle.Result{Changed: r.Changed}
		if len(r.Errors) > 0 {
			result.Refusal = oracle.Code(r.Errors[0].Code)
		}
		o.Principals[r.Principal.ID] = result
	}
	return o, out.Outcome, nil
}

var modes = map[oracle.Mode]tenantgraph.Mode{oracle.All: tenantgraph.All, oracle.Except: tenantgraph.Except, oracle.Only: tenantgraph.Only}

// changeDirectory applies the facts by which the oracle's states differ.
func (p *product) changeDirectory(ctx context.Context, op oracle.Operation, before, after *oracle.State, want oracle.Outcome, dryRun bool) (oracle.Outcome, *licensing.Outcome, error) {
	if _, creates := op.(oracle.CreateUser); !creates && reflect.DeepEqual(before, after) {
		return want, nil, nil // refused by the directory, which is tested apart
	}
	users := map[uuid.UUID]*principal.User{}
	for key := range before.Users {
		views, err := p.service.ReadUsers(ctx, p.tenant, []uuid.UUID{key})
		if err != nil {
			return oracle.Outcome{}, nil, err
		}
		users[key] = &views[0].User
	}
	out, err := p.service.Change(ctx, p.tenant, licensing.Options{Action: audit.UserUpdate, DryRun: dryRun}, func(_ context.Context, d *licensing.Draft) error {
		for g := range after.Groups {
			if !before.Groups[g] {
				d.CreateGroup(&principal.Group{ID: g, DisplayName: g.String(), CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			}
		}
		for key, u := range after.Users {
			old, known := before.Users[key]
			switch {
			case !known:
				name := key.String() + "@example.com"
				d.CreateUser(&principal.User{ID: key, DisplayName: key.String(), UserPrincipalName: name, UserType: principal.Member,
					AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			case !old.Deleted && u.Deleted:
				d.DeleteUser(users[key])
			case old.Deleted && !u.Deleted:
				d.RestoreUser(users[key])
			}
		}
		if create, ok := op.(oracle.CreateUser); ok {
			var add []licensing.LicenseInput
			for _, a := range create.Licenses {
				in := licensing.LicenseInput{Product: a.Product, IncludeNested: a.IncludeNested}
				if a.Selection != nil {
					in.Plans = &licensing.SelectionInput{Mode: modes[a.Selection.Mode], Plans: a.Selection.Plans.Sorted()}
				}
				add = append(add, in)
			}
			if _, known := after.Users[create.User]; !known { // refused there: it must be here
				d.CreateUser(&principal.User{ID: create.User, DisplayName: "x", UserPrincipalName: create.User.String() + "@example.com",
					UserType: principal.Member, AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			}
			if err := d.AssignDirect(create.User, add, true); err != nil {
				return err
			}
		}
		for g := range before.Groups {
			if !after.Groups[g] {
				d.DeleteGroup(g)
			}
		}
		for m := range after.Memberships {
			if _, was := before.Memberships[m]; !was {
				d.AddMember(m.Group, m.User)
			}
		}
		for m := range before.Memberships {
			if _, is := after.Memberships[m]; !is && after.Groups[m.Group] {
				d.RemoveMember(m.Group, m.User)
			}
		}
		for n := range after.Nestings {
			if _, was := before.Nestings[n]; !was {
				d.Nest(n.Parent, n.Child)
			}
		}
		for n := range before.Nestings {
			if _, is := after.Nestings[n]; !is && after.Groups[n.Parent] && after.Groups[n.Child] {
				d.Unnest(n.Parent, n.Child)
			}
		}
		return nil
	})
	if code := fault.CodeOf(err); err != nil && code.IsUserError() {
		return oracle.Outcome{Refusal: oracle.Code(code)}, nil, nil
	}
	if err != nil {
		return oracle.Outcome{}, nil, err
	}
	return oracle.Outcome{Changed: out.Changed, Members: want.Members}, out, nil
}

// changeCatalogue replaces the whole catalogue by what the operation asks for.
func (p *product) changeCatalogue(ctx context.Context, op oracle.ChangeCatalogue, before *oracle.State, dryRun bool) (oracle.Outcome, *licensing.Outcome, error) {
	after := before.Clone()
	maps.Copy(after.Products, op.Products)
	if op.Exclusions != nil {
		after.Exclusions = op.Exclusions
	}
	data := tenantgraph.CatalogData{ProductPlans: map[uuid.UUID][]uuid.UUID{}}
	plans := oracle.Set{}
	for product, set := range after.Products {
		data.Products = append(data.Products, tenantgraph.Product{ID: product, SkuPartNumber: product.String(), DisplayName: product.String(), DisplayNameKey: product.String()})
		data.ProductPlans[product] = set.Sorted()
		maps.Copy(plans, set)
	}
	for i, set := range after.Exclusions {
		data.Exclusions = append(data.Exclusions, tenantgraph.Exclusion{Name: fmt.Sprintf("set %d", i), Plans: set.Sorted()})
		maps.Copy(plans, set)
	}
	for plan := range plans {
		data.Plans = append(data.Plans, tenantgraph.Plan{ID: plan, ServicePlanName: plan.String(), DisplayName: plan.String(), DisplayNameKey: plan.String()})
	}
	impacts, err := p.service.ChangeCatalog(ctx, licensing.CatalogOptions{DryRun: dryRun}, func(_ context.Context, _ *database.Tx, before tenantgraph.CatalogData) (*licensing.CatalogPlan, error) {
		for _, old := range before.Plans { // a plan never goes: it is retired
			if !plans[old.ID] {
				data.Plans = append(data.Plans, old)
			}
		}
		return &licensing.CatalogPlan{After: &data, Write: func(ctx context.Context, tx *database.Tx) error { return writeCatalogue(ctx, tx, data) }}, nil
	})
	if fault.CodeOf(err) == fault.MutuallyExclusiveViolation { // a product that excludes itself
		return oracle.Outcome{Refusal: oracle.InvalidValue}, nil, nil
	}
	if err != nil {
		return oracle.Outcome{}, nil, err
	}
	for _, i := range impacts {
		if i.Tenant == p.tenant {
			return oracle.Outcome{Changed: true}, i.Outcome, nil
		}
	}
	return oracle.Outcome{Changed: true}, nil, nil
}

func writeCatalogue(ctx context.Context, tx *database.Tx, data tenantgraph.CatalogData) error {
	var errs []error
	exec := func(query string, args ...any) {
		_, err := tx.ExecContext(ctx, query, args...)
		errs = append(errs, err)
	}
	exec(`DELETE FROM product_plans`)
	exec(`DELETE FROM exclusion_set_plans`)
	exec(`DELETE FROM exclusion_sets`)
	exec(`DELETE FROM plan_prerequisites`)
	exec(`DELETE FROM plan_locations`)
	for _, pl := range data.Plans {
		exec(`INSERT INTO plans (id, service_plan_name, display_name, display_name_key) VALUES ($1, $2, $2, $2) ON CONFLICT (id) DO NOTHING`, pl.ID, pl.DisplayName)
		exec(`UPDATE plans SET auto_assigned = $2 WHERE id = $1`, pl.ID, pl.AutoAssigned)
		for _, c := range pl.Location.Allowed {
			exec(`INSERT INTO plan_locations (plan_id, country, allowed) VALUES ($1, $2, true)`, pl.ID, c)
		}
		for _, c := range pl.Location.Prohibited {
			exec(`INSERT INTO plan_locations (plan_id, country, allowed) VALUES ($1, $2, false) ON CONFLICT (plan_id, country) DO UPDATE SET allowed = false`, pl.ID, c)
		}
	}
	for plan, needs := range data.Requires {
		for _, other := range needs {
			exec(`INSERT INTO plan_prerequisites (plan_id, requires_id) VALUES ($1, $2)`, plan, other)
		}
	}
	for _, pr := range data.Products {
		exec(`INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, $2, $2, $2) ON CONFLICT (id) DO NOTHING`, pr.ID, pr.DisplayName)
		for _, pl := range data.ProductPlans[pr.ID] {
			exec(`INSERT INTO product_plans (product_id, plan_id) VALUES ($1, $2)`, pr.ID, pl)
		}
	}
	for _, s := range data.Exclusions {
		key := uuid.New()
		exec(`INSERT INTO exclusion_sets (id, name) VALUES ($1, $2)`, key, s.Name)
		for _, pl := range s.Plans {
			exec(`INSERT INTO exclusion_set_plans (exclusion_set_id, plan_id) VALUES ($1, $2)`, key, pl)
		}
	}
	return errors.Join(errs...)
}

// rows reads the stored violations in the oracle's terms.
func (p *product) rows(ctx context.Context) ([]oracle.Row, error) {
	rs, err := p.db.Reader().QueryContext(ctx, `SELECT user_id, principal_id, product_id, plan_id, code, since FROM license_violations WHERE tenant_id = $1`, p.tenant)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rs.Close() }()
	var all []oracle.Row
	for rs.Next() {
		var r oracle.Row
		var plan uuid.NullUUID
		var since clock.Instant
		if err := rs.Scan(&r.User, &r.Principal, &r.Product, &plan, &r.Code, &since); err != nil {
			return nil, err
		}
		r.Plan, r.Since = plan.UUID, int64(since-p.started)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b oracle.Row) int {
		for _, c := range []int{bytes.Compare(a.User[:], b.User[:]), bytes.Compare(a.Principal[:], b.Principal[:]),
			bytes.Compare(a.Product[:], b.Product[:]), bytes.Compare(a.Plan[:], b.Plan[:])} {
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return all, rs.Err()
}

// compare tells how the database differs from the oracle's state.
func (p *product) compare(ctx context.Context, s *oracle.State) error {
	got, err := p.rows(ctx)
	if err != nil {
		return err
	}
	if want := s.Rows(); !slices.Equal(got, want) {
		return fmt.Errorf("violations\n  are  %v\n  want %v", got, want)
	}
	report, err := p.service.Verify(ctx, p.tenant, nil)
	if err != nil {
		return err
	}
	for _, problem := range report.Problems {
		return fmt.Errorf("verify: %s: %s", problem.Rule, problem.Message)
	}
	all, err := p.service.SubscribedProducts(ctx, p.tenant)
	if err != nil {
		return err
	}
	for _, sp := range all {
		if want := s.Consumed(sp.Product.ID); sp.Seats.Consumed != want {
			return fmt.Errorf("%s: %d seats consumed, want %d", sp.Product.DisplayName, sp.Seats.Consumed, want)
		}
	}
	users := s.LiveUsers()
	views, err := p.service.ReadUsers(ctx, p.tenant, users)
	if err != nil {
		return err
	}
	for i, v := range views {
		on := oracle.Set{}
		for _, l := range v.Licenses() {
			for _, plan := range l.Plans {
				if plan.Enabled {
					on[plan.Plan.ID] = true
				}
			}
			if want := s.Holds(users[i], l.Product.ID); l.ConsumesSeat != want {
				return fmt.Errorf("user %s holds %s: %v, want %v", users[i], l.Product.DisplayName, l.ConsumesSeat, want)
			}
		}
		if want := s.OnPlans(users[i]); !maps.Equal(on, want) {
			return fmt.Errorf("user %s has the plans %v, want %v", users[i], on, want)
		}
	}
	return nil
}

// told is what an impact tells, in a form that can be compared.
func told(t *rapid.T, i *licensing.Impact) string {
	var b strings.Builder
	fmt.Fprintf(&b, "gaining %d losing %d changed %d in error %d, %d changes\n", i.UsersGaining, i.UsersLosing, i.UsersChanged, i.UsersInError, i.ChangeCount())
	seats := func(c licensing.SeatCounts) string {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, p := range i.Products {
		fmt.Fprintf(&b, "%s: %d %d %d, %s → %s\n", p.Product.ID, p.UsersGaining, p.UsersLosing, p.UsersInError, seats(p.SeatsBefore), seats(p.SeatsAfter))
	}
	page, err := i.Changes(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != i.ChangeCount() {
		t.Fatalf("%d changes are counted, %d listed", i.ChangeCount(), len(page.Items))
	}
	for _, c := range page.Items {
		fmt.Fprintf(&b, "%s %s %s +%d −%d", c.UserID, c.Product.ID, c.Kind, len(c.PlansAdded), len(c.PlansRemoved))
		for _, e := range c.Errors {
			fmt.Fprintf(&b, " %s %v %s", e.Code, e.Plan != nil, e.Message())
		}
		b.WriteString("\n")
	}
	return b.String()
}

// known leaves out of an operation what the product does not offer.
func known(op oracle.Operation) oracle.Operation {
	plain := func(adds []oracle.Add) []oracle.Add {
		adds = slices.Clone(adds)
		for i := range adds {
			adds[i].Switch = nil
		}
		return adds
	}
	switch op := op.(type) {
	case oracle.Assign:
		op.Add = plain(op.Add)
		return op
	case oracle.CreateUser:
		op.Licenses = plain(op.Licenses)
		return op
	}
	return op
}
