package licensing

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// SubscriptionOutcome is an Outcome with the subscription and its product. On a dry run both
// read as they stand; a created subscription is nil.
type SubscriptionOutcome struct {
	*Outcome
	Subscription *Subscription
	Product      *SubscribedProduct
}

// CreateSubscriptionInput buys seats of a product; Seats nil is unlimited.
type CreateSubscriptionInput struct {
	Product  uuid.UUID
	Seats    *int
	Status   SubscriptionStatus // ENABLED where empty
	StartsAt *clock.Instant     // now where nil
	RenewsAt *clock.Instant
	EndsAt   *clock.Instant
	DryRun   bool
}

// CreateSubscription buys seats; where the subscription is live, waiting users get them in the
// same commit (R13). One that is to be ENABLED and starts later is SCHEDULED until then; other
// statuses record a purchase that stands there already.
//
// Errors: NOT_FOUND, PRODUCT_RETIRED; INVALID_VALUE (seats, status, startsAt, endsAt); REQUIRED
// (startsAt of a scheduled one).
func (s *Service) CreateSubscription(ctx context.Context, tenant uuid.UUID, in CreateSubscriptionInput) (*SubscriptionOutcome, error) {
	return s.subscribe(ctx, tenant, Options{Action: audit.SubscriptionCreate, DryRun: in.DryRun}, in.Plan())
}

// Plan returns what CreateSubscription plans.
func (in CreateSubscriptionInput) Plan() *SubscriptionPlan {
	return &SubscriptionPlan{plan: func(_ context.Context, d *Draft) (*tenantgraph.Subscription, error) {
		p := d.Graph.Product(in.Product)
		if p == nil {
			return nil, unknownProduct().At("productId")
		}
		if p.RetiredAt != nil {
			return nil, assignable(d.Graph, p, false).At("productId")
		}
		if err := checkSeats(d.Graph, p, in.Seats, uuid.Nil); err != nil {
			return nil, err
		}
		sub, refusal := in.begin(d)
		if refusal != nil {
			return nil, refusal
		}
		key, err := d.newID()
		if err != nil {
			return nil, err
		}
		sub.ID = key
		d.Summary(purchaseText(p, sub))
		recordSubscription(d, nil, sub)
		return sub, nil
	}}
}

// UpdateSubscriptionInput changes a subscription.
type UpdateSubscriptionInput struct {
	ID                  uuid.UUID
	Seats               optional.Optional[int] // set to nil: unlimited
	Status              SubscriptionStatus     // kept where empty
	RenewsAt            optional.Optional[clock.Instant]
	EndsAt              optional.Optional[clock.Instant]
	AllowOverAllocation bool
	ExpectedVersion     *int
	DryRun              bool
	AcknowledgeLosses   *int
}

// UpdateSubscription changes seats, status and dates. Moving a past endsAt to a later date, or
// clearing it, renews an expired subscription: it is ENABLED again, unless the input says where
// it stands. ENABLED makes a scheduled one begin now.
//
// Errors: NOT_FOUND, VERSION_CONFLICT; INVALID_VALUE (seats, status, endsAt, or a cancelled
// subscription); SEATS_BELOW_CONSUMED with SeatDetails (R15).
func (s *Service) UpdateSubscription(ctx context.Context, tenant uuid.UUID, in UpdateSubscriptionInput) (*SubscriptionOutcome, error) {
	o := Options{Action: audit.SubscriptionUpdate, DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
	return s.subscribe(ctx, tenant, o, in.Plan())
}

// Plan returns what UpdateSubscription plans.
func (in UpdateSubscriptionInput) Plan() *SubscriptionPlan {
	s := &SubscriptionPlan{allow: in.AllowOverAllocation, field: "seats"}
	s.plan = func(_ context.Context, d *Draft) (*tenantgraph.Subscription, error) {
		before, p, err := subscriptionIn(d, in.ID, in.ExpectedVersion)
		if err != nil {
			return nil, err
		}
		after, refusal := in.apply(d, before)
		if refusal != nil {
			return nil, refusal
		}
		if after == nil {
			return nil, nil //nolint:nilnil // nothing changes
		}
		if err := checkSeats(d.Graph, p, after.Seats, in.ID); err != nil {
			return nil, err
		}
		after.UpdatedAt, after.Version = d.Now, before.Version+1
		d.Summary(updateText(p, before, after))
		recordSubscription(d, before, after)
		asBefore := *after // a change of status is not lowering (R15): judged is what the seats do
		asBefore.Seats = before.Seats
		s.from = &asBefore
		return after, nil
	}
	return s
}

// CancelSubscriptionInput ends a subscription for good.
type CancelSubscriptionInput struct {
	ID                  uuid.UUID
	AllowOverAllocation bool
	ExpectedVersion     *int
	DryRun              bool
	AcknowledgeLosses   *int
}

// CancelSubscription ends a subscription. With the last live one of a product, nobody holds
// the product any more; its assignments stay, in error (R16).
//
// Errors: NOT_FOUND, VERSION_CONFLICT; SEATS_BELOW_CONSUMED with SeatDetails where others of
// the product stay live, CONFIRMATION_REQUIRED with LossDetails where none does and anybody
// holds the product (R15).
func (s *Service) CancelSubscription(ctx context.Context, tenant uuid.UUID, in CancelSubscriptionInput) (*SubscriptionOutcome, error) {
	o := Options{Action: audit.SubscriptionCancel, DryRun: in.DryRun, AcknowledgeLosses: in.AcknowledgeLosses}
	return s.subscribe(ctx, tenant, o, in.Plan())
}

// Plan returns what CancelSubscription plans.
func (in CancelSubscriptionInput) Plan() *SubscriptionPlan {
	s := &SubscriptionPlan{allow: in.AllowOverAllocation, field: "id", cancels: true}
	s.plan = func(_ context.Context, d *Draft) (*tenantgraph.Subscription, error) {
		before, p, err := subscriptionIn(d, in.ID, in.ExpectedVersion)
		if err != nil || before.CancelledAt != nil {
			return nil, err
		}
		after := *before
		after.Status, after.CancelledAt, after.UpdatedAt, after.Version = string(SubscriptionCancelled), &d.Now, d.Now, before.Version+1
		d.Summary(fmt.Sprintf("%s of %s cancelled", seatText(before.Seats), p.DisplayName))
		recordSubscription(d, before, &after)
		s.from = before
		return &after, nil
	}
	return s
}

// askBeforeTheLast makes the end of a product's last live subscription a loss to be
// acknowledged at any number of users (R15).
func askBeforeTheLast(d *Draft, p *Product) {
	groups := 0
	for _, a := range d.Graph.Assignments() {
		if a.ProductID == p.ID && !a.Scheduled {
			groups++
		}
	}
	d.AskAboutLosses(func(users int) *fault.Error {
		return fault.New(fault.ConfirmationRequired,
			"This is the last live subscription of %s: %d users would lose it, and the assignments to %d groups would be in error.", p.DisplayName, users, groups)
	})
}

// SubscriptionPlan is what a change of one subscription plans: first what it is to be, then,
// once everything is planned, what its product's seats come to.
type SubscriptionPlan struct {
	plan    func(ctx context.Context, d *Draft) (*tenantgraph.Subscription, error) // nil where nothing changes
	from    *tenantgraph.Subscription                                              // with which its seats are compared; nil where it begins
	allow   bool                                                                   // over-allocation
	field   string
	cancels bool

	draft *Draft
	sub   *tenantgraph.Subscription // nil where nothing changes
}

// Plan records in the draft what the subscription is to be. Errors: those of the input, but for
// those of Check.
func (p *SubscriptionPlan) Plan(ctx context.Context, d *Draft) (err error) {
	p.draft = d
	if p.sub, err = p.plan(ctx, d); err != nil || p.sub == nil {
		return err
	}
	d.putSubscription(p.sub)
	from := p.from
	if from == nil { // it brings all that it has
		none := *p.sub
		none.Status, none.CancelledAt = string(SubscriptionCancelled), &d.Now
		from = &none
	}
	d.from = append(d.from, from)
	return nil
}

// Check looks at the product's seats as all that is planned leaves them.
//
// Errors: INVALID_VALUE (R14), SEATS_BELOW_CONSUMED (R15).
func (p *SubscriptionPlan) Check(ctx context.Context, d *Draft) error {
	if p.sub == nil {
		return nil
	}
	after, product := d.edit.Graph(), d.Graph.Product(p.sub.ProductID)
	if !p.cancels {
		if err := checkSeats(after, product, p.sub.Seats, p.sub.ID); err != nil {
			return err
		}
	}
	if p.from == nil {
		return nil
	}
	live := slices.ContainsFunc(after.Subscriptions(product.ID), func(o *tenantgraph.Subscription) bool { return o.Live() })
	if p.cancels && p.from.Live() && !live {
		askBeforeTheLast(d, product)
		return nil
	}
	return checkShrink(ctx, d, product, p.allow, p.field)
}

// subscribe runs a change of one subscription.
func (s *Service) subscribe(ctx context.Context, tenant uuid.UUID, o Options, p *SubscriptionPlan) (*SubscriptionOutcome, error) {
	out, err := s.Change(ctx, tenant, o, func(ctx context.Context, d *Draft) error {
		if err := p.Plan(ctx, d); err != nil {
			return err
		}
		return p.Check(ctx, d)
	})
	if err != nil {
		return nil, err
	}
	done, sub := &SubscriptionOutcome{Outcome: out}, p.sub
	if sub == nil {
		return done, nil
	}
	g := p.draft.edit.Graph()
	if o.DryRun {
		g = p.draft.Graph
	}
	if stands := g.Subscription(sub.ID); stands != nil {
		done.Subscription = subscriptionOf(g, stands)
	}
	products, err := s.SubscribedProductsByID(ctx, tenant, []uuid.UUID{sub.ProductID})
	if err != nil {
		return nil, err
	}
	done.Product = products[0]
	return done, nil
}

func (d *Draft) putSubscription(sub *tenantgraph.Subscription) {
	d.changed = true
	d.edit.PutSubscription(sub)
	p := d.Graph.Product(sub.ProductID)
	d.event.Subjects = append(d.event.Subjects, audit.Subject{ID: id.Format(id.Subscription, sub.ID), Name: p.DisplayName, ProductID: p.NodeID()})
}

func subscriptionIn(d *Draft, key uuid.UUID, expected *int) (*tenantgraph.Subscription, *Product, error) {
	sub := d.Graph.Subscription(key)
	if sub == nil {
		return nil, nil, fault.New(fault.NotFound, "There is no such subscription.").At("id")
	}
	p := d.Graph.Product(sub.ProductID)
	if expected != nil && *expected != sub.Version {
		return nil, nil, VersionConflict(locale.T("The subscription of %s", p.DisplayName), sub.Version, *expected)
	}
	return sub, p, nil
}

// checkSeats refuses what no count can hold (R14). All subscriptions count that are not
// cancelled: when one begins or is resumed by its dates, nobody is there to be refused. self is
// the one whose seats they are, if it exists already.
func checkSeats(g *tenantgraph.Graph, p *Product, seats *int, self uuid.UUID) error {
	if seats == nil {
		return nil
	}
	if *seats < 0 {
		return fault.New(fault.InvalidValue, "%d seats: a subscription cannot have fewer than 0.", *seats).
			Fix("Pass 0 or more, or null for unlimited.").At("seats")
	}
	units := int64(*seats)
	for _, o := range g.Subscriptions(p.ID) {
		if o.ID != self && o.CancelledAt == nil && o.Seats != nil {
			units += int64(*o.Seats)
		}
	}
	if units > math.MaxInt32 {
		return fault.New(fault.InvalidValue, "With %d seats, %s would have more than %d in all.", *seats, p.DisplayName, math.MaxInt32).
			Fix("Pass fewer, or null for unlimited.").At("seats")
	}
	return nil
}

// checkShrink refuses a total below what is consumed, unless over-allocation is allowed (R15):
// the total with the product's subscriptions as they are to be, where that is less than with the
// forms that they are compared with.
func checkShrink(ctx context.Context, d *Draft, p *Product, allow bool, field string) error {
	if allow {
		return nil
	}
	compared := d.edit.Graph().Edit()
	for _, from := range d.from {
		compared.PutSubscription(from)
	}
	before, wasUnlimited := compared.Graph().Seats(p.ID)
	units, unlimited := d.edit.Graph().Seats(p.ID)
	if unlimited || !wasUnlimited && units >= before {
		return nil
	}
	counts, err := loadCounters(ctx, d.Tx, d.Tenant)
	if err != nil {
		return err
	}
	consumed := counts[p.ID].Consumed
	if units >= consumed {
		return nil
	}
	seats := int(units)
	suspended, lockedOut := idleUnits(d.Graph, p.ID)
	return fault.New(fault.SeatsBelowConsumed, "%s would have %d seats, and %d are consumed.", p.DisplayName, units, consumed).
		Fix("Free %d seats first, or pass allowOverAllocation: true; holders then keep theirs and newcomers wait.", consumed-units).
		At(field).With(&SeatDetails{Product: p, Total: &seats, Consumed: int(consumed), Suspended: suspended, LockedOut: lockedOut})
}

func subscriptionOf(g *tenantgraph.Graph, s *tenantgraph.Subscription) *Subscription {
	ends := s.EndsAt
	if s.CancelledAt != nil {
		ends = s.CancelledAt
	}
	return &Subscription{
		ID: s.ID, Product: g.Product(s.ProductID), Seats: s.Seats, Status: SubscriptionStatus(s.Status),
		StartsAt: s.StartsAt, RenewsAt: s.RenewsAt, EndsAt: ends, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, Version: s.Version,
	}
}

// CapabilityOf returns what holders of a product can do with it: the status of its best
// subscription (R16).
func CapabilityOf(g *tenantgraph.Graph, product uuid.UUID) Capability {
	best := CapabilityNone
	for _, s := range g.Subscriptions(product) {
		if c := Capability(s.Status); s.Live() && slices.Index(capabilities, c) < slices.Index(capabilities, best) {
			best = c
		}
	}
	return best
}

// capabilities, the best first.
var capabilities = []Capability{CapabilityEnabled, CapabilityWarning, CapabilitySuspended, CapabilityLockedOut, CapabilityNone}

// idleUnits returns the units of live subscriptions that do not count (R16).
func idleUnits(g *tenantgraph.Graph, product uuid.UUID) (suspended, lockedOut int) {
	for _, s := range g.Subscriptions(product) {
		switch {
		case s.Seats == nil:
		case s.Status == string(SubscriptionSuspended):
			suspended += *s.Seats
		case s.Status == string(SubscriptionLockedOut):
			lockedOut += *s.Seats
		}
	}
	return suspended, lockedOut
}

func seatText(seats *int) string {
	if seats == nil {
		return "unlimited seats"
	}
	if *seats == 1 {
		return "1 seat"
	}
	return fmt.Sprintf("%d seats", *seats)
}

func seatField(seats *int) *string {
	text := "unlimited"
	if seats != nil {
		text = fmt.Sprint(*seats)
	}
	return &text
}

// SubscriptionByID returns a subscription, or nil.
func (s *Service) SubscriptionByID(ctx context.Context, tenant, key uuid.UUID) (*Subscription, error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if sub := g.Subscription(key); sub != nil {
		return subscriptionOf(g, sub), nil
	}
	return nil, nil //nolint:nilnil // unknown is no error
}

// SubscribedProducts returns the products that the tenant has, or had, a subscription of, by
// display name, then id, with their seats.
func (s *Service) SubscribedProducts(ctx context.Context, tenant uuid.UUID) ([]*SubscribedProduct, error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return nil, err
	}
	counts, used, err := loadBoth(ctx, s.db.Reader(), g)
	return subscribed(g, counts, keptIn(g, used), g.SubscribedProducts()), err
}

// SubscribedProductsByID returns some products with their seats, nil where the tenant never
// had a subscription.
func (s *Service) SubscribedProductsByID(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*SubscribedProduct, error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return nil, err
	}
	counts, used, err := loadBoth(ctx, s.db.Reader(), g)
	return subscribed(g, counts, keptIn(g, used), subscribedIn(g, ids)), err
}

// subscribedIn returns products, nil where there never was a subscription.
func subscribedIn(g *tenantgraph.Graph, ids []uuid.UUID) []*Product {
	products := make([]*Product, len(ids))
	for i, key := range ids {
		if p := g.Product(key); p != nil && len(g.Subscriptions(key)) > 0 {
			products[i] = p
		}
	}
	return products
}

func subscribed(g *tenantgraph.Graph, counts map[uuid.UUID]counters, kept map[uuid.UUID]int64, products []*Product) []*SubscribedProduct {
	all := make([]*SubscribedProduct, len(products))
	for i, p := range products {
		if p == nil {
			continue
		}
		sp := &SubscribedProduct{Product: p, Capability: CapabilityOf(g, p.ID), Seats: seatCounts(g, p.ID, counts[p.ID], kept[p.ID])}
		for _, sub := range g.Subscriptions(p.ID) {
			sp.Subscriptions = append(sp.Subscriptions, subscriptionOf(g, sub))
		}
		all[i] = sp
	}
	return all
}
