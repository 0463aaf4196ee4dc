package licensing_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle/worlds"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// drawn is a random tenant that can be built again.
type drawn struct {
	p     *product
	ops   []oracle.Operation
	state *oracle.State
	now   int64
}

// draw draws a tenant.
func draw(t *rapid.T, p *product) *drawn {
	d := &drawn{p: p}
	var world worlds.World
	d.ops = world.Start(t)
	state := oracle.New()
	for i, op := range d.ops {
		op.Apply(state, int64(i+1))
	}
	for range rapid.IntRange(4, 16).Draw(t, "operations") {
		op := world.Next(t, state)
		d.ops = append(d.ops, op)
		op.Apply(state, int64(len(d.ops)))
	}
	d.build(t)
	return d
}

// build makes the tenant anew.
func (d *drawn) build(t *rapid.T) {
	h := newHistory(t, d.p)
	for _, op := range d.ops {
		h.now++
		before := h.state.Clone()
		want := op.Apply(h.state, h.now)
		if _, _, err := d.p.apply(t.Context(), op, h.now, before, h.state, want, false); err != nil {
			t.Fatal(err)
		}
	}
	d.state, d.now = h.state, h.now
	d.p.clock.Advance(1000)
}

func (d *drawn) view(t *rapid.T, user uuid.UUID) *licensing.UserView {
	views, err := d.p.service.ReadUsers(t.Context(), d.p.tenant, []uuid.UUID{user})
	if err != nil {
		t.Fatal(err)
	}
	return views[0]
}

func (d *drawn) proposals(t *rapid.T, v *licensing.UserView, plan uuid.UUID) []*licensing.Proposal {
	all, err := d.p.service.Proposals(t.Context(), v.ExplainPlan(v.Graph().Plan(plan)))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// carryOut runs a proposal's mutation with its input. Where the tenant asks for it, and it is no dry
// run, the losses are acknowledged.
func (p *product) carryOut(ctx context.Context, t interface{ Fatal(...any) }, mutation string, in map[string]any, dryRun bool) (*licensing.Outcome, error) {
	people, err := directory.New(directory.Config{DB: p.db, Licensing: p.service})
	if err != nil {
		t.Fatal(err)
	}
	key := func(v any) uuid.UUID {
		_, u, err := id.ParseAny(v.(string))
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	keys := func(list any) []uuid.UUID {
		var all []uuid.UUID
		items, _ := list.([]any)
		for _, v := range items {
			all = append(all, key(v))
		}
		return all
	}
	acknowledged := ptr(1 << 30)
	if dryRun {
		acknowledged = nil
	}
	switch mutation {
	case "updateUser":
		update := directory.UpdateUserInput{ID: key(in["id"]), DryRun: dryRun, AcknowledgeLosses: acknowledged}
		if c, ok := in["usageLocation"]; ok {
			update.UsageLocation = optional.Of(c.(string))
		}
		if on, ok := in["accountEnabled"]; ok {
			update.AccountEnabled = optional.Of(on.(bool))
		}
		out, err := people.UpdateUser(ctx, p.tenant, update)
		if err != nil {
			return nil, err
		}
		return out.Outcome, nil
	case "addGroupMembers", "removeGroupMembers":
		change := directory.MembersInput{Group: key(in["groupId"]), DryRun: dryRun, AcknowledgeLosses: acknowledged}
		for _, m := range in["memberIds"].([]any) {
			change.MemberIDs = append(change.MemberIDs, m.(string))
		}
		run := people.AddGroupMembers
		if mutation == "removeGroupMembers" {
			run = people.RemoveGroupMembers
		}
		out, err := run(ctx, p.tenant, change)
		if err != nil {
			return nil, err
		}
		return out.Outcome, nil
	case "updateSubscription":
		update := licensing.UpdateSubscriptionInput{ID: key(in["id"]), DryRun: dryRun, AcknowledgeLosses: acknowledged}
		if n, ok := in["seats"]; ok {
			update.Seats = optional.Of(int(n.(int64)))
		}
		if s, ok := in["status"]; ok {
			update.Status = licensing.SubscriptionStatus(s.(string))
		}
		if _, ok := in["endsAt"]; ok {
			update.EndsAt.Set = true
		}
		out, err := p.service.UpdateSubscription(ctx, p.tenant, update)
		if err != nil {
			return nil, err
		}
		return out.Outcome, nil
	case "createSubscription":
		out, err := p.service.CreateSubscription(ctx, p.tenant, licensing.CreateSubscriptionInput{
			Product: key(in["productId"]), Seats: ptr(int(in["seats"].(int64))), DryRun: dryRun,
		})
		if err != nil {
			return nil, err
		}
		return out.Outcome, nil
	case "assignLicenses":
	default:
		t.Fatal("unknown mutation ", mutation)
	}
	assign := licensing.AssignInput{DryRun: dryRun, AcknowledgeLosses: acknowledged, Remove: keys(in["remove"])}
	for _, v := range in["principalIds"].([]any) {
		kind, u, err := id.ParseAny(v.(string))
		if err != nil {
			t.Fatal(err)
		}
		assign.Principals = append(assign.Principals, licensing.PrincipalRef{Kind: kind, ID: u})
	}
	items, _ := in["add"].([]any)
	for _, v := range items {
		item := v.(map[string]any)
		add := licensing.LicenseInput{Product: key(item["productId"])}
		plans, _ := item["plans"].(map[string]any)
		for field, list := range plans {
			switch field {
			case "except":
				add.Plans = &licensing.SelectionInput{Mode: "EXCEPT", Plans: keys(list)}
			case "only":
				add.Plans = &licensing.SelectionInput{Mode: "ONLY", Plans: keys(list)}
			case "switch":
				s := list.(map[string]any)
				add.Switch = &licensing.SwitchInput{On: keys(s["on"]), Off: keys(s["off"])}
			}
		}
		assign.Add = append(assign.Add, add)
	}
	out, err := p.service.Assign(ctx, p.tenant, assign)
	if err != nil {
		return nil, err
	}
	for _, r := range out.Results {
		if len(r.Errors) > 0 {
			return nil, r.Errors[0]
		}
	}
	return out.Outcome, nil
}

func plansOn(v *licensing.UserView) oracle.Set {
	on := oracle.Set{}
	for _, l := range v.Licenses() {
		for _, p := range l.Plans() {
			if p.Enabled {
				on[p.Plan.ID] = true
			}
		}
	}
	return on
}

// denied is a user and a plan that the user may not use.
type denied struct{ user, plan uuid.UUID }

// pick draws a few of those who may not: some to whom a product with the plan comes, and some to whom none does.
func (d *drawn) pick(t *rapid.T, most int) []denied {
	var near, far []denied
	for _, user := range d.state.LiveUsers() {
		v := d.view(t, user)
		for _, plan := range v.Graph().Plans {
			switch v.DecidePlan(plan).Reason {
			case licensing.DecisionEnabled:
			case licensing.DecisionNotLicensed:
				far = append(far, denied{user, plan.ID})
			default:
				near = append(near, denied{user, plan.ID})
			}
		}
	}
	var picked []denied
	for _, list := range [][]denied{near, far} {
		if len(list) > 0 {
			list = rapid.Permutation(list).Draw(t, "who")
			picked = append(picked, list[:min(len(list), most)]...)
		}
	}
	return picked
}

// Each proposal's mutation, alone, allows the plan: its dry run is not refused, and once it is made
// the plan may be used and what is said to be lost is lost. One seat fewer than proposed would not do.
func TestEachProposalAllowsThePlanOnRandomWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it is concurrent, and with the race detector it takes minutes")
	}
	seen := map[licensing.ProposalKind]int{}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			d := draw(rt, p)
			for _, who := range d.pick(rt, 2) {
				v := d.view(rt, who.user)
				before := plansOn(v)
				for _, proposal := range d.proposals(rt, v, who.plan) {
					seen[proposal.Kind]++
					out, err := p.carryOut(rt.Context(), rt, proposal.Mutation, proposal.Input, true)
					if err != nil || !out.Changed {
						rt.Fatalf("the dry run of %s, %v, is refused: %v", proposal.Explanation, proposal.Input, err)
					}
					made := func(in map[string]any) *licensing.UserView {
						if _, err := p.carryOut(rt.Context(), rt, proposal.Mutation, in, false); err != nil {
							rt.Fatalf("%s, %v: %v", proposal.Explanation, in, err)
						}
						defer d.build(rt)
						return d.view(rt, who.user)
					}
					after := made(proposal.Input)
					if decision := after.DecidePlan(after.Graph().Plan(who.plan)); !decision.Allowed {
						rt.Fatalf("after %s, %v, it is %s", proposal.Explanation, proposal.Input, decision.Reason)
					}
					lost := maps.Clone(before)
					maps.DeleteFunc(lost, func(plan uuid.UUID, _ bool) bool { return plansOn(after)[plan] })
					said := oracle.Set{}
					for _, plan := range proposal.PlansLost {
						said[plan.ID] = true
					}
					if !maps.Equal(lost, said) {
						rt.Fatalf("%s, %v loses %v, and says %v", proposal.Explanation, proposal.Input, lost.Sorted(), said.Sorted())
					}
					if proposal.Kind == licensing.BuySeats && proposal.Mutation == "updateSubscription" {
						fewer := maps.Clone(proposal.Input)
						fewer["seats"] = fewer["seats"].(int64) - 1
						if less := made(fewer); less.DecidePlan(less.Graph().Plan(who.plan)).Allowed {
							rt.Fatalf("%s, %v: a seat fewer would do", proposal.Explanation, proposal.Input)
						}
					}
				}
			}
		})
	})
	t.Logf("proposals: %v", seen)
}

// allowedByOracle tells whether the oracle allows a plan: it is on through a product that can be used, or comes
// by itself (R7).
func allowedByOracle(s *oracle.State, who denied) bool {
	usable := func(product oracle.ID) bool {
		for _, sub := range s.Subscriptions {
			if sub.Product == product && sub.Counts() {
				return true
			}
		}
		return false
	}
	for product, plans := range s.Products {
		if plans[who.plan] && usable(product) && (s.Effective(who.user, product)[who.plan] || s.Automatic[who.plan]) {
			return true
		}
	}
	return false
}

// roomy tells whether everybody would find a seat that is kept for nobody, and a place, of every product
// but one.
func roomy(s *oracle.State, but oracle.ID) bool {
	for product := range s.Products {
		total, limited := s.Total(product)
		if product != but && s.Subscribed(product) && limited && total-s.Consumed(product)-s.Kept(product) < len(s.Users) {
			return false
		}
	}
	for key, a := range s.Assignments {
		if key.Product != but && a.SeatLimit != nil && *a.SeatLimit-s.Used(key) < len(s.Users) {
			return false
		}
	}
	return true
}

// singleChanges are all changes of the kinds that are proposed, with those that touch others only where
// nobody lacks a seat of another product.
func singleChanges(s *oracle.State, user oracle.ID) map[licensing.ProposalKind][]oracle.Operation {
	all := map[licensing.ProposalKind][]oracle.Operation{}
	add := func(kind licensing.ProposalKind, op oracle.Operation) {
		all[kind] = append(all[kind], acknowledging(op))
	}
	for group := range s.Groups {
		change := oracle.GroupChange{Group: group, Add: []oracle.ID{user}}
		kind := licensing.JoinGroup
		if s.Memberships[oracle.Membership{Group: group, User: user}] {
			change, kind = oracle.GroupChange{Group: group, Remove: []oracle.ID{user}}, licensing.LeaveGroup
		}
		add(kind, oracle.ChangeMembers{Changes: []oracle.GroupChange{change}})
	}
	for _, country := range []string{"NL", "DE", "US", "FR"} {
		add(licensing.SetUsageLocation, oracle.MoveUser{User: user, Location: country})
	}
	for product := range s.Products {
		if _, has := s.Assignments[oracle.AssignmentKey{Principal: user, Product: product}]; !has {
			add(licensing.AssignProduct, oracle.Assign{Principals: []oracle.ID{user}, Add: []oracle.Add{{Product: product}}})
		}
	}
	reach := s.Reach(user)
	for _, key := range reach {
		if key.Principal != user && !roomy(s, uuid.Nil) {
			continue
		}
		principals := []oracle.ID{key.Principal}
		add(licensing.EndAssignment, oracle.Assign{Principals: principals, Remove: []oracle.ID{key.Product}})
		for plan := range s.Products[key.Product] {
			kind, change := licensing.SwitchPlansOn, oracle.Switch{On: []oracle.ID{plan}}
			if s.Selected(key)[plan] {
				kind, change = licensing.SwitchPlansOff, oracle.Switch{Off: []oracle.ID{plan}}
			}
			add(kind, oracle.Assign{Principals: principals, Add: []oracle.Add{{Product: key.Product, Switch: &change}}})
		}
	}
	for _, key := range reach {
		product := key.Product
		if !roomy(s, product) {
			continue
		}
		add(licensing.BuySeats, oracle.CreateSubscription{Subscription: uuid.New(), Product: product, Seats: ptr(1000)})
		for sub, x := range s.Subscriptions {
			if x.Product == product && !x.Cancelled && !x.Counts() && (s.Subscribed(product) || x.Seats == nil) {
				add(licensing.ResumeSubscription, oracle.UpdateSubscription{Subscription: sub, Seats: x.Seats, Status: "ENABLED"})
			}
		}
		_, waits := s.Violations[oracle.RowKey{User: user, Principal: key.Principal, Product: product}]
		for _, other := range s.LiveUsers() {
			_, direct := s.Assignments[oracle.AssignmentKey{Principal: other, Product: product}]
			if waits && direct && other != user {
				add(licensing.FreeSeat, oracle.Assign{Principals: []oracle.ID{other}, Remove: []oracle.ID{product}})
			}
		}
	}
	return all
}

// Where any single change of a kind would allow the plan, one of that kind is proposed: the oracle
// tries them all.
func TestWhatASingleChangeAllowsIsProposedOnRandomWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it is concurrent, and with the race detector it takes minutes")
	}
	seen := map[licensing.ProposalKind]int{}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			d := draw(rt, p)
			for _, who := range d.pick(rt, 4) {
				proposed := d.proposals(rt, d.view(rt, who.user), who.plan)
				for kind, ops := range singleChanges(d.state, who.user) {
					for _, op := range ops {
						after := d.state.Clone()
						if out := op.Apply(after, d.now+1); out.Refusal != "" || !allowedByOracle(after, who) {
							continue
						}
						seen[kind]++
						if !slices.ContainsFunc(proposed, func(p *licensing.Proposal) bool { return p.Kind == kind }) {
							rt.Fatalf("%s is not proposed, and %#v would do; proposed is %s", kind, op, kindsOf(proposed))
						}
					}
				}
			}
		})
	})
	t.Logf("changes that would do: %v", seen)
}

func kindsOf(all []*licensing.Proposal) string {
	var kinds []licensing.ProposalKind
	for _, p := range all {
		kinds = append(kinds, p.Kind)
	}
	return fmt.Sprint(kinds)
}

// A source suffices if and only if the plan stays on once the oracle has ended all others.
func TestWhatSufficesAloneIsWhatStaysOnWithoutAllOthersOnRandomWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it is concurrent, and with the race detector it takes minutes")
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			d := draw(rt, p)
			for _, user := range d.state.LiveUsers() {
				v := d.view(rt, user)
				for _, plan := range v.Graph().Plans {
					who := denied{user, plan.ID}
					x := v.ExplainPlan(plan)
					if x.Decision.Allowed != allowedByOracle(d.state, who) {
						rt.Fatalf("allowed %v, and the oracle says otherwise", x.Decision.Allowed)
					}
					for _, s := range x.Sources {
						if s.Verdict != licensing.VerdictEnables || s.Source.Assignment == nil {
							if s.Suffices && s.Source.Assignment != nil {
								rt.Fatalf("a source suffices that does not enable the plan: %+v", s)
							}
							continue
						}
						if want := staysAlone(d.state, who, s.Source.Assignment, d.now+1); s.Suffices != want {
							rt.Fatalf("source %+v suffices %v, want %v", s.Source.Assignment, s.Suffices, want)
						}
					}
				}
			}
		})
	})
}

// staysAlone gives the user the assignment directly, as it is, and takes everything else away.
func staysAlone(s *oracle.State, who denied, a *licensing.Assignment, now int64) bool {
	alone := s.Clone()
	keep := oracle.AssignmentKey{Principal: who.user, Product: a.Product.ID}
	if a.GroupID != nil {
		keep.Principal = *a.GroupID
	}
	for product := range alone.Products { // without it no other check is in the way, nor an automatic plan
		if product != keep.Product {
			for sub, x := range alone.Subscriptions {
				if x.Product == product {
					delete(alone.Subscriptions, sub)
				}
			}
		}
	}
	for _, key := range alone.Reach(who.user) {
		if key != keep {
			delete(alone.Assignments, key)
		}
	}
	maps.DeleteFunc(alone.Violations, func(k oracle.RowKey, _ oracle.Violation) bool {
		_, there := alone.Assignments[oracle.AssignmentKey{Principal: k.Principal, Product: k.Product}]
		return !there || !alone.Subscribed(k.Product)
	})
	oracle.Reprocess{}.Apply(alone, now) // what lacks its prerequisites goes, and what needs that
	return alone.On(who.user, keep)[who.plan]
}

// An account that is disabled is the one thing to change, where it is the only one (R19).
func TestDisabledAccountIsProposedToBeEnabledR19(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.assign(user(ann), give(base), nil, "")
		if _, err := o.carryOut(o.Context(), o, "updateUser", map[string]any{"id": id.Format(id.User, ann), "accountEnabled": false}, false); err != nil {
			t.Fatal(err)
		}
		proposed := func(plan uuid.UUID) []*licensing.Proposal {
			v := o.view(ann)
			all, err := o.service.Proposals(o.Context(), v.ExplainPlan(v.Graph().Plan(plan)))
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		if found := proposed(drive); len(found) > 0 {
			t.Errorf("single changes are proposed where two are needed: %s", kindsOf(found))
		}
		found := proposed(mail)
		if len(found) != 1 || found[0].Kind != licensing.EnableAccount {
			t.Fatalf("proposed is %s", kindsOf(found))
		}
		if _, err := o.carryOut(o.Context(), o, found[0].Mutation, found[0].Input, false); err != nil {
			t.Fatal(err)
		}
		if v := o.view(ann); !v.DecidePlan(v.Graph().Plan(mail)).Allowed {
			t.Error("the plan is not allowed with the account enabled")
		}
	})
}
