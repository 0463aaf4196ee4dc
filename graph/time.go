package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// licenseTimeline lists what became of a user's licenses.
//
// Errors: BAD_USER_INPUT.
func (r *Resolver) licenseTimeline(ctx context.Context, user uuid.UUID, first *int, after *string) (*model.LicenseTimelineEntryConnection, error) {
	size, err := pageForward(first, after)
	if err != nil {
		return nil, err
	}
	c, err := r.licensing.LicenseTimeline(ctx, tenantOf(ctx), user, size, text(after))
	if err != nil {
		return nil, err
	}
	load(ctx).ExpectChanges(idsOf(c.Items, func(e *licensing.TimelineEntry) clock.Instant { return e.At }))
	return model.NewConnection(c), nil
}

// seatTimeline lists what changed for the users of a product.
//
// Errors: BAD_USER_INPUT.
func (r *Resolver) seatTimeline(ctx context.Context, product uuid.UUID, args paging.Args) (*model.SeatTimelineEntryConnection, error) {
	c, err := r.licensing.SeatTimeline(ctx, tenantOf(ctx), product, args)
	if err != nil {
		return nil, err
	}
	load(ctx).Expect(idsOf(c.Items, func(e *licensing.SeatChange) loaders.Ref { return loaders.Ref{Kind: id.Audit, ID: e.EventID} }))
	return model.NewConnection(c), nil
}

// changeAt returns the audit event of a change; nil where it is not kept.
func changeAt(ctx context.Context, at clock.Instant) (*model.AuditEvent, error) {
	e, err := load(ctx).ChangeAt(ctx, at)
	if e == nil {
		return nil, err
	}
	return &model.AuditEvent{Event: e}, nil
}

// seatsAsOf returns a product with its seats, or with those of an instant where one is given: none
// where there had been no subscription.
//
// Errors: BAD_USER_INPUT.
func seatsAsOf(ctx context.Context, p *licensing.SubscribedProduct, asOf *clock.Instant) (*licensing.SubscribedProduct, error) {
	if asOf == nil {
		return p, nil
	}
	then, err := load(ctx).SubscribedProductAsOf(ctx, p.Product.ID, *asOf)
	if then == nil {
		none := 0
		then = &licensing.SubscribedProduct{Product: p.Product, Capability: licensing.CapabilityNone, Seats: licensing.SeatCounts{Total: &none, Available: &none}}
	}
	return then, err
}
