package licensing

import (
	"context"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// GraphWithin returns the tenant's graph as a DB.Snapshot sees it, so that what else is read
// there agrees with it.
//
// Errors: NOT_FOUND for an unknown tenant; those of the database.
func (s *Service) GraphWithin(ctx context.Context, tx *database.Tx, tenant uuid.UUID) (*tenantgraph.Graph, error) {
	tag, err := readTag(ctx, tx, tenant)
	if err != nil {
		return nil, err
	}
	if g := s.cached(tenant, tag); g != nil {
		return g, nil
	}
	g, err := s.loadGraph(ctx, tx, tenant)
	if err != nil {
		return nil, err
	}
	s.keep(g)
	return g, nil
}
