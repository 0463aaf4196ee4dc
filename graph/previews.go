package graph

import (
	"context"
	"reflect"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/whatif"
)

// previewChanges judges several changes together.
//
// Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
func (r *queryResolver) previewChanges(ctx context.Context, in []*model.ChangeInput) (*model.Preview, error) {
	changes, wrong, err := readChanges(ctx, in)
	if err != nil {
		return nil, err
	}
	p := &model.Preview{Impact: &licensing.Impact{}, UserErrors: []*model.UserError{}, Results: []*model.ChangeResult{}}
	if len(wrong) > 0 {
		p.Results = changeResults(whatif.Refused(changes, wrong))
		return p, nil
	}
	out, err := r.whatif.Preview(ctx, tenantOf(ctx), changes)
	if list, refused := fault.Refusals(err); refused {
		p.UserErrors = userErrors(list)
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.Changed, p.Impact, p.Results = out.Changed, out.Impact, changeResults(out)
	if out.Confirmation != nil {
		p.UserErrors = userErrors([]*fault.Error{out.Confirmation})
	}
	if out.Token != "" {
		p.PreviewToken = &out.Token
	}
	return p, nil
}

// applyPreview makes changes that were previewed.
//
// Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
func (r *mutationResolver) applyPreview(ctx context.Context, in model.ApplyPreviewInput) (*model.ApplyPreviewPayload, error) {
	c := call{clientMutationID: in.ClientMutationID}
	changes, wrong, err := readChanges(ctx, in.Changes)
	if err != nil {
		if e, ok := fault.As(err); ok && e.Code == fault.BadUserInput {
			return nil, e.At("input")
		}
		return nil, err
	}
	losses, negative := acknowledged(in.AcknowledgeLosses)
	if wrong = append(wrong, negative...); len(wrong) > 0 {
		return &model.ApplyPreviewPayload{Payload: c.refusedFor(wrong), Results: []*model.ChangeResult{}}, nil
	}
	out, err := r.whatif.Apply(ctx, tenantOf(ctx), changes, in.PreviewToken, losses)
	if err != nil {
		refused, err := c.refused(err)
		return &model.ApplyPreviewPayload{Payload: refused, Results: []*model.ChangeResult{}}, err
	}
	return &model.ApplyPreviewPayload{Payload: c.done(ctx, out.Outcome), Results: changeResults(out)}, nil
}

func changeResults(out *whatif.Outcome) []*model.ChangeResult {
	list := make([]*model.ChangeResult, len(out.Results))
	for i, r := range out.Results {
		list[i] = &model.ChangeResult{Kind: r.Kind, Changed: r.Changed, UserErrors: userErrors(r.Errors)}
	}
	return list
}

// readChanges reads several changes, by whoever may make each of them.
//
// Errors in the list, with paths from "changes": those of the inputs alone. err is UNAUTHENTICATED,
// FORBIDDEN, or BAD_USER_INPUT for a change that is not exactly one.
func readChanges(ctx context.Context, in []*model.ChangeInput) (changes []whatif.Change, wrong []*fault.Error, err error) {
	if len(in) == 0 {
		return nil, nil, allowed(ctx, access.AssignToUsers) // every role that may change anything has it
	}
	for i, one := range in {
		if chosen(*one) != 1 {
			return nil, nil, fault.New(fault.BadUserInput, "A change must have exactly one field, and not null.").At("changes", i)
		}
		change, refused, err := readChange(ctx, one)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range refused {
			wrong = append(wrong, e.At("changes", i, change.Kind()))
		}
		changes = append(changes, change)
	}
	return changes, wrong, nil
}

// chosen counts the fields of a change that are given; one that is null counts as two.
func chosen(in model.ChangeInput) int {
	n := 0
	v := reflect.ValueOf(in)
	for i := range v.NumField() {
		f, ok := v.Field(i).Interface().(interface{ IsSet() bool })
		if !ok || !f.IsSet() {
			continue
		}
		if n++; v.Field(i).MethodByName("Value").Call(nil)[0].IsNil() {
			n++
		}
	}
	return n
}

func readChange(ctx context.Context, in *model.ChangeInput) (c whatif.Change, wrong []*fault.Error, err error) {
	switch {
	case in.AssignLicenses.Value() != nil:
		one := *in.AssignLicenses.Value()
		wrong = alone(one)
		change, principals, refused, err := readAssign(ctx, one)
		if err != nil {
			return c, nil, err
		}
		wrong = append(wrong, refused...)
		for i := range principals.results {
			if e := principals.malformed[i]; e != nil {
				wrong = append(wrong, e)
			}
		}
		change.Principals = nil // as the input has them, so that errors find their place in it
		for _, text := range one.PrincipalIds {
			kind, key, _ := inputPrincipal(text)
			change.Principals = append(change.Principals, licensing.PrincipalRef{Kind: kind, ID: key})
		}
		change.Atomic, c.AssignLicenses = false, &change
		return c, wrong, nil
	case in.CreateUser.Value() != nil:
		one := *in.CreateUser.Value()
		change, refused, err := newUser(ctx, one)
		c.CreateUser = &change
		return c, append(alone(one), refused...), err
	case in.UpdateUser.Value() != nil:
		return readAs(ctx, access.ManageUsers, *in.UpdateUser.Value(), userUpdate, &c.UpdateUser, &c)
	case in.DeleteUser.Value() != nil:
		return readAs(ctx, access.ManageUsers, *in.DeleteUser.Value(), userDeletion, &c.DeleteUser, &c)
	case in.RestoreUser.Value() != nil:
		return readAs(ctx, access.ManageUsers, *in.RestoreUser.Value(), userRestoration, &c.RestoreUser, &c)
	case in.CreateGroup.Value() != nil:
		return readAs(ctx, access.ManageGroups, *in.CreateGroup.Value(), sound(newGroup), &c.CreateGroup, &c)
	case in.UpdateGroup.Value() != nil:
		return readAs(ctx, access.ManageGroups, *in.UpdateGroup.Value(), groupUpdate, &c.UpdateGroup, &c)
	case in.DeleteGroup.Value() != nil:
		return readAs(ctx, access.ManageGroups, *in.DeleteGroup.Value(), groupDeletion, &c.DeleteGroup, &c)
	case in.CreateSubscription.Value() != nil:
		return readAs(ctx, access.ManageSubscriptions, *in.CreateSubscription.Value(), newSubscription, &c.CreateSubscription, &c)
	case in.UpdateSubscription.Value() != nil:
		return readAs(ctx, access.ManageSubscriptions, *in.UpdateSubscription.Value(), subscriptionUpdate, &c.UpdateSubscription, &c)
	case in.CancelSubscription.Value() != nil:
		return readAs(ctx, access.ManageSubscriptions, *in.CancelSubscription.Value(), subscriptionCancellation, &c.CancelSubscription, &c)
	case in.AddGroupMembers.Value() != nil:
		one := *in.AddGroupMembers.Value()
		change, refused, err := readMembers(ctx, one)
		change.Atomic, c.AddGroupMembers = false, &change
		return c, append(alone(one), refused...), err
	case in.RemoveGroupMembers.Value() != nil:
		one := model.AddGroupMembersInput(*in.RemoveGroupMembers.Value())
		change, refused, err := readMembers(ctx, one)
		change.Atomic, c.RemoveGroupMembers = false, &change
		return c, append(alone(one), refused...), err
	}
	one := *in.ChangeGroupMembers.Value()
	change, _, refused, err := readChangeGroups(ctx, one)
	change.Atomic, c.ChangeGroupMembers = false, &change
	return c, append(alone(one), refused...), err
}

// readAs reads an input as a change, into the place of its kind.
func readAs[M, D any](ctx context.Context, p access.Permission, in M, read func(M) (D, []*fault.Error), place **D, c *whatif.Change) (whatif.Change, []*fault.Error, error) {
	if err := allowed(ctx, p); err != nil {
		return *c, nil, err
	}
	change, wrong := read(in)
	*place = &change
	return *c, append(alone(in), wrong...), nil
}

// sound reads what nothing can be wrong with.
func sound[M, D any](read func(M) D) func(M) (D, []*fault.Error) {
	return func(in M) (D, []*fault.Error) { return read(in), nil }
}

// alone refuses what only a mutation of its own can be asked for.
//
// Errors: INVALID_VALUE.
func alone(in any) (wrong []*fault.Error) {
	v := reflect.ValueOf(in)
	flag := func(name string) bool { f := v.FieldByName(name); return f.IsValid() && f.Bool() }
	if flag("DryRun") {
		wrong = append(wrong, fault.New(fault.InvalidValue, "dryRun goes with a mutation of its own only: preview stores nothing anyway.").
			Fix("Leave it out.").At("dryRun"))
	}
	if flag("RunAsOperation") {
		wrong = append(wrong, fault.New(fault.InvalidValue, "runAsOperation goes with a mutation of its own only.").
			Fix("Leave it out.").At("runAsOperation"))
	}
	if f := v.FieldByName("AcknowledgeLosses"); f.IsValid() {
		if losses, ok := f.Interface().(graphql.Omittable[*int]); ok && losses.Value() != nil {
			wrong = append(wrong, fault.New(fault.InvalidValue, "Losses are acknowledged for all changes together.").
				Fix("Pass acknowledgeLosses to applyPreview.").At("acknowledgeLosses"))
		}
	}
	return wrong
}
