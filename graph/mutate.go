package graph

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// call is what all inputs of mutations have.
type call struct {
	dryRun           bool
	clientMutationID graphql.Omittable[*string]
}

// done is the payload of a change that was carried out, or tried out.
func (c call) done(ctx context.Context, out *licensing.Outcome) model.Payload {
	if made, ok := ctx.Value(madeKey{}).(*atomic.Bool); ok && out.Changed && !c.dryRun {
		made.Store(true)
	}
	p := model.Payload{
		Changed: out.Changed, DryRun: c.dryRun, Impact: out.Impact, UserErrors: []*model.UserError{},
		ClientMutationID: c.clientMutationID.Value(),
	}
	if out.Confirmation != nil { // R26: a dry run tells what applying would be refused with
		p.UserErrors = userErrors([]*fault.Error{out.Confirmation})
	}
	return p
}

// acknowledged reads how many users may lose a product; null is absent (R24).
//
// Errors in the list: INVALID_VALUE.
func acknowledged(in graphql.Omittable[*int]) (losses *int, wrong []*fault.Error) {
	losses = in.Value()
	if losses != nil && *losses < 0 {
		return nil, []*fault.Error{fault.New(fault.InvalidValue, "%d users cannot lose a product.", *losses).
			Fix("Pass the number that a dry run tells, or leave it out.").At("acknowledgeLosses")}
	}
	return losses, nil
}

// madeKey is the context's key of whether the mutation has made its change already: what fails
// from then on must not say that nothing was changed.
type madeKey struct{}

func changeMade(ctx context.Context) bool {
	made, ok := ctx.Value(madeKey{}).(*atomic.Bool)
	return ok && made.Load()
}

// named reads the id of what a change is about, and how many users may lose a product.
//
// Errors in the list: INVALID_ID, INVALID_VALUE.
func named(kind id.Kind, text string, ack graphql.Omittable[*int]) (key uuid.UUID, losses *int, wrong []*fault.Error) {
	key, invalid := inputID(kind, text, "id")
	if invalid != nil {
		wrong = append(wrong, invalid)
	}
	losses, negative := acknowledged(ack)
	return key, losses, append(wrong, negative...)
}

// refused is the payload of a change that was refused as a whole. Errors that are not about
// the input come back as they are.
func (c call) refused(err error) (model.Payload, error) {
	list, ok := fault.Refusals(err)
	if !ok {
		return model.Payload{}, err
	}
	return c.refusedFor(list), nil
}

func (c call) refusedFor(list []*fault.Error) model.Payload {
	return model.Payload{
		DryRun: c.dryRun, Impact: &licensing.Impact{}, UserErrors: userErrors(list), ClientMutationID: c.clientMutationID.Value(),
	}
}

func userErrors(list []*fault.Error) []*model.UserError {
	shown := make([]*model.UserError, len(list))
	for i, e := range list {
		shown[i] = model.NewUserError(e)
	}
	return shown
}

// option reads an input field that tells absent from null (R24).
func option[T any](o graphql.Omittable[*T]) optional.Optional[T] {
	value, set := o.ValueOK()
	return optional.Optional[T]{Set: set, Value: value}
}
