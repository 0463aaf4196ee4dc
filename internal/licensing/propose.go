package licensing

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/principal"
)

const (
	// groupsTried bounds how many groups are tried for the user to join, those first that bring the
	// fewest assignments.
	groupsTried = 200
	// holdersLookedAt bounds whose seats of a product are thought of as free, the latest
	// assignments first; productsToFree, of how many products.
	holdersLookedAt = 20
	productsToFree  = 3
)

// Proposals returns single changes each of which alone would allow what an explanation says is not
// allowed, the smallest first and at most three of a kind; none where it is allowed. They are tried
// in memory, by the rules, on the state of the user; nothing is locked. It takes at most six
// statements, whatever the number of proposals.
//
// A change that touches others too, such as one of a group's assignment, is proposed only where
// everybody who waits for a product that the user then needs a seat of would find one: who else
// would get the seats is not looked at.
func (s *Service) Proposals(ctx context.Context, x *PlanExplanation) ([]*Proposal, error) {
	if x.Decision.Allowed {
		return nil, nil
	}
	e := &explainer{s: s, v: x.view, g: x.view.graph, plan: x.Plan, now: int64(s.clock.Now())}
	if !x.User.AccountEnabled { // nothing else is the only thing that is missing
		e.enable()
		return e.found, nil
	}
	if err := e.read(ctx); err != nil {
		return nil, err
	}
	e.locate()
	e.editSources()
	e.changeGroups()
	e.assign()
	e.subscribe()
	e.freeSeats()
	if e.err != nil {
		return nil, e.err
	}
	return smallestFirst(e.found), nil
}

// explainer looks for proposals.
type explainer struct {
	s    *Service
	v    *UserView
	g    *tenantgraph.Graph
	plan *Plan
	now  int64

	counts  map[uuid.UUID]counters
	seats   engine.Seats
	places  map[uuid.UUID]int         // of the user, by the product waited for
	members map[uuid.UUID]int         // direct members of the groups that matter
	direct  map[uuid.UUID]int         // direct assignments, by product without a live subscription
	holders map[uuid.UUID][]*UserView // who has a product directly, by product waited for

	on      engine.PlanSet
	held    map[int32]bool
	helpful engine.PlanSet // the plan, and what it or a source that waits with it may need

	found []*Proposal
	err   error
}

// trial is a change of the user's state to be tried.
type trial struct {
	after  []engine.Source
	barred engine.PlanSet
	ended  []engine.ID // sources whose assignment the change removes
	judged bool        // it is a call on the user's own assignments
	shared bool        // it touches others, who may want the same seats
	seat   *engine.Seat
	of     *Product // whose seats are as in seat, and which can be used, where seat is set
}

// allows tells whether the plan may be used after a change, and which plans go off.
func (e *explainer) allows(t trial) (lost engine.PlanSet, ok bool) {
	before := e.v.state
	before.Sources = slices.Clone(before.Sources)
	for i := range before.Sources {
		before.Sources[i].Ended = slices.Contains(t.ended, before.Sources[i].Key)
	}
	seats := e.seats
	if t.seat != nil {
		seats = engine.Seats{}
		for p, seat := range e.seats {
			seats[p] = seat
		}
		seats[t.of.Index] = *t.seat
	}
	c := &engine.Case{Before: before, After: t.after, Barred: t.barred, Users: []engine.ID{e.v.User.ID}, Judged: t.judged, Refused: e.v.state.Sources}
	after, refusal, err := e.g.Rules.Try(c, seats, e.now)
	if err != nil {
		e.err = fmt.Errorf("try a proposal: %w", err)
		return nil, false
	}
	if refusal != nil {
		return nil, false
	}
	allowed := t.seat != nil && e.plan.AutoAssigned && t.of.Set.Has(e.plan.Index)
	licenses := e.g.Rules.Derive(after)
	for _, l := range licenses {
		p := e.g.ProductAt(l.Product)
		if l.On.Has(e.plan.Index) && (t.seat != nil && p == t.of || CapabilityOf(e.g, p.ID).Usable()) {
			allowed = true
		}
		if l.Held && !e.held[l.Product] && t.shared && !(t.seat != nil && p == t.of) && !e.roomForAll(p) {
			return nil, false
		}
	}
	return e.on.Minus(engine.On(licenses)), allowed
}

// roomForAll tells whether everybody who waits for a product would find a seat.
func (e *explainer) roomForAll(p *Product) bool {
	seat := e.seats[p.Index]
	return seat.Unlimited || seat.Total-seat.Consumed >= e.counts[p.ID].InError
}

// propose keeps a proposal where the trial allows the plan.
func (e *explainer) propose(t trial, p Proposal) bool {
	lost, ok := e.allows(t)
	if ok {
		p.PlansLost = e.g.PlansIn(lost)
		e.found = append(e.found, &p)
	}
	return ok
}

// same is a trial that leaves the user's facts as they are.
func (e *explainer) same() trial {
	return trial{after: slices.Clone(e.v.state.Sources), barred: e.v.state.Barred}
}

func (e *explainer) userID() string { return e.v.User.NodeID() }

// enable proposes to enable the account.
func (e *explainer) enable() {
	enabled, d := *e.v, *e.v.derived
	enabled.User.AccountEnabled = true
	d.user, enabled.derived = &enabled.User, &d
	if enabled.DecidePlan(e.plan).Allowed {
		e.found = append(e.found, &Proposal{
			Kind: EnableAccount, Mutation: "updateUser", Input: object{"id": e.userID(), "accountEnabled": true},
			Explanation: locale.T("Enables the account of %s.", e.v.User.DisplayName),
		})
	}
}

// read reads what hangs on others, and works out what all trials start from.
func (e *explainer) read(ctx context.Context) (err error) {
	q := e.s.db.Reader()
	if e.counts, err = loadCounters(ctx, q, e.g.Tenant); err != nil {
		return err
	}
	e.seats = supplies(e.g, e.g, e.counts)
	licenses := e.g.Rules.Derive(e.v.state)
	e.on, e.held = engine.On(licenses), map[int32]bool{}
	targets := engine.NewPlanSet(e.plan.Index)
	for _, l := range licenses {
		e.held[l.Product] = l.Held
		for _, s := range l.Sources {
			if !s.Admitted && s.Selected.Has(e.plan.Index) {
				targets = targets.Union(s.Selected)
			}
		}
	}
	e.helpful = e.g.Rules.Prerequisites(targets)
	if err := e.readPlaces(ctx); err != nil {
		return err
	}
	var groups, idle []uuid.UUID
	for _, s := range e.v.state.Sources {
		if !s.Direct {
			groups = append(groups, e.g.Descendants(uuid.UUID(s.Principal))...)
		}
	}
	for _, p := range e.idle() {
		idle = append(idle, p.ID)
	}
	groups = append(groups, e.g.GroupsReachedBy(idle)...)
	e.members = map[uuid.UUID]int{}
	if len(groups) > 0 {
		if e.members, err = e.s.MemberCounts(ctx, e.g.Tenant, sortedIDs(groups)); err != nil {
			return err
		}
	}
	return e.readDirect(ctx, idle)
}

// readPlaces reads the user's places in line, and who could give up a seat to the user.
func (e *explainer) readPlaces(ctx context.Context) error {
	e.places, e.holders = map[uuid.UUID]int{}, map[uuid.UUID][]*UserView{}
	waiting := e.waitingFor()
	places, err := e.s.places(ctx, e.g.Tenant, waiting, []uuid.UUID{e.v.User.ID})
	if err != nil {
		return err
	}
	var first []uuid.UUID // one seat less taken, and it is the user's
	for _, p := range waiting {
		place := places[inLineKey{p, e.v.User.ID}]
		e.places[p] = place
		seat := e.seats[e.g.Product(p).Index]
		if place > 0 && seat.Total-(seat.Consumed-1) >= int64(place) && len(first) < productsToFree {
			first = append(first, p)
		}
	}
	if len(first) == 0 {
		return nil
	}
	var parts []string
	args := []any{e.g.Tenant}
	for _, p := range first {
		args = append(args, p)
		parts = append(parts, fmt.Sprintf(`SELECT * FROM (SELECT a.product_id, a.user_id FROM assignments a WHERE a.tenant_id = $1 AND a.product_id = $%d
			AND a.user_id IS NOT NULL ORDER BY a.id DESC LIMIT %d) x%d`, len(args), holdersLookedAt, len(args)))
	}
	var products, users []uuid.UUID
	err = database.Each(ctx, e.s.db.Reader(), func(scan func(...any) error) error {
		var product, user uuid.UUID
		err := scan(&product, &user)
		products, users = append(products, product), append(users, user)
		return err
	}, strings.Join(parts, " UNION ALL "), args...)
	if err != nil {
		return fmt.Errorf("look for seats to free: %w", err)
	}
	if len(users) == 0 {
		return nil
	}
	views, err := e.s.ReadUsers(ctx, e.g.Tenant, users)
	if err != nil {
		return err
	}
	for i, v := range views {
		if v != nil && v.User.DeletedAt == nil && v.graph == e.g {
			e.holders[products[i]] = append(e.holders[products[i]], v)
		}
	}
	return nil
}

// waitingFor returns the products of which the user waits for a seat, by display name.
func (e *explainer) waitingFor() []uuid.UUID {
	var products []uuid.UUID
	for _, l := range e.v.licenses {
		for _, s := range l.Sources {
			if slices.ContainsFunc(s.Errors, func(e *LicenseError) bool { return e.Code == fault.CountViolation }) && !slices.Contains(products, l.Product.ID) {
				products = append(products, l.Product.ID)
			}
		}
	}
	return products
}

// idle returns the products without a live subscription of which the user has a source, by display
// name.
func (e *explainer) idle() []*Product {
	var products []*Product
	for _, l := range e.v.licenses {
		if _, live := e.g.LiveSince(l.Product.ID); !live {
			products = append(products, l.Product)
		}
	}
	return products
}

func (e *explainer) readDirect(ctx context.Context, products []uuid.UUID) error {
	e.direct = map[uuid.UUID]int{}
	if len(products) == 0 {
		return nil
	}
	err := database.Each(ctx, e.s.db.Reader(), func(scan func(...any) error) error {
		var product uuid.UUID
		var n int
		err := scan(&product, &n)
		e.direct[product] = n
		return err
	}, `SELECT product_id, count(*) FROM assignments WHERE tenant_id = $1 AND user_id IS NOT NULL AND `+
		e.s.db.Dialect().In("product_id", 2)+` GROUP BY product_id`, e.g.Tenant, e.s.db.Dialect().UUIDArray(products))
	if err != nil {
		return fmt.Errorf("count direct assignments: %w", err)
	}
	return nil
}

// locate proposes another usage location: the tenant's country, or else the first by code of those
// with which the fewest plans are lost (R11).
func (e *explainer) locate() {
	rules := e.g.Rules
	named := rules.Countries()
	countries := append([]string{e.g.Country}, named...)
	for _, c := range country.Codes() {
		if !slices.Contains(named, c) { // any of these will do
			countries = append(countries, c)
			break
		}
	}
	var best *Proposal
	for _, code := range countries {
		t := e.same()
		if t.barred = rules.Barred(code); t.barred.Equal(e.v.state.Barred) {
			continue
		}
		lost, ok := e.allows(t)
		if !ok || best != nil && len(best.PlansLost) <= lost.Len() {
			continue
		}
		best = &Proposal{
			Kind: SetUsageLocation, Mutation: "updateUser", Input: object{"id": e.userID(), "usageLocation": code},
			Explanation: locale.T("Sets the usage location of %s to %s.", e.v.User.DisplayName, code), PlansLost: e.g.PlansIn(lost),
		}
		if code == e.g.Country {
			break
		}
	}
	if best != nil {
		e.found = append(e.found, best)
	}
}

// editSources proposes to end the assignments that reach the user, and to switch their plans.
func (e *explainer) editSources() {
	for i := range e.v.state.Sources {
		src, shown := &e.v.state.Sources[i], e.v.shown[i]
		e.switchOn(i, src, shown)
		e.switchOff(i, src, shown)
		t := e.edit(i, src)
		t.after, t.ended = slices.Delete(t.after, i, i+1), []engine.ID{src.Key}
		kind, key, name := e.principalOf(shown)
		e.propose(t, Proposal{
			Kind: EndAssignment, Mutation: "assignLicenses", Input: assignInput(kind, key, "remove", shown.Assignment.Product.NodeID()),
			Explanation: locale.T("Ends the assignment of %s to %s.", shown.Assignment.Product.DisplayName, name), UsersTouched: e.others(shown), name: name,
		})
	}
}

// edit is a trial that changes the assignment of a source.
func (e *explainer) edit(i int, src *engine.Source) trial {
	t := e.same()
	t.judged, t.shared = src.Direct, !src.Direct
	t.after[i] = *src
	return t
}

func (e *explainer) principalOf(s *Source) (id.Kind, uuid.UUID, string) {
	if s.Group != nil {
		return id.Group, s.Group.ID, s.Group.DisplayName
	}
	return id.User, e.v.User.ID, e.v.User.DisplayName
}

// others is how many other users an assignment reaches at most: members of several groups are
// counted with each.
func (e *explainer) others(s *Source) int {
	if s.Group == nil {
		return 0
	}
	n, groups := -1, []uuid.UUID{s.Group.ID}
	if s.Assignment.IncludeNested {
		groups = e.g.Descendants(s.Group.ID)
	}
	for _, g := range groups {
		n += e.members[g]
	}
	return max(n, 0)
}

// switchOn proposes to switch on, in an assignment that leaves them off, plans that may help: each
// alone, and all together.
func (e *explainer) switchOn(i int, src *engine.Source, shown *Source) {
	off := e.g.ProductAt(src.Product).Set.Minus(src.Selected).Intersect(e.helpful)
	e.eachAndAll(off, func(plans engine.PlanSet) bool {
		t := e.edit(i, src)
		t.after[i].Selected = src.Selected.Union(plans)
		return e.switchPlans(t, SwitchPlansOn, "on", plans, shown)
	})
}

// switchOff proposes to switch plans off that stand in the way: each alone; all of the source that
// cannot be on beside the plan; and all that exclude what a source with the plan selects.
func (e *explainer) switchOff(i int, src *engine.Source, shown *Source) {
	rules, plan := e.g.Rules, engine.NewPlanSet(e.plan.Index)
	try := func(plans engine.PlanSet) bool {
		t := e.edit(i, src)
		t.after[i].Selected = src.Selected.Minus(plans)
		return e.switchPlans(t, SwitchPlansOff, "off", plans, shown)
	}
	found := false
	for p := range src.Selected.Intersect(rules.Ruled().Union(e.v.state.Barred)).Minus(plan).All() {
		found = try(engine.NewPlanSet(p)) || found
	}
	if found {
		return
	}
	if src.Selected.Has(e.plan.Index) {
		if obstacles, ok := rules.Obstacles(e.v.state.Barred, e.on, src.Selected, plan); ok && obstacles.Len() > 1 {
			try(obstacles)
		}
	}
	var wanted engine.PlanSet
	for _, s := range e.v.state.Sources {
		if s.Selected.Has(e.plan.Index) {
			wanted = wanted.Union(s.Selected)
		}
	}
	if against := src.Selected.Intersect(rules.Excluded(wanted)).Minus(plan); against.Len() > 1 {
		try(against)
	}
}

func (e *explainer) switchPlans(t trial, kind ProposalKind, field string, set engine.PlanSet, shown *Source) bool {
	plans := e.g.PlansIn(set)
	of, key, name := e.principalOf(shown)
	product := shown.Assignment.Product
	text := locale.T("Switches %s on in the assignment of %s to %s.", planNames(plans), product.DisplayName, name)
	if kind == SwitchPlansOff {
		text = locale.T("Switches %s off in the assignment of %s to %s.", planNames(plans), product.DisplayName, name)
	}
	return e.propose(t, Proposal{
		Kind: kind, Mutation: "assignLicenses", Input: switchInput(of, key, product, field, plans), Explanation: text,
		UsersTouched: e.others(shown), size: len(plans), name: name,
	})
}

// eachAndAll tries plans one by one, and all at once where none of them alone will do.
func (e *explainer) eachAndAll(plans engine.PlanSet, try func(engine.PlanSet) bool) {
	found := false
	for p := range plans.All() {
		found = try(engine.NewPlanSet(p)) || found
	}
	if !found && plans.Len() > 1 {
		try(plans)
	}
}

// changeGroups proposes to leave groups, and to join others.
func (e *explainer) changeGroups() {
	own := e.v.GroupIDs()
	for i, group := range own {
		t := e.same()
		t.after = sources(e.g, slices.Delete(slices.Clone(own), i, i+1), e.v.direct)
		if len(t.after) == len(e.v.state.Sources) {
			continue
		}
		e.propose(t, e.membership(LeaveGroup, "removeGroupMembers", group, locale.T("Takes %s out of the group %s.",
			e.v.User.DisplayName, e.g.Group(group).DisplayName)))
	}
	for _, group := range e.groupsToJoin(own) {
		t := e.same()
		for _, r := range e.g.LiveReach(group) {
			if !slices.ContainsFunc(t.after, func(s engine.Source) bool { return s.Key == engine.ID(r.ID) }) {
				t.after = append(t.after, engine.Source{Assignment: r.Engine, Selected: r.Selected})
			}
		}
		p := e.membership(JoinGroup, "addGroupMembers", group, locale.T("Makes %s a member of the group %s.",
			e.v.User.DisplayName, e.g.Group(group).DisplayName))
		p.size = len(t.after)
		e.propose(t, p)
	}
}

func (e *explainer) membership(kind ProposalKind, mutation string, group uuid.UUID, text locale.Text) Proposal {
	return Proposal{
		Kind: kind, Mutation: mutation, Input: object{"groupId": id.Format(id.Group, group), "memberIds": []any{e.userID()}},
		Explanation: text, name: e.g.GroupNameKey(group),
	}
}

// groupsToJoin returns groups that bring a plan that may help, the fewest assignments first.
func (e *explainer) groupsToJoin(own []uuid.UUID) []uuid.UUID {
	var products []uuid.UUID
	for _, p := range e.helpfulProducts() {
		products = append(products, p.ID)
	}
	groups := slices.DeleteFunc(e.g.GroupsReachedBy(products), func(g uuid.UUID) bool { return slices.Contains(own, g) })
	slices.SortFunc(groups, func(a, b uuid.UUID) int {
		return cmp.Or(cmp.Compare(len(e.g.Reach(a)), len(e.g.Reach(b))), strings.Compare(e.g.GroupNameKey(a), e.g.GroupNameKey(b)), compareUUIDs(a, b))
	})
	return groups[:min(len(groups), groupsTried)]
}

// helpfulProducts are those with a live subscription that bring a plan that may help, by display
// name.
func (e *explainer) helpfulProducts() []*Product {
	return slices.DeleteFunc(e.g.SubscribedProducts(), func(p *Product) bool {
		_, live := e.g.LiveSince(p.ID)
		return !live || !p.Set.Overlaps(e.helpful)
	})
}

// assign proposes to assign products to the user: with all plans, else with all but those that
// stand in the way, else with those only that help.
func (e *explainer) assign() {
	if e.v.User.UsageLocation == nil { // R11
		return
	}
	for _, p := range e.helpfulProducts() {
		if p.RetiredAt != nil || slices.ContainsFunc(e.v.direct, func(a *tenantgraph.Assignment) bool { return a.ProductID == p.ID }) {
			continue
		}
		keep := engine.NewPlanSet(e.plan.Index).Intersect(p.Set)
		obstacles, _ := e.g.Rules.Obstacles(e.v.state.Barred, e.on, p.Set, keep)
		needed := e.helpful
		if !keep.Empty() {
			needed = e.g.Rules.Prerequisites(keep)
		}
		needed = needed.Intersect(p.Set)
		plan := object{"productId": p.NodeID()}
		if e.assignPlans(p, p.Set, plan, locale.T("Assigns %s to %s.", p.DisplayName, e.v.User.DisplayName)) {
			continue
		}
		if off := e.g.PlansIn(obstacles); len(off) > 0 && e.assignPlans(p, p.Set.Minus(obstacles), object{"productId": p.NodeID(), "plans": object{"except": planIDs(off)}},
			locale.T("Assigns %s to %s, without %s.", p.DisplayName, e.v.User.DisplayName, planNames(off))) {
			continue
		}
		e.eachAndAll(needed, func(set engine.PlanSet) bool {
			only := e.g.PlansIn(set)
			return e.assignPlans(p, set, object{"productId": p.NodeID(), "plans": object{"only": planIDs(only)}},
				locale.T("Assigns %s to %s, with %s only.", p.DisplayName, e.v.User.DisplayName, planNames(only)))
		})
	}
}

func (e *explainer) assignPlans(p *Product, selected engine.PlanSet, add object, text locale.Text) bool {
	t := e.same()
	t.judged = true
	t.after = append(t.after, engine.Source{Selected: selected, Assignment: &engine.Assignment{
		Key: p.ID, Product: p.Index, Sku: p.ID, Direct: true, Created: e.now,
	}})
	return e.propose(t, Proposal{
		Kind: AssignProduct, Mutation: "assignLicenses", Input: assignInput(id.User, e.v.User.ID, "add", add), Explanation: text,
		size: selected.Len(), name: p.DisplayNameKey,
	})
}

// subscribe proposes to buy seats, and to resume or begin subscriptions, of the products that the
// user has a source of, and of those that would bring the plan to everybody (R7).
func (e *explainer) subscribe() {
	var products []*Product
	for _, l := range e.v.licenses {
		products = append(products, l.Product)
	}
	if e.plan.AutoAssigned {
		products = append(products, e.plan.Products...)
	}
	for i, p := range products {
		if slices.Index(products, p) < i {
			continue
		}
		e.buy(p)
		for _, sub := range e.g.Subscriptions(p.ID) {
			if sub.CancelledAt == nil && !sub.Counts() {
				e.resume(p, sub)
			}
		}
	}
}

// supply is a trial in which a product has so many units that one is left for the user once all
// who come first have theirs; touched is how many others the change concerns at most.
func (e *explainer) supply(p *Product) (t trial, units int64, touched int) {
	t = e.same()
	t.shared, t.of, t.seat = true, p, &engine.Seat{Unlimited: true}
	c := e.counts[p.ID]
	if _, live := e.g.LiveSince(p.ID); live {
		if place := e.places[p.ID]; place > 0 {
			return t, c.Consumed + int64(place), place - 1
		}
		return t, c.Consumed, int(c.Consumed + c.Waiting) // who holds it can use it again
	}
	n := int64(e.direct[p.ID]) // everybody is a newcomer
	for _, group := range e.g.GroupsReachedBy([]uuid.UUID{p.ID}) {
		n += int64(e.members[group])
	}
	for _, r := range e.g.Inherit(e.v.members) {
		if r.ProductID == p.ID {
			t.after = append(t.after, engine.Source{Assignment: r.Engine, Selected: r.Selected})
		}
	}
	for _, a := range e.v.direct {
		if a.ProductID == p.ID {
			b := e.g.Bind(a)
			b.Engine.Key = p.ID
			t.after = append(t.after, engine.Source{Assignment: b.Engine, Selected: b.Selected})
		}
	}
	return t, max(n, 1), int(max(n-1, 0))
}

// buy proposes to raise the seats of a subscription that counts, else to create one.
func (e *explainer) buy(p *Product) {
	t, units, touched := e.supply(p)
	total, unlimited := e.g.Seats(p.ID)
	_, live := e.g.LiveSince(p.ID)
	usable := CapabilityOf(e.g, p.ID).Usable()
	if unlimited || live && usable && e.places[p.ID] == 0 {
		return
	}
	made := Proposal{Kind: BuySeats, UsersTouched: touched, name: p.DisplayNameKey}
	missing := max(units-total, 1)
	for _, sub := range e.g.Subscriptions(p.ID) {
		if !sub.Counts() || sub.Seats == nil {
			continue
		}
		seats := int64(*sub.Seats) + missing
		if seats > math.MaxInt32 {
			return
		}
		made.Mutation, made.Input = "updateSubscription", object{"id": id.Format(id.Subscription, sub.ID), "seats": seats}
		made.Explanation = locale.T("Raises the seats of a subscription of %s from %d to %d: enough for %s and for all who wait longer.",
			p.DisplayName, *sub.Seats, seats, e.v.User.DisplayName)
		made.size = int(missing)
		e.propose(t, made)
		return
	}
	if p.RetiredAt != nil || missing > math.MaxInt32 {
		return
	}
	made.Mutation, made.Input, made.size = "createSubscription", object{"productId": p.NodeID(), "seats": missing}, int(missing)
	made.Explanation = locale.T("Creates a subscription of %s with %d seats: enough for %s and for all who come first.",
		p.DisplayName, missing, e.v.User.DisplayName)
	e.propose(t, made)
}

// resume proposes to make a subscription ENABLED that is suspended, locked out or yet to begin,
// where it has seats enough. One that has expired goes on without an end.
func (e *explainer) resume(p *Product, sub *tenantgraph.Subscription) {
	t, units, touched := e.supply(p)
	total, unlimited := e.g.Seats(p.ID)
	needed := units
	if _, live := e.g.LiveSince(p.ID); live && e.places[p.ID] == 0 || e.plan.AutoAssigned && len(t.after) == len(e.v.state.Sources) {
		needed = math.MinInt64 // who holds it, and who needs no seat, asks for none
	}
	if sub.Seats != nil && !unlimited && total+int64(*sub.Seats) < needed {
		return
	}
	input := object{"id": id.Format(id.Subscription, sub.ID), "status": string(SubscriptionEnabled)}
	if sub.EndsAt != nil && int64(*sub.EndsAt) <= e.now {
		input["endsAt"] = nil
	}
	e.propose(t, Proposal{
		Kind: ResumeSubscription, Mutation: "updateSubscription", Input: input, UsersTouched: touched, name: p.DisplayNameKey,
		Explanation: locale.T("Makes a subscription of %s ENABLED that is %s.", p.DisplayName, sub.Status),
	})
}

// freeSeats proposes to end a direct assignment of somebody who then no longer holds the product,
// those with a disabled account first, where its seat is the user's.
func (e *explainer) freeSeats() {
	for _, p := range e.waitingFor() {
		product := e.g.Product(p)
		holders := e.holders[p]
		slices.SortStableFunc(holders, func(a, b *UserView) int {
			return cmp.Compare(boolByte(a.User.AccountEnabled), boolByte(b.User.AccountEnabled))
		})
		found := 0
		for _, h := range holders {
			if found == proposalsPerKind || h.User.ID == e.v.User.ID || !e.givesUp(h, product) {
				continue
			}
			t := e.same()
			t.shared, t.of = true, product
			t.seat = &engine.Seat{Total: e.seats[product.Index].Consumed + 1, Consumed: e.seats[product.Index].Consumed}
			made := Proposal{
				Kind: FreeSeat, Mutation: "assignLicenses", Input: assignInput(id.User, h.User.ID, "remove", product.NodeID()), UsersTouched: 1,
				Explanation: freeText(product, &h.User), size: int(boolByte(h.User.AccountEnabled)), name: h.User.UserPrincipalName,
			}
			if !e.propose(t, made) {
				break // nobody's seat will do
			}
			found++
		}
	}
}

func freeText(p *Product, holder *principal.User) locale.Text {
	if !holder.AccountEnabled {
		return locale.T("Takes %s from %s, whose account is disabled: the seat goes to who waits first.", p.DisplayName, holder.DisplayName)
	}
	return locale.T("Takes %s from %s: the seat goes to who waits first.", p.DisplayName, holder.DisplayName)
}

// givesUp tells whether a user no longer holds a product once the own assignment of it ends, and
// nothing speaks against ending it.
func (e *explainer) givesUp(h *UserView, p *Product) bool {
	before := h.state
	before.Sources = slices.Clone(before.Sources)
	var after []engine.Source
	for i := range before.Sources {
		if src := &before.Sources[i]; src.Direct && src.Product == p.Index {
			src.Ended = true
		} else {
			after = append(after, *src)
		}
	}
	l := h.License(p.ID)
	if l == nil || !l.ConsumesSeat || len(after) == len(before.Sources) {
		return false
	}
	c := &engine.Case{Before: before, After: after, Barred: before.Barred, Users: []engine.ID{h.User.ID}, Judged: true, Refused: h.state.Sources}
	state, refusal, err := e.g.Rules.Try(c, e.seats, e.now)
	if err != nil {
		e.err = fmt.Errorf("try to free a seat: %w", err)
		return false
	}
	return refusal == nil && !slices.ContainsFunc(e.g.Rules.Derive(state), func(l engine.License) bool { return l.Product == p.Index && l.Held })
}
