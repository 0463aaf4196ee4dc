package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// members lists the users in a group. Their number alone, which is kept, takes no page.
//
// Errors: BAD_USER_INPUT.
func members(ctx context.Context, group uuid.UUID, query directory.MemberQuery, args paging.Args) (*model.UserConnection, error) {
	if query.AsOf == nil && !query.Transitive && query.Search == "" && args.After == nil && args.Before == nil && onlyCounted(ctx) {
		if err := args.Validate(); err != nil {
			return nil, err
		}
		count := func(ctx context.Context) (int, error) { return load(ctx).MemberCount(ctx, group) }
		return model.NewConnection(paging.Connection[*principal.User]{Count: count}), nil
	}
	if query.AsOf == nil {
		query.Take = licensed(ctx)
	}
	c, err := load(ctx).Members(ctx, group, query, args)
	return users(ctx, c, err)
}

// onlyCounted tells whether nothing but totalCount is selected of a connection.
func onlyCounted(ctx context.Context) bool {
	return !slices.ContainsFunc(graphql.CollectFieldsCtx(ctx, nil), func(f graphql.CollectedField) bool {
		return f.Name != "totalCount" && f.Name != "__typename"
	})
}

// changeOneGroup adds members to a group or removes them: inputs of either are alike.
func (r *mutationResolver) changeOneGroup(ctx context.Context, in model.AddGroupMembersInput,
	change func(context.Context, uuid.UUID, directory.MembersInput) (*directory.MembersResult, error),
) (*model.MembersPayload, error) {
	c := call{in.DryRun, in.ClientMutationID}
	members, wrong, err := readMembers(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return &model.MembersPayload{Payload: c.refusedFor(wrong)}, nil
	}
	tenant, key := tenantOf(ctx), members.Group
	if in.RunAsOperation {
		if err := members.Validate(); err != nil {
			return membersPayload(ctx, c, []uuid.UUID{key}, nil, err)
		}
		return r.startMembers(ctx, c, []uuid.UUID{key}, func(ctx context.Context) (*directory.MembersResult, error) { return change(ctx, tenant, members) })
	}
	result, err := change(ctx, tenant, members)
	return membersPayload(ctx, c, []uuid.UUID{key}, result, err)
}

// readMembers reads which members of a group are meant, for whoever may change groups.
//
// Errors in the list: INVALID_ID, INVALID_VALUE. err is UNAUTHENTICATED or FORBIDDEN.
func readMembers(ctx context.Context, in model.AddGroupMembersInput) (members directory.MembersInput, wrong []*fault.Error, err error) {
	if err := allowed(ctx, access.ManageGroups); err != nil {
		return members, nil, err
	}
	losses, wrong := acknowledged(in.AcknowledgeLosses)
	key, invalid := inputID(id.Group, in.GroupID, "groupId")
	if invalid != nil {
		wrong = append([]*fault.Error{invalid}, wrong...)
	}
	return directory.MembersInput{Group: key, MemberIDs: in.MemberIds, Atomic: in.Atomic, DryRun: in.DryRun, AcknowledgeLosses: losses}, wrong, nil
}

// changeGroups changes the members of several groups in one change (R23).
func (r *mutationResolver) changeGroups(ctx context.Context, in model.ChangeGroupMembersInput) (*model.MembersPayload, error) {
	c := call{in.DryRun, in.ClientMutationID}
	change, named, wrong, err := readChangeGroups(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		known, err := groupsOf(ctx, named)
		return &model.MembersPayload{Payload: c.refusedFor(wrong), Groups: known}, err
	}
	tenant := tenantOf(ctx)
	if in.RunAsOperation {
		if err := change.Validate(); err != nil {
			return membersPayload(ctx, c, named, nil, err)
		}
		return r.startMembers(ctx, c, named, func(ctx context.Context) (*directory.MembersResult, error) {
			return r.directory.ChangeGroupMembers(ctx, tenant, change)
		})
	}
	result, err := r.directory.ChangeGroupMembers(ctx, tenant, change)
	return membersPayload(ctx, c, named, result, err)
}

// readChangeGroups reads which members of which groups are meant, and returns the groups too, for
// whoever may change groups.
//
// Errors in the list: INVALID_ID, INVALID_VALUE, TOO_MANY. err is UNAUTHENTICATED or FORBIDDEN.
func readChangeGroups(ctx context.Context, in model.ChangeGroupMembersInput) (change directory.ChangeMembersInput, named []uuid.UUID, wrong []*fault.Error, err error) {
	if err := allowed(ctx, access.ManageGroups); err != nil {
		return change, nil, nil, err
	}
	change = directory.ChangeMembersInput{Atomic: in.Atomic, DryRun: in.DryRun}
	for i, one := range in.Changes {
		key, invalid := inputID(id.Group, one.GroupID, "changes", i, "groupId")
		if invalid != nil {
			wrong = append(wrong, invalid)
			continue
		}
		if !slices.Contains(named, key) {
			named = append(named, key)
		}
		change.Changes = append(change.Changes, directory.MembersChange{Group: key, Add: one.Add.Value(), Remove: one.Remove.Value()})
	}
	if n := len(named) + len(wrong); n > directory.MaxMembersGroups {
		wrong = []*fault.Error{tooManyInput(n, directory.MaxMembersGroups, locale.T("groups"), "changes")}
		named = nil
	}
	losses, negative := acknowledged(in.AcknowledgeLosses)
	wrong = append(wrong, negative...)
	change.AcknowledgeLosses = losses
	return change, named, wrong, nil
}

// membersPayload shows what became of a change, and the groups as they now stand.
func membersPayload(ctx context.Context, c call, named []uuid.UUID, result *directory.MembersResult, err error) (*model.MembersPayload, error) {
	p := &model.MembersPayload{}
	if err != nil {
		if p.Payload, err = c.refused(err); err != nil {
			return nil, err
		}
	} else {
		p.Payload = c.done(ctx, result.Outcome)
		for _, m := range result.Results {
			p.Results = append(p.Results, &model.MemberResult{
				GroupID: id.Format(id.Group, m.GroupID), MemberID: m.MemberID, Changed: m.Changed, UserErrors: userErrors(m.Errors),
			})
		}
	}
	p.Groups, err = groupsOf(ctx, named)
	return p, err
}

// groupsOf returns the groups that there are, in the order of the ids.
func groupsOf(ctx context.Context, ids []uuid.UUID) ([]*principal.Group, error) {
	var list []*principal.Group
	for _, key := range ids {
		g, err := load(ctx).Group(ctx, key)
		if err != nil {
			return nil, err
		}
		if g != nil {
			list = append(list, g)
		}
	}
	load(ctx).ExpectGroups(list)
	return list, nil
}
