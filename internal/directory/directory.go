// Package directory keeps the people and the groups of a tenant: users, groups, memberships
// and the nesting of groups (R18–R21).
//
// Reads are its own. Changes go through licensing.Service.Change, because who is where decides
// who has what: the directory checks the input and says what is to be true, licensing judges
// it and writes facts and consequences together.
package directory

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// Config is what a Service needs.
type Config struct {
	DB        *database.DB
	Licensing *licensing.Service
}

// Service is the directory of all tenants of a database.
type Service struct {
	db        *database.DB
	licensing *licensing.Service

	forms forms
}

// New returns a Service.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Licensing == nil {
		return nil, errors.New("directory: DB and Licensing are needed")
	}
	return &Service{db: c.DB, licensing: c.Licensing, forms: forms{few: fewUsers, fewOfMany: fewUsersOfMany, sample: sampledUsers}}, nil
}

// reading is a source of reads that agree with each other. graph is nil where it was not
// asked for.
type reading struct {
	q     database.Querier
	d     database.Dialect
	graph *tenantgraph.Graph
}

// read runs a list's statements: on one state together with the tenant's graph where the list
// depends on it, plainly otherwise.
func (s *Service) read(ctx context.Context, tenant uuid.UUID, withGraph bool, run func(ctx context.Context, r reading) error) error {
	if !withGraph {
		return run(ctx, reading{q: s.db.Reader(), d: s.db.Dialect()})
	}
	return s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		g, err := s.licensing.GraphWithin(ctx, tx, tenant)
		if err != nil {
			return err
		}
		return run(ctx, reading{q: tx, d: tx.Dialect(), graph: g})
	})
}
