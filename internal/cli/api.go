package cli

import (
	"context"
	"fmt"
	"net/http"

	"github.com/licensegraph/licensegraph/graph"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/server"
)

// handler is the whole server over a database.
func (e *Env) handler(db *database.DB, s *services, examples []server.Example) (http.Handler, error) {
	api, err := e.api(db, s)
	if err != nil {
		return nil, err
	}
	tokens, err := access.New(access.Config{DB: db, Clock: e.Clock, NewID: e.NewID})
	if err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Schema: api.Schema, Extensions: api.Extensions, ErrorPresenter: api.ErrorPresenter, Recover: api.Recover,
		Authenticate: authenticator(tokens), Identify: identify,
		Ready: ready(db), Version: e.Version, Examples: examples, Logger: e.Log, Clock: e.Clock,
	})
}

// services are those of which a server has one each: they do work of their own.
type services struct {
	licenses   *licensing.Service
	operations *operation.Service
	stock      bool // queries run by gqlgen's own execution, which bench compares with
}

func (e *Env) services(db *database.DB) (*services, error) {
	licenses, err := e.licenses(db)
	if err != nil {
		return nil, err
	}
	operations, err := operation.New(operation.Config{DB: db, Clock: e.Clock, NewID: e.NewID, Log: e.Log})
	return &services{licenses: licenses, operations: operations}, err
}

func (e *Env) licenses(db *database.DB) (*licensing.Service, error) {
	return licensing.New(licensing.Config{DB: db, Clock: e.Clock, NewID: e.NewID, Log: e.Log})
}

func (e *Env) api(db *database.DB, s *services) (*graph.API, error) {
	people, err := directory.New(directory.Config{DB: db, Licensing: s.licenses})
	if err != nil {
		return nil, err
	}
	tenants, err := e.tenants(db)
	if err != nil {
		return nil, err
	}
	return graph.New(graph.Config{
		Licensing: s.licenses, Directory: people, Tenants: tenants, Audit: audit.NewLog(db), Operations: s.operations, Log: e.Log, Stock: s.stock,
	})
}

// authenticator lets in who has a valid token.
func authenticator(tokens *access.Tokens) server.Authenticator {
	return func(ctx context.Context, token string) (context.Context, error) {
		caller, err := tokens.Verify(ctx, token)
		if err != nil {
			return nil, err
		}
		return access.With(ctx, caller), nil
	}
}

// identify tells the access log who calls.
func identify(ctx context.Context) server.Identity {
	caller, ok := access.From(ctx)
	if !ok {
		return server.Identity{}
	}
	return server.Identity{Tenant: id.Format(id.Tenant, caller.TenantID), Token: id.Format(id.Token, caller.TokenID)}
}

// ready asks whether the database answers.
func ready(db *database.DB) func(context.Context) error {
	return func(ctx context.Context) error {
		var one int
		if err := db.Reader().QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
			return fmt.Errorf("the database does not answer: %w", err)
		}
		return nil
	}
}
