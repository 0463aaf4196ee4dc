package licensing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
)

const (
	// groupsTried bounds how many groups are tried for the user to join, those first that bring the
	// fewest assignments.
	groupsTried = 200
	// holdersLookedAt bounds whose seats of a product are thought of as free, the latest
	// assignments first; productsToFree, of how many products.
	holdersLookedAt = 20
	productsToFree  = 3
	// waitersLookedAt bounds the line of a product, of which seats are kept for groups, that is tried.
	waitersLookedAt = 1000
)

// Proposals returns single changes each of which alone would allow what an explanation says is not
// allowed, the smallest first and at most three of a kind; none where it is allowed. They are tried
// in memory, by the rules, on the state of the user; nothing is locked. It takes at most eight
// statements, whatever the number of proposals.
//
// A change that touches others too, such as one of a group's assignment, is proposed only where
// everybody who waits for a product that the user then needs a seat of would find one: who else
// would get the seats is not looked at.
func (s *Service) Proposals(ctx context.Context, x *PlanExplanation) ([]*Proposal, error) {
	if x.Decision.Allowed || x.view.then {
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
	limits  engine.Places             // of groups' assignments
	kept    map[uuid.UUID]int64       // seats of products for groups
	places  map[uuid.UUID]int         // of the user, by the product waited for
	needed  map[uuid.UUID]int64       // of these, how many seats must be left for one to be the user's
	members map[uuid.UUID]int         // direct members of the groups that matter
	direct  map[uuid.UUID]int         // direct assignments, by product without a live subscription
	served  map[engine.ID]bool        // sources that wait, and are admitted with these seats
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
		seats = maps.Clone(e.seats)
		seats[t.of.Index] = *t.seat
	}
	c := &engine.Case{Before: before, After: t.after, Barred: t.barred, Users: []engine.ID{e.v.User.ID}, Judged: t.judged, Refused: e.v.state.Sources}
	limits := e.limits
	if t.shared || t.seat != nil { // others may want the same places first
		limits = engine.Places{}
		for key, place := range e.limits {
			bought := t.seat != nil && place.Product == t.of.Index
			if place.Limit != engine.NoLimit { // one that the user gives up may be another's; one comes with the seat
				place.Limit = place.Used - num(before.Admitted(key)) + num(bought && e.served[key])
			}
			if bought { // the seat is the user's, whoever it is kept for
				place.Reserve, place.Kept = 0, 0
			}
			limits[key] = place
		}
	}
	after, refusal, err := e.g.Rules.Try(c, seats, limits, e.now)
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
	return seat.Unlimited || seat.Total-seat.Consumed-seat.Kept >= e.counts[p.ID].InError
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
	var used map[uuid.UUID]int64
	if e.counts, used, err = loadBoth(ctx, q, e.g); err != nil {
		return err
	}
	e.limits, e.kept = placesIn(e.g, used), keptIn(e.g, used)
	e.seats = supplies(e.g, e.g, e.counts, e.kept)
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
	e.places, e.needed, e.served, e.holders = map[uuid.UUID]int{}, map[uuid.UUID]int64{}, map[engine.ID]bool{}, map[uuid.UUID][]*UserView{}
	waiting := e.waitingFor()
	places, err := places(ctx, e.s.db.Reader(), e.s.db.Dialect(), e.g.Tenant, waiting, []uuid.UUID{e.v.User.ID}, "license_violations")
	if err != nil {
		return err
	}
	for _, p := range waiting {
		e.places[p] = places[inLineKey{p, e.v.User.ID}]
	}
	if err := e.findNeeded(ctx); err != nil {
		return err
	}
	var first []uuid.UUID // one seat less taken, and it is the user's
	for _, p := range waiting {
		seat := e.seats[e.g.Product(p).Index]
		if e.needed[p] > 0 && seat.Total-(seat.Consumed-1) >= e.needed[p] && len(first) < productsToFree {
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
			AND a.user_id IS NOT NULL AND NOT a.scheduled ORDER BY a.id DESC LIMIT %d) x%d`, len(args), holdersLookedAt, len(args)))
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
	}, `SELECT product_id, count(*) FROM assignments WHERE tenant_id = $1 AND user_id IS NOT NULL AND NOT scheduled AND `+
		e.s.db.Dialect().In("product_id", 2)+` GROUP BY product_id`, e.g.Tenant, e.s.db.Dialect().UUIDArray(products))
	if err != nil {
		return fmt.Errorf("count direct assignments: %w", err)
	}
	return nil
}
