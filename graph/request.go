package graph

import (
	"context"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/requestid"
)

// requests is the extension that gives operations what their resolvers take for granted: a
// caller, loaders, and, for changes, an actor.
type requests struct {
	from   loaders.Sources
	schema *ast.Schema
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
	graphql.OperationInterceptor
	graphql.RootFieldInterceptor
} = (*requests)(nil)

// ExtensionName names the extension in gqlgen's own messages.
func (*requests) ExtensionName() string { return "Requests" }

// Validate takes note of the schema.
func (r *requests) Validate(schema graphql.ExecutableSchema) error {
	r.schema = schema.Schema()
	return nil
}

// MutateOperationContext refuses an operation without a caller before anything of it runs.
func (*requests) MutateOperationContext(ctx context.Context, _ *graphql.OperationContext) *gqlerror.Error {
	if _, ok := access.From(ctx); !ok {
		text := locale.T("Nobody is signed in.")
		return &gqlerror.Error{Err: text, Message: text.String(), Extensions: map[string]any{"code": string(fault.Unauthenticated)}}
	}
	return nil
}

// InterceptOperation gives a query its loaders, and a change its actor.
func (r *requests) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	caller, ok := access.From(ctx)
	switch {
	case !ok: // refused above
		return graphql.OneShot(graphql.ErrorResponse(ctx, "no caller"))
	case graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation:
		return next(audit.WithActor(ctx, audit.Actor{Kind: audit.ActorToken, Name: caller.Name, RequestID: requestid.From(ctx)}))
	}
	return next(loaders.With(ctx, loaders.New(r.from, caller.TenantID)))
}

// InterceptRootField gives every mutation loaders of its own, so that it shows nothing as it
// was before an earlier one.
func (r *requests) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	caller, ok := access.From(ctx)
	field := graphql.GetRootFieldContext(ctx).Field
	mutates := ok && graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation
	if !ok || !mutates && field.Name != "preview" {
		return next(ctx)
	}
	list, err := lookAhead(ctx, r.schema, field)
	if err != nil {
		graphql.AddError(ctx, gqlerror.WrapPath(ast.Path{ast.PathName(field.Alias)}, err))
		return graphql.Null
	}
	if !mutates { // a preview judges as a mutation does
		return next(licensing.WithChangeList(ctx, list))
	}
	ctx = context.WithValue(licensing.WithChangeList(ctx, list), madeKey{}, new(atomic.Bool))
	return next(loaders.With(ctx, loaders.New(r.from, caller.TenantID)))
}

// load returns the request's loaders. They are always there where a resolver runs (requests).
func load(ctx context.Context) *loaders.Loaders {
	l, ok := loaders.From(ctx)
	if !ok {
		return loaders.New(loaders.Sources{}, uuid.Nil)
	}
	return l
}

// tenantOf returns the caller's tenant, the only one that the request sees.
func tenantOf(ctx context.Context) uuid.UUID { return load(ctx).Tenant }
