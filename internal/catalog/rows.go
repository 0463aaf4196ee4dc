package catalog

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// fromRows returns the stored catalogue as a value.
func fromRows(rows tenantgraph.CatalogData) Catalogue {
	c := Catalogue{Products: make([]Product, len(rows.Products)), Plans: make([]Plan, len(rows.Plans)), Sets: make([]ExclusionSet, len(rows.Exclusions))}
	for i, p := range rows.Products {
		c.Products[i] = Product{
			SkuID: p.ID, PartNumber: p.SkuPartNumber, DisplayName: p.DisplayName,
			Plans: sortedIDs(rows.ProductPlans[p.ID]), Retired: p.RetiredAt != nil,
		}
	}
	for i, p := range rows.Plans {
		c.Plans[i] = Plan{
			ID: p.ID, Name: p.ServicePlanName, DisplayName: p.DisplayName, Retired: p.RetiredAt != nil,
			Requires: sortedIDs(rows.Requires[p.ID]), Allowed: p.Location.Allowed, Prohibited: p.Location.Prohibited, Automatic: p.AutoAssigned,
		}
	}
	for i, s := range rows.Exclusions {
		c.Sets[i] = ExclusionSet{Name: s.Name, Plans: sortedIDs(s.Plans)}
	}
	return c
}

// toRows returns the rows of a catalogue. What is retired already keeps the instant at which
// that began; what is retired newly gets now.
func toRows(c Catalogue, stored tenantgraph.CatalogData, now clock.Instant) tenantgraph.CatalogData {
	rows := tenantgraph.CatalogData{
		Products: make([]tenantgraph.Product, len(c.Products)), Plans: make([]tenantgraph.Plan, len(c.Plans)),
		ProductPlans: make(map[uuid.UUID][]uuid.UUID, len(c.Products)), Exclusions: make([]tenantgraph.Exclusion, len(c.Sets)),
		Requires: map[uuid.UUID][]uuid.UUID{},
	}
	products, plans := byID(stored.Products, productRowID), byID(stored.Plans, planRowID)
	for i, p := range c.Products {
		rows.Products[i] = tenantgraph.Product{
			ID: p.SkuID, SkuPartNumber: p.PartNumber, DisplayName: p.DisplayName, DisplayNameKey: textkey.Fold(p.DisplayName),
			RetiredAt: retiredAt(p.Retired, products[p.SkuID].RetiredAt, now),
		}
		rows.ProductPlans[p.SkuID] = p.Plans
	}
	for i, p := range c.Plans {
		rows.Plans[i] = tenantgraph.Plan{
			ID: p.ID, ServicePlanName: p.Name, DisplayName: p.DisplayName, DisplayNameKey: textkey.Fold(p.DisplayName),
			RetiredAt:    retiredAt(p.Retired, plans[p.ID].RetiredAt, now),
			AutoAssigned: p.Automatic, Location: tenantgraph.Location{Allowed: p.Allowed, Prohibited: p.Prohibited},
		}
		if len(p.Requires) > 0 {
			rows.Requires[p.ID] = p.Requires
		}
	}
	for i, s := range c.Sets {
		rows.Exclusions[i] = tenantgraph.Exclusion{Name: s.Name, Plans: s.Plans}
	}
	return rows
}

func retiredAt(retired bool, since *clock.Instant, now clock.Instant) *clock.Instant {
	switch {
	case !retired:
		return nil
	case since != nil:
		return since
	}
	return &now
}

func productRowID(p tenantgraph.Product) uuid.UUID { return p.ID }
func planRowID(p tenantgraph.Plan) uuid.UUID       { return p.ID }

// differing returns the rows of after that before lacks or has otherwise.
func differing[T any](before, after []T, id func(T) uuid.UUID, same func(a, b T) bool) []T {
	old := byID(before, id)
	var rows []T
	for _, row := range after {
		if was, known := old[id(row)]; !known || !same(was, row) {
			rows = append(rows, row)
		}
	}
	return rows
}

func sameProductRow(a, b tenantgraph.Product) bool {
	return a.SkuPartNumber == b.SkuPartNumber && a.DisplayName == b.DisplayName && a.DisplayNameKey == b.DisplayNameKey &&
		instant(a.RetiredAt) == instant(b.RetiredAt)
}

// samePlanRow leaves out the automatic mark, which is a rule and is written as such.
func samePlanRow(a, b tenantgraph.Plan) bool {
	return a.ServicePlanName == b.ServicePlanName && a.DisplayName == b.DisplayName && a.DisplayNameKey == b.DisplayNameKey &&
		instant(a.RetiredAt) == instant(b.RetiredAt)
}

// instant is 0 where there is none.
func instant(at *clock.Instant) int64 {
	if at == nil {
		return 0
	}
	return int64(*at)
}
