package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
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

// ChangeCatalog changes the catalogue in one transaction: it locks the catalogue, then, in id
// order, the tenants that use a product whose plans or rules change, runs the protocol for
// each, and writes one audit event per tenant. progress, which may be nil, is told of each
// tenant that is done.
//
// Errors: what plan returns; those of Change.
func (s *Service) ChangeCatalog(ctx context.Context, dryRun bool, progress func(done, of int),
	plan func(ctx context.Context, tx *database.Tx, before tenantgraph.CatalogData) (*CatalogPlan, error),
) ([]*TenantImpact, error) {
	var impacts []*TenantImpact
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		impacts = nil
		if _, err := tx.ExecContext(ctx, `UPDATE catalog SET revision = revision + 1 WHERE id = 1`); err != nil {
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
		if err := p.Write(ctx, tx); err != nil {
			return fmt.Errorf("write the catalogue: %w", err)
		}
		tenants, err := tenantsUsing(ctx, tx, productsDiffering(before, after))
		if err != nil {
			return err
		}
		for i, tenant := range tenants {
			impact, err := s.changeCatalogOf(ctx, tx, tenant, before, after, dryRun)
			if err != nil {
				return err
			}
			impacts = append(impacts, impact)
			if progress != nil {
				progress(i+1, len(tenants))
			}
		}
		if dryRun {
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

func tenantsUsing(ctx context.Context, tx *database.Tx, products []uuid.UUID) ([]uuid.UUID, error) {
	var tenants []uuid.UUID
	q := tx.Dialect()
	err := database.Each(ctx, tx, func(scan func(...any) error) error {
		var tenant uuid.UUID
		err := scan(&tenant)
		tenants = append(tenants, tenant)
		return err
	}, `SELECT tenant_id FROM assignments WHERE `+q.In("product_id", 1)+` UNION SELECT tenant_id FROM subscriptions WHERE `+q.In("product_id", 1)+` ORDER BY 1`,
		q.UUIDArray(products))
	if err != nil {
		return nil, fmt.Errorf("find the tenants that use the catalogue: %w", err)
	}
	return tenants, nil
}

func (s *Service) changeCatalogOf(ctx context.Context, tx *database.Tx, tenant uuid.UUID, before, after *tenantgraph.Catalog, dryRun bool) (*TenantImpact, error) {
	_, now, err := s.lockTenant(ctx, tx, tenant)
	if err != nil {
		return nil, err
	}
	g, err := s.loadGraphWith(ctx, tx, tenant, before)
	if err != nil {
		return nil, err
	}
	d := s.draft(tx, g, now)
	d.changed = true
	d.edit.SetCatalog(after)
	d.Summary("The catalogue was imported.")
	for _, id := range productsDiffering(before, after) {
		p := after.Product(id)
		d.event.Subjects = append(d.event.Subjects, audit.Subject{ID: p.NodeID(), Name: p.DisplayName})
	}
	out, err := s.settle(ctx, d, Options{Action: audit.CatalogImport, DryRun: dryRun})
	if err != nil {
		return nil, err
	}
	return &TenantImpact{Tenant: tenant, Name: g.Name, Outcome: out}, nil
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
