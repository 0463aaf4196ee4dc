package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/requestid"
)

// requests is the extension that gives operations what their resolvers take for granted: a
// caller, loaders, and, for changes, an actor.
type requests struct{ from loaders.Sources }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
	graphql.RootFieldInterceptor
} = (*requests)(nil)

// ExtensionName names the extension in gqlgen's own messages.
func (*requests) ExtensionName() string { return "Requests" }

// Validate accepts every schema.
func (*requests) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation refuses an operation without a caller, and gives others their loaders.
func (r *requests) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	caller, ok := access.From(ctx)
	if !ok {
		graphql.AddError(ctx, fault.New(fault.Unauthenticated, "Nobody is signed in."))
		return graphql.OneShot(&graphql.Response{Errors: graphql.GetErrors(ctx)})
	}
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		return next(audit.WithActor(ctx, audit.Actor{Kind: audit.ActorToken, Name: caller.Name, RequestID: requestid.From(ctx)}))
	}
	return next(loaders.With(ctx, loaders.New(r.from, caller.TenantID)))
}

// InterceptRootField gives every mutation loaders of its own, so that it shows nothing as it
// was before an earlier one.
func (r *requests) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if caller, ok := access.From(ctx); ok && graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		ctx = loaders.With(ctx, loaders.New(r.from, caller.TenantID))
	}
	return next(ctx)
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
