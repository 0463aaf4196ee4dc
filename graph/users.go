package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// users lists the tenant's users.
//
// Errors: BAD_USER_INPUT.
func (r *queryResolver) users(ctx context.Context, search *string, filter *model.UserFilter, orderBy *model.UserOrder, args paging.Args) (*model.UserConnection, error) {
	query := directory.UserQuery{Search: text(search), Take: licensed(ctx)}
	if orderBy != nil {
		query.OrderBy = directory.UserOrder(orderBy.Field)
		query.Descending = orderBy.Direction == model.OrderDirectionDesc
	}
	if filter != nil {
		var err error
		if query.Filter, err = userFilter(filter); err != nil {
			return nil, err
		}
	}
	c, err := r.directory.ListUsers(ctx, tenantOf(ctx), query, args)
	return users(ctx, c, err)
}

func userFilter(in *model.UserFilter) (directory.UserFilter, error) {
	f := directory.UserFilter{
		Departments: in.Departments.Value(), UsageLocations: in.UsageLocations.Value(), AccountEnabled: in.AccountEnabled.Value(),
		Deleted: in.Deleted, HasLicense: in.HasLicense.Value(), HasLicenseError: in.HasLicenseError.Value(),
	}
	var err error
	if f.Product, err = optionalID(id.Product, in.ProductID.Value(), "filter", "productId"); err != nil {
		return f, err
	}
	if f.Plan, err = optionalID(id.Plan, in.PlanID.Value(), "filter", "planId"); err != nil {
		return f, err
	}
	f.Group, err = optionalID(id.Group, in.GroupID.Value(), "filter", "groupId")
	return f, err
}

func (r *mutationResolver) createUser(ctx context.Context, in model.CreateUserInput) (*model.UserPayload, error) {
	c := call{in.DryRun, in.ClientMutationID}
	created, wrong, err := newUser(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		others, _ := fault.Refusals(created.Validate())
		return &model.UserPayload{Payload: c.refusedFor(append(others, wrong...))}, nil
	}
	result, err := r.directory.CreateUser(ctx, tenantOf(ctx), created)
	var key *uuid.UUID
	if result != nil && result.User != nil {
		key = &result.User.ID
	}
	return userPayload(ctx, c, key, result, err)
}

// newUser reads a user to create, by whoever may create one so.
//
// Errors in the list: those of the licenses. err is UNAUTHENTICATED, FORBIDDEN or BAD_USER_INPUT.
func newUser(ctx context.Context, in model.CreateUserInput) (created directory.CreateUserInput, wrong []*fault.Error, err error) {
	if err := allowed(ctx, access.ManageUsers); err != nil {
		return created, nil, err
	}
	licenses, wrong, err := licenseInputs("licenses", in.Licenses.Value())
	if err == nil && len(licenses) > 0 {
		err = allowed(ctx, access.AssignToUsers)
	}
	return directory.CreateUserInput{
		UserPrincipalName: in.UserPrincipalName, DisplayName: in.DisplayName, Mail: in.Mail.Value(), Department: in.Department.Value(),
		JobTitle: in.JobTitle.Value(), UsageLocation: in.UsageLocation.Value(), UserType: in.UserType, AccountEnabled: in.AccountEnabled,
		ExternalID: in.ExternalID.Value(), Licenses: licenses, DryRun: in.DryRun,
	}, wrong, err
}

func (r *mutationResolver) updateUser(ctx context.Context, in model.UpdateUserInput) (*model.UserPayload, error) {
	if err := allowed(ctx, access.ManageUsers); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	change, wrong := userUpdate(in)
	if len(wrong) > 0 {
		others, _ := fault.Refusals(change.Validate())
		return &model.UserPayload{Payload: c.refusedFor(append(wrong, others...))}, nil
	}
	result, err := r.directory.UpdateUser(ctx, tenantOf(ctx), change)
	return userPayload(ctx, c, &change.ID, result, err)
}

func userUpdate(in model.UpdateUserInput) (change directory.UpdateUserInput, wrong []*fault.Error) {
	change = directory.UpdateUserInput{
		UserPrincipalName: option(in.UserPrincipalName), DisplayName: option(in.DisplayName), Mail: option(in.Mail),
		Department: option(in.Department), JobTitle: option(in.JobTitle), UsageLocation: option(in.UsageLocation),
		UserType: option(in.UserType), AccountEnabled: option(in.AccountEnabled), ExternalID: option(in.ExternalID),
		ExpectedVersion: in.ExpectedVersion.Value(), DryRun: in.DryRun,
	}
	change.ID, change.AcknowledgeLosses, wrong = named(id.User, in.ID, in.AcknowledgeLosses)
	return change, wrong
}

func (r *mutationResolver) deleteUser(ctx context.Context, in model.DeleteUserInput) (*model.UserPayload, error) {
	if err := allowed(ctx, access.ManageUsers); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	change, wrong := userDeletion(in)
	if len(wrong) > 0 {
		return &model.UserPayload{Payload: c.refusedFor(wrong)}, nil
	}
	result, err := r.directory.DeleteUser(ctx, tenantOf(ctx), change)
	return userPayload(ctx, c, &change.ID, result, err)
}

func userDeletion(in model.DeleteUserInput) (directory.DeleteUserInput, []*fault.Error) {
	key, losses, wrong := named(id.User, in.ID, in.AcknowledgeLosses)
	return directory.DeleteUserInput{
		ID: key, ExpectedVersion: in.ExpectedVersion.Value(), DryRun: in.DryRun, AcknowledgeLosses: losses,
	}, wrong
}

func (r *mutationResolver) restoreUser(ctx context.Context, in model.RestoreUserInput) (*model.UserPayload, error) {
	if err := allowed(ctx, access.ManageUsers); err != nil {
		return nil, err
	}
	c := call{in.DryRun, in.ClientMutationID}
	change, wrong := userRestoration(in)
	if len(wrong) > 0 {
		return &model.UserPayload{Payload: c.refusedFor(wrong)}, nil
	}
	result, err := r.directory.RestoreUser(ctx, tenantOf(ctx), change)
	return userPayload(ctx, c, &change.ID, result, err)
}

func userRestoration(in model.RestoreUserInput) (change directory.RestoreUserInput, wrong []*fault.Error) {
	key, invalid := inputID(id.User, in.ID, "id")
	if invalid != nil {
		wrong = []*fault.Error{invalid}
	}
	return directory.RestoreUserInput{ID: key, DryRun: in.DryRun}, wrong
}

// userPayload shows what became of a change, and the user as it now stands; no user where key
// is nil.
func userPayload(ctx context.Context, c call, key *uuid.UUID, result *directory.UserResult, err error) (*model.UserPayload, error) {
	p := &model.UserPayload{}
	if err != nil {
		p.Payload, err = c.refused(err)
	} else {
		p.Payload = c.done(ctx, result.Outcome)
	}
	if err != nil {
		return nil, err
	}
	if key != nil {
		p.User, err = user(ctx, *key)
	}
	return p, err
}
