package licensing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// CatalogPlan is what an import wants: the catalogue as it is to be, and how to write its
// rows, the revision aside. Nil data means that nothing changes.
type CatalogPlan struct {
	After *tenantgraph.CatalogData
	Write func(ctx context.Context, tx *database.Tx) error
}

// TenantImpact is what a change of the catalogue does to one tenant that uses it.
type TenantImpact struct {
	Tenant  uuid.UUID
	Name    string
	Outcome *Outcome
}

// CatalogOptions say how the catalogue is to be changed.
type CatalogOptions struct {
	DryRun bool // judge and tell, but store nothing (R26)
	// AcknowledgeLosses is how many users of each tenant the caller knows may lose a product
	// (R27); nil: as many as that tenant's threshold allows.
	AcknowledgeLosses *int
	// Progress, which may be nil, is told of each tenant that is done. It starts again where
	// the database makes the change start again.
	Progress func(done, of int)
}

// ChangeCatalog changes the catalogue in one transaction: it locks the catalogue, then, in id
// order, the tenants that use a product whose plans or rules change, runs the protocol for
// each, and writes one audit event per tenant.
//
// Errors: what plan returns; MUTUALLY_EXCLUSIVE_VIOLATION for a product that excludes itself (R9)
// and DEPENDENCY_VIOLATION for prerequisites that form a cycle (R10); CONFIRMATION_REQUIRED,
// naming the tenant, where more users of one would lose a product than is allowed (R27); those
// of Change.
func (s *Service) ChangeCatalog(ctx context.Context, o CatalogOptions,
	plan func(ctx context.Context, tx *database.Tx, before tenantgraph.CatalogData) (*CatalogPlan, error),
) ([]*TenantImpact, error) {
	var impacts []*TenantImpact
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		impacts = nil
		var revision int64
		row := tx.QueryRowContext(ctx, `UPDATE catalog SET revision = revision + 1 WHERE id = 1 RETURNING revision`)
		if err := row.Scan(&revision); err != nil {
			return fmt.Errorf("lock the catalogue: %w", err)
		}
		data, err := LoadCatalog(ctx, tx)
		if err != nil {
			return err
		}
		p, err := plan(ctx, tx, data)
		if err != nil {
			return err
		}
		if p.After == nil {
			return database.ErrRollback
		}
		before := tenantgraph.NewCatalog(data, nil)
		after := tenantgraph.NewCatalog(*p.After, before)
		if err := selfExclusion(after); err != nil {
			return err
		}
		if err := prerequisiteCycle(after); err != nil {
			return err
		}
		if err := p.Write(ctx, tx); err != nil {
			return fmt.Errorf("write the catalogue: %w", err)
		}
		tenants, err := tenantsUsing(ctx, tx, productsConcerned(before, after))
		if err != nil {
			return err
		}
		now, err := s.importInstant(ctx, tx, tenants)
		if err != nil {
			return err
		}
		if err := keepCatalog(ctx, tx, revision-1, data, now); err != nil {
			return err
		}
		for i, tenant := range tenants {
			impact, err := s.changeCatalogOf(ctx, tx, tenant, now, before, after, o)
			if err != nil {
				return err
			}
			impacts = append(impacts, impact)
			if o.Progress != nil {
				o.Progress(i+1, len(tenants))
			}
		}
		if o.DryRun {
			return database.ErrRollback
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return impacts, nil
}

// selfExclusion refuses a catalogue with a product that excludes itself (R9).
func selfExclusion(c *tenantgraph.Catalog) error {
	for _, p := range c.Products {
		if conflict, bad := c.Rules.SelfConflict(p.Set); bad {
			return fault.New(fault.MutuallyExclusiveViolation, "The product %s excludes itself: its plans %s and %s are in the exclusion set %s.",
				p.DisplayName, c.PlanAt(conflict.Plan).DisplayName, c.PlanAt(conflict.Other).DisplayName, conflict.Set).
				Fix("Correct the exclusion set, or the product's plans.")
		}
	}
	return nil
}

// prerequisiteCycle refuses a catalogue in which a plan needs, through others or at once,
// itself (R10). Automatic plans count: a mark may be taken from them any day.
func prerequisiteCycle(c *tenantgraph.Catalog) error {
	requires := make(map[uuid.UUID][]uuid.UUID, len(c.Plans))
	for _, p := range c.Plans {
		for _, other := range p.RequiresAnyOf {
			requires[p.ID] = append(requires[p.ID], other.ID)
		}
	}
	cycles := PrerequisiteCycles(requires)
	if len(cycles) == 0 {
		return nil
	}
	var names []string
	for _, plan := range cycles[0] {
		names = append(names, c.Plan(plan).DisplayName)
	}
	return fault.New(fault.DependencyViolation, "The prerequisites of plans form a cycle: %s.", strings.Join(names, " → ")).
		Fix("Take one of these prerequisites out of the file.")
}

func tenantsUsing(ctx context.Context, tx *database.Tx, products []uuid.UUID) ([]uuid.UUID, error) {
	q := tx.Dialect()
	tenants, err := database.Values[uuid.UUID](ctx, tx, `SELECT tenant_id FROM assignments WHERE `+q.In("product_id", 1)+` UNION SELECT tenant_id FROM subscriptions WHERE `+q.In("product_id", 1)+` ORDER BY 1`,
		q.UUIDArray(products))
	if err != nil {
		return nil, fmt.Errorf("find the tenants that use the catalogue: %w", err)
	}
	return tenants, nil
}

// importInstant locks the tenants that an import concerns, in their order, and returns its instant:
// one for all, later than every change of theirs before it and of any other tenant's, so that the
// catalogue was the same for everybody at any instant.
func (s *Service) importInstant(ctx context.Context, tx *database.Tx, tenants []uuid.UUID) (clock.Instant, error) {
	q := tx.Dialect()
	_, err := database.Values[uuid.UUID](ctx, tx, `SELECT t.id FROM tenants t WHERE `+q.In("t.id", 1)+` ORDER BY t.id`+q.ForUpdate(), q.UUIDArray(tenants))
	if err != nil {
		return 0, fmt.Errorf("lock the tenants: %w", err)
	}
	var imported, last clock.Instant
	row := tx.QueryRowContext(ctx, `SELECT c.changed_at, coalesce((SELECT max(t.last_instant) FROM tenants t), 0) FROM catalog c WHERE c.id = 1`)
	if err := row.Scan(&imported, &last); err != nil {
		return 0, fmt.Errorf("find the import's instant: %w", err)
	}
	return s.instant(max(imported, last)), nil
}

func (s *Service) changeCatalogOf(ctx context.Context, tx *database.Tx, tenant uuid.UUID, now clock.Instant, before, after *tenantgraph.Catalog, o CatalogOptions) (*TenantImpact, error) {
	at, err := s.lockTenant(ctx, tx, tenant)
	if err != nil {
		return nil, err
	}
	at.now = now
	g, err := s.loadGraphWith(ctx, tx, tenant, before)
	if err != nil {
		return nil, err
	}
	d := s.draft(tx, g, at)
	d.changed = true
	d.edit.SetCatalog(after)
	d.Summary("The catalogue was imported.")
	for _, id := range productsConcerned(before, after) {
		p := after.Product(id)
		d.event.Subjects = append(d.event.Subjects, audit.Subject{ID: p.NodeID(), Name: p.DisplayName})
	}
	out, err := s.settle(ctx, d, Options{Action: audit.CatalogImport, DryRun: o.DryRun, AcknowledgeLosses: o.AcknowledgeLosses})
	if fault.CodeOf(err) == fault.ConfirmationRequired {
		return nil, fmt.Errorf("%s: %w", g.Name, err) // of all tenants, this one
	}
	if err != nil {
		return nil, err
	}
	return &TenantImpact{Tenant: tenant, Name: g.Name, Outcome: out}, nil
}

// productsConcerned returns the products of after whose tenants are told of the change: those
// that differ, and those of which a plan begins or ceases to come to everybody (R7).
func productsConcerned(before, after *tenantgraph.Catalog) []uuid.UUID {
	concerned := productsDiffering(before, after)
	for _, p := range after.Products {
		marked := func(pl *Plan) bool {
			old := before.Plan(pl.ID)
			return old != nil && old.AutoAssigned != pl.AutoAssigned
		}
		if !slices.Contains(concerned, p.ID) && slices.ContainsFunc(p.Plans, marked) {
			concerned = append(concerned, p.ID)
		}
	}
	return concerned
}

// productsDiffering returns the products of after whose plans, or whose plans' rules, are
// others than before, and those that are new.
func productsDiffering(before, after *tenantgraph.Catalog) []uuid.UUID {
	var differ []uuid.UUID
	for _, p := range after.Products {
		old := before.Product(p.ID)
		if old == nil || !old.Set.Equal(p.Set) || slices.ContainsFunc(p.Plans, func(pl *Plan) bool { return after.Rules.Differ(before.Rules, pl.Index) }) {
			differ = append(differ, p.ID)
		}
	}
	return differ
}
