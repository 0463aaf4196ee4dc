// Package licensing is who has what, and the one way in which that changes. It keeps
// subscriptions, assignments and violations, reads them together with the directory's facts,
// and lets the engine decide (see Change).
package licensing

import (
	"context"
	"errors"
	"sync"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// Config is what a Service needs.
type Config struct {
	DB    *database.DB
	Clock clock.Clock
	NewID id.Source
	Log   zerolog.Logger
	// ByCases settles every change by cases, even where counting would do. The result is the
	// same; tests hold the two against each other.
	ByCases bool
	// Load bounds how many users of a change are loaded one by one; more are grouped by the
	// database (ADR 0017). 0 stands for 20,000; below 0, none is but the named ones. The
	// result is the same; tests hold the two against each other.
	Load int
}

// Service is the licensing of all tenants of a database.
type Service struct {
	db    *database.DB
	clock clock.Clock
	newID id.Source
	log   zerolog.Logger

	byCases bool
	load    int64 // as Config.Load
	singles *singles
	pauses  pauses // of removing audit events

	mu     sync.Mutex
	graphs map[uuid.UUID]*tenantgraph.Graph // by tenant, as last read from committed rows
	former formerGraphs

	preview []byte // the key of previews, once read
}

// loaded is how many users of a change are loaded, where Config.Load does not say.
const loaded = 20_000

// New returns a Service.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Clock == nil || c.NewID == nil {
		return nil, errors.New("licensing: DB, Clock and NewID are needed")
	}
	s := &Service{db: c.DB, clock: c.Clock, newID: c.NewID, log: c.Log, byCases: c.ByCases, load: loaded, graphs: map[uuid.UUID]*tenantgraph.Graph{}}
	if c.Load != 0 {
		s.load = int64(c.Load)
	}
	s.singles = &singles{many: s.readTogether, tenants: map[uuid.UUID][]*single{}}
	return s, nil
}

// Graph returns the tenant's graph as of now.
//
// Errors: NOT_FOUND for an unknown tenant; those of the database.
func (s *Service) Graph(ctx context.Context, tenant uuid.UUID) (*tenantgraph.Graph, error) {
	tag, err := readTag(ctx, s.db.Reader(), tenant)
	if err != nil {
		return nil, err
	}
	return s.graphAt(ctx, tenant, tag)
}

// graphAt returns the graph with a tag that was just read, or a newer one.
func (s *Service) graphAt(ctx context.Context, tenant uuid.UUID, tag tenantgraph.Tag) (*tenantgraph.Graph, error) {
	if g := s.cached(tenant, tag); g != nil {
		return g, nil
	}
	var g *tenantgraph.Graph
	err := s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		var err error
		g, err = s.loadGraph(ctx, tx, tenant)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.keep(g)
	return g, nil
}

func (s *Service) cached(tenant uuid.UUID, tag tenantgraph.Tag) *tenantgraph.Graph {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.graphs[tenant]; g != nil && g.Tag == tag {
		return g
	}
	return nil
}

// keep caches a graph that was loaded from committed rows, unless a newer one is there.
func (s *Service) keep(g *tenantgraph.Graph) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.graphs[g.Tenant]; old == nil || old.Tag.Graph <= g.Tag.Graph && old.Tag.Catalog <= g.Tag.Catalog {
		s.graphs[g.Tenant] = g
	}
}

// catalogWith returns a cached catalogue of a revision, shared by all tenants, or nil.
func (s *Service) catalogWith(revision int64) *tenantgraph.Catalog {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.graphs {
		if g.Tag.Catalog == revision {
			return g.Catalog
		}
	}
	return nil
}
