package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// writer writes the difference between two catalogues, in an order that keeps every foreign
// key. Nothing is deleted but pairs and withdrawn rules: assignments of what is retired go on.
type writer struct {
	ctx   context.Context
	tx    *database.Tx
	newID id.Source
}

// batch is how many rows one statement takes.
const batch = 5000

func (w *writer) write(before, after tenantgraph.CatalogData, d Diff) error {
	steps := []struct {
		what string
		run  func() error
	}{
		{"plans", func() error { return w.plans(differing(before.Plans, after.Plans, planRowID, samePlanRow)) }},
		{"products", func() error {
			return w.products(differing(before.Products, after.Products, productRowID, sameProductRow))
		}},
		{"plans of products", func() error { return w.productPlans(d) }},
		{"exclusion sets", func() error { return w.sets(d) }},
		{"prerequisites", func() error { return w.prerequisites(d) }},
		{"location rules", func() error { return w.locations(d) }},
		{"automatic plans", func() error { return w.automatic(d) }},
	}
	for _, s := range steps {
		if err := s.run(); err != nil {
			return fmt.Errorf("write the %s: %w", s.what, err)
		}
	}
	return nil
}

func column(name string, t database.ColumnType) database.Column {
	return database.Column{Name: name, Type: t}
}

// row is a product or a plan, whose tables differ in the name of the label alone.
type row struct {
	id               uuid.UUID
	label, name, key string
	retiredAt        int64 // 0: not retired
}

func (w *writer) plans(plans []tenantgraph.Plan) error {
	rows := make([]row, len(plans))
	for i, p := range plans {
		rows[i] = row{p.ID, p.ServicePlanName, p.DisplayName, p.DisplayNameKey, instant(p.RetiredAt)}
	}
	return w.upsert("plans", "service_plan_name", rows)
}

func (w *writer) products(products []tenantgraph.Product) error {
	rows := make([]row, len(products))
	for i, p := range products {
		rows[i] = row{p.ID, p.SkuPartNumber, p.DisplayName, p.DisplayNameKey, instant(p.RetiredAt)}
	}
	return w.upsert("products", "sku_part_number", rows)
}

func (w *writer) upsert(table, label string, rows []row) error {
	q := w.tx.Dialect()
	query := `INSERT INTO ` + table + ` (id, ` + label + `, display_name, display_name_key, retired_at)
		SELECT v.id, v.label, v.name, v.name_key, nullif(v.retired, 0) FROM ` +
		q.Unnest("v", 1, column("id", database.UUID), column("label", database.Text), column("name", database.Text),
			column("name_key", database.Text), column("retired", database.BigInt)) + `
		WHERE true ON CONFLICT (id) DO UPDATE SET ` + label + ` = excluded.` + label + `, display_name = excluded.display_name,
		display_name_key = excluded.display_name_key, retired_at = excluded.retired_at`
	for part := range slices.Chunk(rows, batch) {
		n := len(part)
		ids, labels, names, keys, retired := make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
		for i, r := range part {
			ids[i], labels[i], names[i], keys[i], retired[i] = r.id, r.label, r.name, r.key, r.retiredAt
		}
		if _, err := w.tx.ExecContext(w.ctx, query, q.UnnestArgs(ids, labels, names, keys, retired)...); err != nil {
			return err
		}
	}
	return nil
}

// link is a product, an exclusion set or a plan with one of its plans.
type link struct{ owner, plan uuid.UUID }

// linkTable is a table of links: the columns of owner and plan.
type linkTable struct{ name, owner, plan string }

var (
	productPlans  = linkTable{"product_plans", "product_id", "plan_id"}
	setPlans      = linkTable{"exclusion_set_plans", "exclusion_set_id", "plan_id"}
	prerequisites = linkTable{"plan_prerequisites", "plan_id", "requires_id"}
)

func (w *writer) productPlans(d Diff) error {
	var gone, added []link
	for _, p := range d.ProductsAdded {
		for _, plan := range p.Plans {
			added = append(added, link{p.SkuID, plan})
		}
	}
	for _, m := range d.PlansMoved {
		gone = appendLinks(gone, m.Product.SkuID, m.Removed)
		added = appendLinks(added, m.Product.SkuID, m.Added)
	}
	return w.move(productPlans, gone, added)
}

func appendLinks(links []link, owner uuid.UUID, plans []Plan) []link {
	for _, p := range plans {
		links = append(links, link{owner, p.ID})
	}
	return links
}

// move removes links of a table and adds others.
func (w *writer) move(t linkTable, gone, added []link) error {
	if err := w.drop(t, gone); err != nil {
		return err
	}
	return w.add(t, added)
}

func (w *writer) add(t linkTable, links []link) error {
	return w.eachBatch(links, func(values string) string {
		return `INSERT INTO ` + t.name + ` (` + t.owner + `, ` + t.plan + `) SELECT v.owner, v.plan FROM ` + values
	})
}

func (w *writer) drop(t linkTable, links []link) error {
	return w.eachBatch(links, func(values string) string {
		return `DELETE FROM ` + t.name + ` WHERE (` + t.owner + `, ` + t.plan + `) IN (SELECT v.owner, v.plan FROM ` + values + `)`
	})
}

// eachBatch runs a statement over links, which it finds as v(owner, plan).
func (w *writer) eachBatch(links []link, statement func(values string) string) error {
	q := w.tx.Dialect()
	query := statement(q.Unnest("v", 1, column("owner", database.UUID), column("plan", database.UUID)))
	for part := range slices.Chunk(links, batch) {
		owners, plans := make([]uuid.UUID, len(part)), make([]uuid.UUID, len(part))
		for i, l := range part {
			owners[i], plans[i] = l.owner, l.plan
		}
		if _, err := w.tx.ExecContext(w.ctx, query, q.UnnestArgs(owners, plans)...); err != nil {
			return err
		}
	}
	return nil
}
