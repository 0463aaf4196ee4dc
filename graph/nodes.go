package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// maxNodes is how many ids nodes takes.
const maxNodes = 100

// nodeID reads the id of anything in an argument of a query. Bare UUIDs are refused: what
// they name is not known.
//
// Errors: BAD_USER_INPUT with the path of the argument.
func nodeID(text string, path ...any) (id.Kind, uuid.UUID, error) {
	kind, key, err := id.ParseAny(text)
	if err != nil {
		return "", uuid.Nil, malformedArgument(err, path...)
	}
	return kind, key, nil
}

// node returns whatever has the id; nil where the tenant has nothing with it.
func node(ctx context.Context, kind id.Kind, key uuid.UUID) (model.Node, error) {
	l := load(ctx)
	switch kind {
	case id.User:
		return found(user(ctx, key))
	case id.Group:
		return found(l.Group(ctx, key))
	case id.Assignment:
		return found(l.Assignment(ctx, key))
	case id.Subscription:
		return found(l.Subscription(ctx, key))
	case id.Audit:
		return found(eventOf(ctx, &key))
	case id.Operation:
		return found(operationByID(ctx, key))
	case id.Tenant:
		if key != l.Tenant {
			return nil, nil
		}
		return found(l.OwnTenant(ctx))
	}
	g, err := l.Graph(ctx)
	if err != nil {
		return nil, err
	}
	switch kind {
	case id.Product:
		return found(g.Product(key), nil)
	case id.Plan:
		return found(g.Plan(key), nil)
	}
	return nil, nil // a token: nothing that can be read
}

// found makes a node of a value, and nothing of a nil pointer.
func found[T any](value *T, err error) (model.Node, error) {
	if value == nil || err != nil {
		return nil, err
	}
	return value, nil
}

// nodes returns what has the ids, in their order.
//
// Errors: BAD_USER_INPUT with the path of the argument.
func nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	if len(ids) > maxNodes {
		return nil, fault.New(fault.BadUserInput, "%d ids are too many, at most %d can be given.", len(ids), maxNodes).At("ids")
	}
	refs := make([]loaders.Ref, len(ids))
	for i, text := range ids {
		kind, key, err := nodeID(text, "ids", i)
		if err != nil {
			return nil, err
		}
		refs[i] = loaders.Ref{Kind: kind, ID: key}
	}
	load(ctx).Expect(refs)
	list := make([]model.Node, len(refs))
	for i, ref := range refs {
		var err error
		if list[i], err = node(ctx, ref.Kind, ref.ID); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// user returns a user, also a deleted one; nil where the tenant has no such user.
func user(ctx context.Context, key uuid.UUID) (*principal.User, error) {
	v, err := load(ctx).User(ctx, key)
	if v == nil {
		return nil, err
	}
	return &v.User, err
}

// usersOf returns users in the order of the ids.
func usersOf(ctx context.Context, ids []uuid.UUID) ([]*principal.User, error) {
	views, err := load(ctx).Users(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]*principal.User, len(views))
	for i, v := range views {
		if v != nil {
			list[i] = &v.User
		}
	}
	return list, nil
}

// viewOf returns what decides a user's licenses; nil for a deleted user, who is in no group
// and has nothing (R19), and for one that only a dry run knows.
func viewOf(ctx context.Context, u *principal.User) (*licensing.UserView, error) {
	v, err := load(ctx).User(ctx, u.ID)
	if v == nil || v.User.DeletedAt != nil {
		return nil, err
	}
	return v, nil
}

// viewAsOf is viewOf as of an instant, where one is given; nil also where there was no such user then.
//
// Errors: BAD_USER_INPUT.
func viewAsOf(ctx context.Context, u *principal.User, asOf *clock.Instant) (*licensing.UserView, error) {
	if asOf == nil {
		return viewOf(ctx, u)
	}
	return load(ctx).UserAsOf(ctx, u.ID, *asOf)
}

// oneUser looks a user up by exactly one of id and name.
//
// Errors: BAD_USER_INPUT.
func oneUser(ctx context.Context, key, name *string) (*principal.User, error) {
	switch {
	case (key == nil) == (name == nil):
		return nil, fault.New(fault.BadUserInput, "Give exactly one of id and userPrincipalName.")
	case key != nil:
		k, err := argumentID(id.User, *key, "id")
		if err != nil {
			return nil, err
		}
		return user(ctx, k)
	}
	v, err := load(ctx).UserByName(ctx, *name)
	if v == nil {
		return nil, err
	}
	return &v.User, nil
}

// group looks a group up by id.
//
// Errors: BAD_USER_INPUT.
func group(ctx context.Context, text string) (*principal.Group, error) {
	key, err := argumentID(id.Group, text, "id")
	if err != nil {
		return nil, err
	}
	return load(ctx).Group(ctx, key)
}
