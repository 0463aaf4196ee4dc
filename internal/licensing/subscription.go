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
	StartsAt *clock.Instant
	RenewsAt *clock.Instant
	EndsAt   *clock.Instant
	DryRun   bool
}

// CreateSubscription buys seats; waiting users get them in the same commit (R13).
//
// Errors: NOT_FOUND, PRODUCT_RETIRED, INVALID_VALUE (seats).
func (s *Service) CreateSubscription(ctx context.Context, tenant uuid.UUID, in CreateSubscriptionInput) (*SubscriptionOutcome, error) {
	return s.subscribe(ctx, tenant, audit.SubscriptionCreate, in.DryRun, func(d *Draft) (*tenantgraph.Subscription, error) {
		p := d.Graph.Product(in.Product)
		if p == nil {
			return nil, unknownProduct().At("productId")
		}
		if p.RetiredAt != nil {
			return nil, assignable(d.Graph, p).At("productId")
		}
		if err := checkSeats(d.Graph, p, in.Seats, 0); err != nil {
			return nil, err
		}
		key, err := d.newID()
		if err != nil {
			return nil, err
		}
		d.Summary(fmt.Sprintf("%s of %s", seatText(in.Seats), p.DisplayName))
		d.Field("seats", nil, seatField(in.Seats))
		return &tenantgraph.Subscription{
			ID: key, ProductID: p.ID, Seats: in.Seats, Status: string(SubscriptionEnabled), StartsAt: d.Now, LiveSince: &d.Now,
			CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1,
		}, nil
	})
}

// UpdateSubscriptionInput changes a subscription's seats.
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

// UpdateSubscription changes seats.
//
// Errors: NOT_FOUND, VERSION_CONFLICT, INVALID_VALUE (seats, or a cancelled subscription),
// SEATS_BELOW_CONSUMED with SeatDetails (R15).
func (s *Service) UpdateSubscription(ctx context.Context, tenant uuid.UUID, in UpdateSubscriptionInput) (*SubscriptionOutcome, error) {
	return s.subscribe(ctx, tenant, audit.SubscriptionUpdate, in.DryRun, func(d *Draft) (*tenantgraph.Subscription, error) {
		before, p, err := s.subscription(d, in.ID, in.ExpectedVersion)
		if err != nil {
			return nil, err
		}
		after := *before
		if in.Seats.Set {
			after.Seats = in.Seats.Value
		}
		if sameInt(before.Seats, after.Seats) {
			return nil, nil //nolint:nilnil // nothing changes
		}
		if !before.Live() {
			return nil, fault.New(fault.InvalidValue, "The subscription is cancelled, which is final.").
				Fix("Create another one with createSubscription.").At("id")
		}
		old := 0
		if before.Seats != nil {
			old = *before.Seats
		}
		if err := checkSeats(d.Graph, p, after.Seats, old); err != nil {
			return nil, err
		}
		after.UpdatedAt, after.Version = d.Now, before.Version+1
		d.Summary(fmt.Sprintf("%s of %s, was %s", seatText(after.Seats), p.DisplayName, seatText(before.Seats)))
		d.Field("seats", seatField(before.Seats), seatField(after.Seats))
		return &after, s.checkShrink(ctx, d, p, &after, in.AllowOverAllocation, "seats")
	})
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
// Errors: NOT_FOUND, VERSION_CONFLICT, SEATS_BELOW_CONSUMED with SeatDetails where others of
// the product stay live (R15).
func (s *Service) CancelSubscription(ctx context.Context, tenant uuid.UUID, in CancelSubscriptionInput) (*SubscriptionOutcome, error) {
	return s.subscribe(ctx, tenant, audit.SubscriptionCancel, in.DryRun, func(d *Draft) (*tenantgraph.Subscription, error) {
		before, p, err := s.subscription(d, in.ID, in.ExpectedVersion)
		if err != nil || !before.Live() {
			return nil, err
		}
		after := *before
		after.Status, after.CancelledAt, after.UpdatedAt, after.Version = string(SubscriptionCancelled), &d.Now, d.Now, before.Version+1
		d.Summary(fmt.Sprintf("%s of %s cancelled", seatText(before.Seats), p.DisplayName))
		was, is := string(SubscriptionEnabled), string(SubscriptionCancelled)
		d.Field("status", &was, &is)
		others := slices.ContainsFunc(d.Graph.Subscriptions(p.ID), func(o *tenantgraph.Subscription) bool { return o.Live() && o.ID != in.ID })
		if !others {
			return &after, nil
		}
		return &after, s.checkShrink(ctx, d, p, &after, in.AllowOverAllocation, "id")
	})
}

// subscribe runs a change of one subscription; plan returns nil where nothing changes.
func (s *Service) subscribe(ctx context.Context, tenant uuid.UUID, action audit.Action, dryRun bool,
	plan func(d *Draft) (*tenantgraph.Subscription, error),
) (*SubscriptionOutcome, error) {
	var draft *Draft
	var sub *tenantgraph.Subscription
	out, err := s.Change(ctx, tenant, Options{Action: action, DryRun: dryRun}, func(_ context.Context, d *Draft) (err error) {
		draft = d
		if sub, err = plan(d); err != nil || sub == nil {
			return err
		}
		d.changed = true
		d.edit.PutSubscription(sub)
		d.Subject(id.Subscription, sub.ID, d.Graph.Product(sub.ProductID).DisplayName)
		return nil
	})
	if err != nil {
		return nil, err
	}
	o := &SubscriptionOutcome{Outcome: out}
	if sub == nil {
		return o, nil
	}
	g := draft.edit.Graph()
	if dryRun {
		g = draft.Graph
	}
	if stands := g.Subscription(sub.ID); stands != nil {
		o.Subscription = subscriptionOf(g, stands)
	}
	products, err := s.SubscribedProductsByID(ctx, tenant, []uuid.UUID{sub.ProductID})
	if err != nil {
		return nil, err
	}
	o.Product = products[0]
	return o, nil
}

func (s *Service) subscription(d *Draft, key uuid.UUID, expected *int) (*tenantgraph.Subscription, *Product, error) {
	sub := d.Graph.Subscription(key)
	if sub == nil {
		return nil, nil, fault.New(fault.NotFound, "There is no such subscription.").At("id")
	}
	p := d.Graph.Product(sub.ProductID)
	if expected != nil && *expected != sub.Version {
		return nil, nil, VersionConflict("The subscription of "+p.DisplayName, sub.Version, *expected)
	}
	return sub, p, nil
}

// checkSeats refuses what no count can hold (R14); old is what the subscription has now.
func checkSeats(g *tenantgraph.Graph, p *Product, seats *int, old int) *fault.Error {
	if seats == nil {
		return nil
	}
	if *seats < 0 {
		return fault.New(fault.InvalidValue, "%d seats: a subscription cannot have fewer than 0.", *seats).
			Fix("Pass 0 or more, or null for unlimited.").At("seats")
	}
	units, _ := g.Seats(p.ID)
	if units-int64(old)+int64(*seats) > math.MaxInt32 {
		return fault.New(fault.InvalidValue, "With %d seats, %s would have more than %d in all.", *seats, p.DisplayName, math.MaxInt32).
			Fix("Pass fewer, or null for unlimited.").At("seats")
	}
	return nil
}

// checkShrink refuses a total below what is consumed, unless over-allocation is allowed (R15).
func (s *Service) checkShrink(ctx context.Context, d *Draft, p *Product, after *tenantgraph.Subscription, allow bool, field string) error {
	if allow {
		return nil
	}
	counts, err := loadCounters(ctx, d.Tx, d.Tenant)
	if err != nil {
		return err
	}
	e := d.Graph.Edit()
	e.PutSubscription(after)
	units, unlimited := e.Graph().Seats(p.ID)
	before, wasUnlimited := d.Graph.Seats(p.ID)
	consumed := counts[p.ID].Consumed
	if unlimited || units >= consumed || !wasUnlimited && units >= before {
		return nil
	}
	total := int(units)
	return fault.New(fault.SeatsBelowConsumed, "%s would have %d seats, and %d are consumed.", p.DisplayName, units, consumed).
		Fix("Free %d seats first, or pass allowOverAllocation: true; holders then keep theirs and newcomers wait.", consumed-units).
		At(field).With(&SeatDetails{Product: p, Total: &total, Consumed: int(consumed)})
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
	return s.subscribed(ctx, g, g.SubscribedProducts())
}

// SubscribedProductsByID returns some products with their seats, nil where the tenant never
// had a subscription.
func (s *Service) SubscribedProductsByID(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*SubscribedProduct, error) {
	g, err := s.Graph(ctx, tenant)
	if err != nil {
		return nil, err
	}
	products := make([]*Product, len(ids))
	for i, key := range ids {
		if p := g.Product(key); p != nil && len(g.Subscriptions(key)) > 0 {
			products[i] = p
		}
	}
	return s.subscribed(ctx, g, products)
}

func (s *Service) subscribed(ctx context.Context, g *tenantgraph.Graph, products []*Product) ([]*SubscribedProduct, error) {
	counts, err := loadCounters(ctx, s.db.Reader(), g.Tenant)
	if err != nil {
		return nil, err
	}
	all := make([]*SubscribedProduct, len(products))
	for i, p := range products {
		if p == nil {
			continue
		}
		sp := &SubscribedProduct{Product: p, Capability: CapabilityOf(g, p.ID), Seats: seatCounts(g, p.ID, counts[p.ID])}
		for _, sub := range g.Subscriptions(p.ID) {
			sp.Subscriptions = append(sp.Subscriptions, subscriptionOf(g, sub))
		}
		all[i] = sp
	}
	return all, nil
}
