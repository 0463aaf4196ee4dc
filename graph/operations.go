package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// start has an operation make a change, and answers that nothing is changed. What else is shown is
// read before: the operation may be faster than the answer.
func (r *mutationResolver) start(ctx context.Context, c call, w operation.Work) (model.Payload, error) {
	w.DryRun = c.dryRun
	o, err := r.operations.Start(ctx, tenantOf(ctx), w)
	if err != nil {
		return c.refused(err)
	}
	p := c.refusedFor(nil)
	p.Operation = &model.Operation{Operation: o}
	return p, nil
}

// startAssigning has an operation assign. unread says that ids are malformed, in a call that is
// atomic: the others are only looked at.
func (r *mutationResolver) startAssigning(ctx context.Context, c call, in licensing.AssignInput, p *principals, unread bool) (*model.AssignPayload, error) {
	if err := in.Validate(); err != nil {
		refused, err := c.refused(err)
		return &model.AssignPayload{Payload: refused}, err
	}
	tenant := tenantOf(ctx)
	shown, err := r.start(ctx, c, operation.Work{
		Kind: operation.AssignLicenses, ForGroups: p.hasGroups(),
		Run: func(ctx context.Context) (*licensing.Outcome, error) {
			out, err := r.licensing.Assign(ctx, tenant, in)
			switch {
			case err != nil:
				return nil, err
			case unread:
				return &licensing.Outcome{DryRun: true, Impact: &licensing.Impact{}, Detail: out.Detail}, nil
			}
			return out.Outcome, nil
		},
		Results: func(out *licensing.Outcome) []operation.Result {
			results, _ := out.Detail.([]*licensing.PrincipalResult)
			return p.kept(results, unread)
		},
	})
	return &model.AssignPayload{Payload: shown}, err
}

// startMembers has an operation change members of groups.
func (r *mutationResolver) startMembers(ctx context.Context, c call, named []uuid.UUID, change func(ctx context.Context) (*directory.MembersResult, error)) (*model.MembersPayload, error) {
	groups, err := groupsOf(ctx, named)
	if err != nil {
		return nil, err
	}
	shown, err := r.start(ctx, c, operation.Work{
		Kind: operation.ChangeGroupMembers,
		Run: func(ctx context.Context) (*licensing.Outcome, error) {
			result, err := change(ctx)
			if err != nil {
				return nil, err
			}
			return result.Outcome, nil
		},
		Results: func(out *licensing.Outcome) []operation.Result {
			members, _ := out.Detail.([]*directory.MemberResult)
			results := make([]operation.Result, len(members))
			for i, m := range members {
				results[i] = operation.Result{
					Group: uuid.NullUUID{UUID: m.GroupID, Valid: true}, Principal: m.MemberID, Changed: m.Changed, Errors: m.Errors,
				}
			}
			return results
		},
	})
	return &model.MembersPayload{Payload: shown, Groups: groups}, err
}

// startDeleting has an operation delete a group.
func (r *mutationResolver) startDeleting(ctx context.Context, c call, in directory.DeleteGroupInput) (*model.GroupPayload, error) {
	group, err := load(ctx).Group(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	tenant := tenantOf(ctx)
	shown, err := r.start(ctx, c, operation.Work{Kind: operation.DeleteGroup, Run: func(ctx context.Context) (*licensing.Outcome, error) {
		result, err := r.directory.DeleteGroup(ctx, tenant, in)
		if err != nil {
			return nil, err
		}
		return result.Outcome, nil
	}})
	return &model.GroupPayload{Payload: shown, Group: group}, err
}

// startSubscribing has an operation change a subscription. p shows it as it stands.
func (r *mutationResolver) startSubscribing(ctx context.Context, c call, kind operation.Kind, p *model.SubscriptionPayload,
	change func(ctx context.Context) (*licensing.SubscriptionOutcome, error),
) (_ *model.SubscriptionPayload, err error) {
	p.Payload, err = r.start(ctx, c, operation.Work{Kind: kind, Run: func(ctx context.Context) (*licensing.Outcome, error) {
		out, err := change(ctx)
		if err != nil {
			return nil, err
		}
		return out.Outcome, nil
	}})
	return p, err
}

// operations lists the tenant's operations. What they name is read together.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) listOperations(ctx context.Context, filter *model.OperationFilter, args paging.Args) (*model.OperationConnection, error) {
	var states []operation.State
	if filter != nil {
		if states = filter.States.Value(); states != nil && len(states) == 0 {
			return empty[*model.Operation](args)
		}
	}
	list, err := r.operations.List(ctx, tenantOf(ctx), states, args)
	if err != nil {
		return nil, err
	}
	var events []loaders.Ref
	for _, o := range list.Items {
		if o.EventID != nil {
			events = append(events, loaders.Ref{Kind: id.Audit, ID: *o.EventID})
		}
	}
	load(ctx).Expect(events)
	return model.NewConnection(paging.Connection[*model.Operation]{
		Page:  paging.Map(list.Page, func(o *operation.Operation) *model.Operation { return &model.Operation{Operation: o} }),
		Count: list.Count,
	}), nil
}

// oneOperation looks an operation up by id.
//
// Errors: BAD_USER_INPUT.
func oneOperation(ctx context.Context, text string) (*model.Operation, error) {
	key, err := argumentID(id.Operation, text, "id")
	if err != nil {
		return nil, err
	}
	return operationByID(ctx, key)
}

// operationByID returns an operation; nil where the tenant has none with the id.
func operationByID(ctx context.Context, key uuid.UUID) (*model.Operation, error) {
	o, err := load(ctx).Operation(ctx, key)
	if o == nil {
		return nil, err
	}
	return &model.Operation{Operation: o}, nil
}

// operationErrors returns what is wrong with an operation's input, and why it failed else.
func operationErrors(ctx context.Context, o *model.Operation) (refusals []*fault.Error, failure *fault.Error, err error) {
	g, err := load(ctx).Graph(ctx)
	if err != nil {
		return nil, nil, err
	}
	refusals, failure = o.Errors(g)
	return refusals, failure, nil
}

// operationResults lists what became of principals or members, who are read together.
//
// Errors: BAD_USER_INPUT.
func (r *Resolver) operationResults(ctx context.Context, o *model.Operation, refused bool, args paging.Args) (*model.OperationResultConnection, error) {
	g, err := load(ctx).Graph(ctx)
	if err != nil {
		return nil, err
	}
	list, err := r.operations.ListResults(ctx, g, o.Operation, refused, args)
	if err != nil {
		return nil, err
	}
	var named []loaders.Ref
	page := paging.Map(list.Page, func(one *operation.Result) *model.OperationResult {
		if kind, key, err := id.ParseAny(one.Principal); err == nil {
			named = append(named, loaders.Ref{Kind: kind, ID: key})
		}
		shown := &model.OperationResult{PrincipalID: one.Principal, Changed: one.Changed, UserErrors: userErrors(one.Errors)}
		if one.Group.Valid {
			group := id.Format(id.Group, one.Group.UUID)
			shown.GroupID = &group
		}
		return shown
	})
	load(ctx).Expect(named)
	return model.NewConnection(paging.Connection[*model.OperationResult]{Page: page, Count: list.Count}), nil
}

// namedPrincipal returns the user or group that an operation's input named; nil where there is none.
func namedPrincipal(ctx context.Context, text string) (model.Principal, error) {
	kind, key, err := id.ParseAny(text)
	if err != nil || kind != id.User && kind != id.Group {
		return nil, nil //nolint:nilerr // a malformed id names nobody; the result says so
	}
	return node(ctx, kind, key)
}

// rights are those that an operation of a kind needs to be asked for, and to be cancelled.
var rights = map[operation.Kind]access.Permission{
	operation.AssignLicenses:     access.AssignToUsers,
	operation.ChangeGroupMembers: access.ManageGroups,
	operation.DeleteGroup:        access.ManageGroups,
	operation.CreateSubscription: access.ManageSubscriptions,
	operation.UpdateSubscription: access.ManageSubscriptions,
	operation.CancelSubscription: access.ManageSubscriptions,
}

// cancel ends an operation that has not made its change yet.
func (r *mutationResolver) cancelOperation(ctx context.Context, in model.CancelOperationInput) (*model.CancelOperationPayload, error) {
	if err := mayCancelAny(ctx); err != nil { // whoever may start nothing learns nothing of ids
		return nil, err
	}
	p := &model.CancelOperationPayload{ClientMutationID: in.ClientMutationID.Value(), UserErrors: []*model.UserError{}}
	key, invalid := inputID(id.Operation, in.OperationID, "operationId")
	if invalid != nil {
		p.UserErrors = userErrors([]*fault.Error{invalid})
		return p, nil
	}
	known, err := r.operations.ByID(ctx, tenantOf(ctx), key)
	if err != nil {
		return nil, err
	}
	if known != nil {
		if err := allowed(ctx, rightTo(known)); err != nil {
			return nil, err
		}
	}
	o, changed, err := r.operations.Cancel(ctx, tenantOf(ctx), key)
	if err != nil {
		list, ok := fault.Refusals(err)
		if !ok {
			return nil, err
		}
		p.UserErrors = userErrors(list)
	}
	if p.Changed = changed; o != nil {
		p.Operation = &model.Operation{Operation: o}
	}
	return p, nil
}

// rightTo is the right that it takes to ask for an operation.
func rightTo(o *operation.Operation) access.Permission {
	if o.Kind == operation.AssignLicenses && o.ForGroups {
		return access.AssignToGroups
	}
	return rights[o.Kind]
}

// mayCancelAny asks for the right to ask for any operation.
//
// Errors: UNAUTHENTICATED, FORBIDDEN.
func mayCancelAny(ctx context.Context) error {
	return allowed(ctx, access.AssignToUsers) // every role that may ask for any has it
}
