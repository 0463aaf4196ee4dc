package licensing_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

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
	grouped *licensing.Service // by cases, of users who are grouped by the database
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
	p.grouped, err = licensing.New(licensing.Config{DB: db, Clock: p.clock, NewID: p.newID, Log: zerolog.Nop(), ByCases: true, Load: -1})
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
		for _, table := range []string{"license_violations", "seat_counters", "place_counters", "assignments", "subscriptions", "memberships", "nestings",
			"group_counters", "groups", "user_words", "users", "audit_mentions", "audit_checkpoints", "audit_events", "exclusion_set_plans", "exclusion_sets",
			"plan_prerequisites", "plan_locations", "product_plans", "products", "plans", "former_catalogs"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		for _, of := range database.Histories() {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+database.HistoryOf(of)); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM tenants"); err != nil {
			return err
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
	if want.Refusal == oracle.Unconfirmed { // what was refused is what is to be asked for
		after = before.Clone()
		acknowledging(op).Apply(after, now)
	}
	switch op := op.(type) {
	case oracle.Assign:
		return p.assign(ctx, op, before, dryRun)
	case oracle.UpdateTenant:
		out, err := p.service.UpdateTenant(ctx, p.tenant, licensing.UpdateTenantInput{
			Country: &op.Country, LossThreshold: &op.LossThreshold, DryRun: dryRun, AcknowledgeLosses: op.Acknowledge,
		})
		if err != nil {
			return answered(nil, err)
		}
		return answered(out.Outcome, nil)
	case oracle.Due:
		if dryRun {
			return want, nil, nil // the clock asks nobody
		}
		due, err := p.service.ApplyDue(ctx)
		if err != nil || len(due.Failed) > 0 {
			return oracle.Outcome{}, nil, fmt.Errorf("%w %v", err, due.Failed)
		}
		return oracle.Outcome{Changed: due.Applied > 0, Turns: due.Applied}, nil, nil
	case oracle.ChangeCatalogue:
		if want.Refusal == "" && !want.Changed { // the import, which compares, would ask for nothing
			return want, nil, nil
		}
		return p.changeCatalogue(ctx, op, before, dryRun)
	case oracle.CreateSubscription:
		p.next = []uuid.UUID{op.Subscription}
		out, err := p.service.CreateSubscription(ctx, p.tenant, createInput(op, p.clock.Now(), dryRun))
		p.next = nil
		return subscriptionOutcome(out, err)
	case oracle.UpdateSubscription:
		out, err := p.service.UpdateSubscription(ctx, p.tenant, licensing.UpdateSubscriptionInput{
			ID: op.Subscription, Seats: optional.Optional[int]{Set: true, Value: op.Seats}, Status: licensing.SubscriptionStatus(op.Status),
			AllowOverAllocation: op.AllowOverAllocation, DryRun: dryRun, AcknowledgeLosses: op.Acknowledge,
		})
		return subscriptionOutcome(out, err)
	case oracle.CancelSubscription:
		out, err := p.service.CancelSubscription(ctx, p.tenant, licensing.CancelSubscriptionInput{
			ID: op.Subscription, AllowOverAllocation: op.AllowOverAllocation, DryRun: dryRun, AcknowledgeLosses: op.Acknowledge,
		})
		return subscriptionOutcome(out, err)
	case oracle.Reprocess:
		var all []licensing.PrincipalRef
		for _, u := range before.LiveUsers() {
			all = append(all, licensing.PrincipalRef{Kind: id.User, ID: u})
		}
		return answered(p.service.Reprocess(ctx, p.tenant, all, dryRun))
	}
	return p.changeDirectory(ctx, op, before, after, want, dryRun)
}

// answered translates an answer: a refusal, of the call itself or for want of a confirmation, is
// one whether it was previewed or not.
func answered(out *licensing.Outcome, err error) (oracle.Outcome, *licensing.Outcome, error) {
	refusal, impact := err, (*licensing.Outcome)(nil)
	if err == nil && out.Confirmation != nil {
		refusal, impact = out.Confirmation, out
	}
	if f, ok := fault.As(refusal); ok && f.Code.IsUserError() {
		o := oracle.Outcome{Refusal: oracle.Code(f.Code)}
		if d, ok := f.Details.(*licensing.LossDetails); ok {
			o.Losing = d.UsersLosing
		}
		return o, impact, nil
	}
	if err != nil {
		return oracle.Outcome{}, nil, err
	}
	return oracle.Outcome{Changed: out.Changed}, out, nil
}

func subscriptionOutcome(out *licensing.SubscriptionOutcome, err error) (oracle.Outcome, *licensing.Outcome, error) {
	if err != nil {
		return answered(nil, err)
	}
	return answered(out.Outcome, nil)
}

func createInput(op oracle.CreateSubscription, now clock.Instant, dryRun bool) licensing.CreateSubscriptionInput {
	in := licensing.CreateSubscriptionInput{Product: op.Product, Seats: op.Seats, Status: licensing.SubscriptionStatus(op.Status), DryRun: dryRun}
	if in.Status == licensing.SubscriptionScheduled {
		in.StartsAt = ptr(now.Add(1000 * time.Hour))
	}
	return in
}

// acknowledging is an operation with more losses acknowledged than there can be.
func acknowledging(op oracle.Operation) oracle.Operation {
	v := reflect.New(reflect.TypeOf(op)).Elem()
	v.Set(reflect.ValueOf(op))
	if f := v.FieldByName("Acknowledge"); f.IsValid() {
		f.Set(reflect.ValueOf(ptr(1 << 30)))
	}
	return v.Interface().(oracle.Operation)
}

// acknowledged is how many losses an operation acknowledges.
func acknowledged(op oracle.Operation) *int {
	if f := reflect.ValueOf(op).FieldByName("Acknowledge"); f.IsValid() {
		return f.Interface().(*int)
	}
	return nil
}

func (p *product) assign(ctx context.Context, op oracle.Assign, before *oracle.State, dryRun bool) (oracle.Outcome, *licensing.Outcome, error) {
	in := licensing.AssignInput{Remove: op.Remove, DryRun: dryRun, Atomic: op.Atomic, AcknowledgeLosses: op.Acknowledge}
	if op.Replace {
		in.Mode, in.Add = licensing.AssignReplace, []licensing.LicenseInput{}
	}
	for _, key := range op.Principals {
		ref := licensing.PrincipalRef{Kind: id.User, ID: key}
		if before.Groups[key] {
			ref.Kind = id.Group
		}
		in.Principals = append(in.Principals, ref)
	}
	in.Add = append(in.Add, p.licenseInputs(op.Add)...)
	out, err := p.service.Assign(ctx, p.tenant, in)
	if err != nil {
		return answered(nil, err)
	}
	if out.Confirmation != nil {
		return answered(out.Outcome, nil)
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

func (p *product) licenseInputs(adds []oracle.Add) []licensing.LicenseInput {
	var all []licensing.LicenseInput
	for _, a := range adds {
		in := licensing.LicenseInput{Product: a.Product, IncludeNested: a.IncludeNested, PlansFrom: a.PlansFrom, Replaces: a.Replaces,
			StartsAt: p.date(a.StartsAt), EndsAt: p.date(a.EndsAt)}
		if a.Priority != nil {
			in.Priority = optional.Of(*a.Priority)
		}
		if a.SeatLimit != nil {
			in.SeatLimit = optional.Null[int]()
			if *a.SeatLimit >= 0 {
				in.SeatLimit = optional.Of(*a.SeatLimit)
			}
		}
		if a.SeatReserve != nil {
			in.SeatReserve = optional.Of(*a.SeatReserve)
		}
		if a.Exclude != nil {
			in.ExcludeGroups = optional.Of(a.Exclude)
		}
		if a.Selection != nil {
			in.Plans = &licensing.SelectionInput{Mode: modes[a.Selection.Mode], Plans: a.Selection.Plans.Sorted()}
		}
		if a.Switch != nil {
			in.Switch = &licensing.SwitchInput{On: a.Switch.On, Off: a.Switch.Off}
		}
		all = append(all, in)
	}
	return all
}

func (p *product) date(d *oracle.Date) optional.Optional[clock.Instant] {
	switch {
	case d == nil:
		return optional.Optional[clock.Instant]{}
	case d.At == 0:
		return optional.Null[clock.Instant]()
	}
	return optional.Of(p.instant(d.At))
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
	out, err := p.service.Change(ctx, p.tenant, licensing.Options{Action: audit.UserUpdate, DryRun: dryRun, AcknowledgeLosses: acknowledged(op)}, func(_ context.Context, d *licensing.Draft) error {
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
				d.CreateUser(&principal.User{ID: key, DisplayName: key.String(), UserPrincipalName: name, UserType: principal.Member, UsageLocation: located(u.Location),
					AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			case !old.Deleted && u.Deleted:
				d.DeleteUser(users[key])
			case old.Deleted && !u.Deleted:
				d.RestoreUser(users[key])
			case old.Location != u.Location:
				moved := *users[key]
				moved.UsageLocation = located(u.Location)
				d.UpdateUser(users[key], &moved)
			}
		}
		if create, ok := op.(oracle.CreateUser); ok {
			if _, known := after.Users[create.User]; !known { // refused there: it must be here
				d.CreateUser(&principal.User{ID: create.User, DisplayName: "x", UserPrincipalName: create.User.String() + "@example.com",
					UserType: principal.Member, UsageLocation: located(create.Location), AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			}
			if err := d.AssignDirect(create.User, p.licenseInputs(create.Licenses), true); err != nil {
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
	o, shown, err := answered(out, err)
	if err == nil && o.Refusal == "" {
		o.Members = want.Members
	}
	return o, shown, err
}

func located(country string) *string {
	if country == "" {
		return nil
	}
	return &country
}

// changeCatalogue replaces the whole catalogue by what the operation asks for.
func (p *product) changeCatalogue(ctx context.Context, op oracle.ChangeCatalogue, before *oracle.State, dryRun bool) (oracle.Outcome, *licensing.Outcome, error) {
	after := before.Clone()
	maps.Copy(after.Products, op.Products)
	if op.Exclusions != nil {
		after.Exclusions = op.Exclusions
	}
	if op.Requires != nil {
		after.Requires = op.Requires
	}
	if op.Locations != nil {
		after.Locations = op.Locations
	}
	if op.Automatic != nil {
		after.Automatic = op.Automatic
	}
	data := tenantgraph.CatalogData{ProductPlans: map[uuid.UUID][]uuid.UUID{}, Requires: map[uuid.UUID][]uuid.UUID{}}
	plans := oracle.Set{}
	maps.Copy(plans, after.Automatic)
	for plan := range after.Locations {
		plans[plan] = true
	}
	for plan, needs := range after.Requires {
		plans[plan] = true
		maps.Copy(plans, needs)
		data.Requires[plan] = needs.Sorted()
	}
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
		data.Plans = append(data.Plans, tenantgraph.Plan{ID: plan, ServicePlanName: plan.String(), DisplayName: plan.String(), DisplayNameKey: plan.String(),
			AutoAssigned: after.Automatic[plan], Location: tenantgraph.Location(after.Locations[plan])})
	}
	impacts, err := p.service.ChangeCatalog(ctx, licensing.CatalogOptions{DryRun: dryRun, AcknowledgeLosses: op.Acknowledge}, func(_ context.Context, _ *database.Tx, before tenantgraph.CatalogData) (*licensing.CatalogPlan, error) {
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
		return answered(nil, err)
	}
	for _, i := range impacts {
		if i.Tenant == p.tenant {
			i.Outcome.Changed = true
			return answered(i.Outcome, nil)
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
