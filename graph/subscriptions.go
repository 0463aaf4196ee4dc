package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
)

func (r *mutationResolver) createSubscription(ctx context.Context, in model.CreateSubscriptionInput) (*model.SubscriptionPayload, error) {
	if err := allowed(ctx, access.ManageSubscriptions); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	purchase, wrong := newSubscription(in)
	if len(wrong) > 0 {
		return &model.SubscriptionPayload{Payload: c.refusedFor(wrong)}, nil
	}
	tenant, key := tenantOf(ctx), purchase.Product
	if in.RunAsOperation {
		product, err := load(ctx).SubscribedProduct(ctx, key)
		if err != nil {
			return nil, err
		}
		p := &model.SubscriptionPayload{SubscribedProduct: product}
		return r.startSubscribing(ctx, c, operation.CreateSubscription, p, func(ctx context.Context) (*licensing.SubscriptionOutcome, error) {
			return r.licensing.CreateSubscription(ctx, tenant, purchase)
		})
	}
	out, err := r.licensing.CreateSubscription(ctx, tenant, purchase)
	var created *uuid.UUID
	if out != nil && out.Subscription != nil {
		created = &out.Subscription.ID
	}
	p, err := subscriptionPayload(ctx, c, created, out, err)
	if err != nil {
		return nil, err
	}
	p.SubscribedProduct, err = load(ctx).SubscribedProduct(ctx, key)
	return p, err
}

func newSubscription(in model.CreateSubscriptionInput) (purchase licensing.CreateSubscriptionInput, wrong []*fault.Error) {
	key, invalid := inputID(id.Product, in.ProductID, "productId")
	if invalid != nil {
		wrong = []*fault.Error{invalid}
	}
	return licensing.CreateSubscriptionInput{
		Product: key, Seats: in.Seats.Value(), Status: in.Status, StartsAt: in.StartsAt.Value(),
		RenewsAt: in.RenewsAt.Value(), EndsAt: in.EndsAt.Value(), DryRun: in.DryRun,
	}, wrong
}

func (r *mutationResolver) updateSubscription(ctx context.Context, in model.UpdateSubscriptionInput) (*model.SubscriptionPayload, error) {
	if err := allowed(ctx, access.ManageSubscriptions); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	change, wrong := subscriptionUpdate(in)
	if len(wrong) > 0 {
		return &model.SubscriptionPayload{Payload: c.refusedFor(wrong)}, nil
	}
	tenant, key := tenantOf(ctx), change.ID
	if in.RunAsOperation {
		p, err := subscriptionShown(ctx, model.Payload{}, &key)
		if err != nil {
			return nil, err
		}
		return r.startSubscribing(ctx, c, operation.UpdateSubscription, p, func(ctx context.Context) (*licensing.SubscriptionOutcome, error) {
			return r.licensing.UpdateSubscription(ctx, tenant, change)
		})
	}
	out, err := r.licensing.UpdateSubscription(ctx, tenant, change)
	return subscriptionPayload(ctx, c, &key, out, err)
}

func subscriptionUpdate(in model.UpdateSubscriptionInput) (change licensing.UpdateSubscriptionInput, wrong []*fault.Error) {
	key, losses, wrong := named(id.Subscription, in.ID, in.AcknowledgeLosses)
	change = licensing.UpdateSubscriptionInput{
		ID: key, Seats: option(in.Seats), RenewsAt: option(in.RenewsAt), EndsAt: option(in.EndsAt),
		AllowOverAllocation: in.AllowOverAllocation, ExpectedVersion: in.ExpectedVersion.Value(), DryRun: in.DryRun,
		AcknowledgeLosses: losses,
	}
	switch status := option(in.Status); {
	case status.Null():
		wrong = append(wrong, fault.New(fault.Required, "A subscription always has a status.").
			Fix("Leave status out to keep it.").At("status"))
	case status.Set:
		change.Status = *status.Value
	}
	return change, wrong
}

func (r *mutationResolver) cancelSubscription(ctx context.Context, in model.CancelSubscriptionInput) (*model.SubscriptionPayload, error) {
	if err := allowed(ctx, access.ManageSubscriptions); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	change, wrong := subscriptionCancellation(in)
	if len(wrong) > 0 {
		return &model.SubscriptionPayload{Payload: c.refusedFor(wrong)}, nil
	}
	tenant, key := tenantOf(ctx), change.ID
	if in.RunAsOperation {
		p, err := subscriptionShown(ctx, model.Payload{}, &key)
		if err != nil {
			return nil, err
		}
		return r.startSubscribing(ctx, c, operation.CancelSubscription, p, func(ctx context.Context) (*licensing.SubscriptionOutcome, error) {
			return r.licensing.CancelSubscription(ctx, tenant, change)
		})
	}
	out, err := r.licensing.CancelSubscription(ctx, tenant, change)
	return subscriptionPayload(ctx, c, &key, out, err)
}

func subscriptionCancellation(in model.CancelSubscriptionInput) (licensing.CancelSubscriptionInput, []*fault.Error) {
	key, losses, wrong := named(id.Subscription, in.ID, in.AcknowledgeLosses)
	return licensing.CancelSubscriptionInput{
		ID: key, AllowOverAllocation: in.AllowOverAllocation, ExpectedVersion: in.ExpectedVersion.Value(), DryRun: in.DryRun,
		AcknowledgeLosses: losses,
	}, wrong
}

// subscriptionPayload shows what became of a change, and the subscription with its product as
// they now stand; neither where key is nil.
func subscriptionPayload(ctx context.Context, c call, key *uuid.UUID, out *licensing.SubscriptionOutcome, err error) (*model.SubscriptionPayload, error) {
	var shown model.Payload
	if err != nil {
		shown, err = c.refused(err)
	} else {
		shown = c.done(ctx, out.Outcome)
	}
	if err != nil {
		return nil, err
	}
	return subscriptionShown(ctx, shown, key)
}

// subscriptionShown puts the subscription with its product to a payload, as they now stand;
// neither where key is nil.
func subscriptionShown(ctx context.Context, shown model.Payload, key *uuid.UUID) (p *model.SubscriptionPayload, err error) {
	p = &model.SubscriptionPayload{Payload: shown}
	if key == nil {
		return p, nil
	}
	if p.Subscription, err = load(ctx).Subscription(ctx, *key); p.Subscription == nil {
		return p, err
	}
	p.SubscribedProduct, err = load(ctx).SubscribedProduct(ctx, p.Subscription.Product.ID)
	return p, err
}
