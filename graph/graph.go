// Package graph is the GraphQL API: thin resolvers that turn ids into what the domains use,
// call them, and show what they answer.
package graph

//go:generate go run ../internal/tools/composeschema -sources=schema/*.graphqls -out=../schema.graphql

// Where a type has an alias (licensing.Plan), gqlgen writes now one name, now the other; it sees
// only the type itself where the checker is told not to keep aliases.
//go:generate sh -c "cd .. && GODEBUG=gotypesalias=0 go run ./internal/tools/generateapi"

import (
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/graph/cost"
	"github.com/licensegraph/licensegraph/graph/generated"
	"github.com/licensegraph/licensegraph/graph/loaders"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/tenant"
	"github.com/licensegraph/licensegraph/internal/whatif"
)

// Config is what the API needs. Everything is required unless it says otherwise.
type Config struct {
	Licensing *licensing.Service
	Directory *directory.Service
	Tenants   *tenant.Tenants
	Audit     *audit.Log

	Operations *operation.Service

	Limits cost.Limits // of one operation; zero fields mean the defaults. Optional.
	// Stock runs everything by gqlgen's own execution. The answers are the same, byte for byte;
	// tests and benchmarks hold the two against each other.
	Stock bool
	Log   zerolog.Logger // where a request's context has no logger. Its zero value is silent.
}

// API is what a server needs to serve the API.
type API struct {
	Schema graphql.ExecutableSchema
	// Extensions belong to the executor, in this order, after the coercion of inputs.
	Extensions     []graphql.HandlerExtension
	ErrorPresenter graphql.ErrorPresenterFunc
	Recover        graphql.RecoverFunc
}

// New returns the API.
func New(c Config) (*API, error) {
	if c.Licensing == nil || c.Directory == nil || c.Tenants == nil || c.Audit == nil || c.Operations == nil {
		return nil, errors.New("graph: Licensing, Directory, Tenants, Audit and Operations are needed")
	}
	from := loaders.Sources{Licensing: c.Licensing, Directory: c.Directory, Tenants: c.Tenants, Audit: c.Audit, Operations: c.Operations}
	previews, err := whatif.New(c.Licensing)
	if err != nil {
		return nil, err
	}
	schema := generated.NewCompiledSchema
	if c.Stock {
		schema = generated.NewExecutableSchema
	}
	return &API{
		Schema:         schema(generated.Config{Resolvers: &Resolver{licensing: c.Licensing, directory: c.Directory, audit: c.Audit, operations: c.Operations, whatif: previews}}),
		Extensions:     []graphql.HandlerExtension{cost.New(c.Limits), &requests{from: from}},
		ErrorPresenter: presenter(c.Log),
		Recover:        recoverer,
	}, nil
}
