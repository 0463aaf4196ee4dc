package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// groups lists the tenant's groups. There is one kind of them, so filter.kind narrows nothing.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) groups(ctx context.Context, search *string, filter *model.GroupFilter, orderBy *model.GroupOrder, args paging.Args) (*model.GroupConnection, error) {
	query := directory.GroupQuery{Search: text(search)}
	if orderBy != nil {
		query.OrderBy = directory.GroupOrder(orderBy.Field)
		query.Descending = orderBy.Direction == model.OrderDirectionDesc
	}
	if filter != nil {
		key, err := optionalID(id.Product, filter.ProductID.Value(), "filter", "productId")
		if err != nil {
			return nil, err
		}
		query.Filter = directory.GroupFilter{
			Product: key, HasLicenses: filter.HasLicenses.Value(), HasLicenseErrors: filter.HasLicenseErrors.Value(),
		}
	}
	c, err := r.directory.ListGroups(ctx, tenantOf(ctx), query, args)
	return groups(ctx, c, err)
}

func (r *mutationResolver) createGroup(ctx context.Context, in model.CreateGroupInput) (*model.GroupPayload, error) {
	if err := allowed(ctx, access.ManageGroups); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	result, err := r.directory.CreateGroup(ctx, tenantOf(ctx), newGroup(in))
	var key *uuid.UUID
	if result != nil && result.Group != nil {
		key = &result.Group.ID
	}
	return groupPayload(ctx, c, key, result, err)
}

func newGroup(in model.CreateGroupInput) directory.CreateGroupInput {
	return directory.CreateGroupInput{
		DisplayName: in.DisplayName, Description: in.Description.Value(), ExternalID: in.ExternalID.Value(),
		MemberIDs: in.MemberIds.Value(), DryRun: in.DryRun,
	}
}

func (r *mutationResolver) updateGroup(ctx context.Context, in model.UpdateGroupInput) (*model.GroupPayload, error) {
	if err := allowed(ctx, access.ManageGroups); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	change, wrong := groupUpdate(in)
	if len(wrong) > 0 {
		others, _ := fault.Refusals(change.Validate())
		return &model.GroupPayload{Payload: c.refusedFor(append(wrong, others...))}, nil
	}
	result, err := r.directory.UpdateGroup(ctx, tenantOf(ctx), change)
	return groupPayload(ctx, c, &change.ID, result, err)
}

func groupUpdate(in model.UpdateGroupInput) (change directory.UpdateGroupInput, wrong []*fault.Error) {
	change = directory.UpdateGroupInput{
		DisplayName: option(in.DisplayName), Description: option(in.Description), ExternalID: option(in.ExternalID),
		ExpectedVersion: in.ExpectedVersion.Value(), DryRun: in.DryRun,
	}
	change.ID, _, wrong = named(id.Group, in.ID, graphql.Omittable[*int]{})
	return change, wrong
}

func (r *mutationResolver) deleteGroup(ctx context.Context, in model.DeleteGroupInput) (*model.GroupPayload, error) {
	if err := allowed(ctx, access.ManageGroups); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	change, wrong := groupDeletion(in)
	if len(wrong) > 0 {
		return &model.GroupPayload{Payload: c.refusedFor(wrong)}, nil
	}
	if in.RunAsOperation {
		return r.startDeleting(ctx, c, change)
	}
	result, err := r.directory.DeleteGroup(ctx, tenantOf(ctx), change)
	return groupPayload(ctx, c, &change.ID, result, err)
}

func groupDeletion(in model.DeleteGroupInput) (directory.DeleteGroupInput, []*fault.Error) {
	key, losses, wrong := named(id.Group, in.ID, in.AcknowledgeLosses)
	return directory.DeleteGroupInput{
		ID: key, ExpectedVersion: in.ExpectedVersion.Value(), DryRun: in.DryRun, AcknowledgeLosses: losses,
	}, wrong
}

// groupPayload shows what became of a change, and the group as it now stands; no group where
// key is nil.
func groupPayload(ctx context.Context, c call, key *uuid.UUID, result *directory.GroupResult, err error) (*model.GroupPayload, error) {
	p := &model.GroupPayload{}
	if err != nil {
		p.Payload, err = c.refused(err)
	} else {
		p.Payload = c.done(ctx, result.Outcome)
	}
	if err != nil {
		return nil, err
	}
	if key != nil {
		p.Group, err = load(ctx).Group(ctx, *key)
	}
	return p, err
}
