package vendorcsv

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// catalogue settles the names of everything that was read and reports what is odd about whole
// objects, once for each.
func (b *builder) catalogue() Catalogue {
	var c Catalogue
	for _, p := range b.productOrder {
		c.Products = append(c.Products, b.settleProduct(p))
	}
	for _, l := range b.planOrder {
		c.Plans = append(c.Plans, b.settlePlan(l))
	}
	b.reportShared(c)
	return c
}

func (b *builder) settleProduct(p *productRows) Product {
	b.reportNames(KindProductNames, fmt.Sprintf("product %s", p.id), b.columns[colProductName], &p.names,
		b.columns[colPartNumber], &p.partNumber)
	partNumber, name := b.fallBack(p.id, b.columns[colPartNumber], &p.partNumber,
		b.columns[colProductName], &p.names)
	if p.noPlan > 0 {
		if len(p.plans) == 0 {
			b.add(p.noPlan, KindNoPlan, Noted, fmt.Sprintf("product %s has no plans", p.id), "kept without plans")
		} else {
			b.add(p.noPlan, KindNoPlan, Noted, fmt.Sprintf("the row of product %s names no plan", p.id), "its other rows do")
		}
	}
	return Product{SkuID: p.id, PartNumber: partNumber, DisplayName: name, Plans: p.plans, Line: p.line}
}

func (b *builder) settlePlan(l *planRows) Plan {
	b.reportNames(KindPlanNames, fmt.Sprintf("plan %s", l.id), b.columns[colPlanName], &l.name,
		b.columns[colPlanDisplayName], &l.displayNames)
	name, displayName := b.fallBack(l.id, b.columns[colPlanName], &l.name, b.columns[colPlanDisplayName], &l.displayNames)
	return Plan{ID: l.id, Name: name, DisplayName: displayName, Line: l.line}
}

// reportNames reports an object with several names, on the line where the second one appears.
func (b *builder) reportNames(kind Kind, object, columnA string, a *tally, columnB string, c *tally) {
	line := a.second()
	if s := c.second(); line == 0 || s > 0 && s < line {
		line = s
	}
	if line == 0 {
		return
	}
	var found, kept []string
	for _, n := range []struct {
		column string
		tally  *tally
	}{{columnA, a}, {columnB, c}} {
		if len(n.tally.names) > 1 {
			found = append(found, n.column+" "+n.tally.show())
			kept = append(kept, show(n.tally.winner()))
		}
	}
	b.add(line, kind, Repaired, object+" has several names: "+strings.Join(found, " and "), strings.Join(kept, " and ")+" kept")
}

// fallBack fills in names that no row gives: the label's place is taken by the id, the display
// name's by the label.
func (b *builder) fallBack(id uuid.UUID, labelColumn string, label *tally, nameColumn string, name *tally) (string, string) {
	l, n := label.winner(), name.winner()
	if l == "" {
		l = id.String()
	}
	if n == "" {
		n = l
	}
	b.reportEmpty(id, labelColumn, label, l)
	b.reportEmpty(id, nameColumn, name, n)
	return l, n
}

func (b *builder) reportEmpty(id uuid.UUID, column string, t *tally, standsIn string) {
	done := show(standsIn) + " stands in"
	if len(t.names) > 0 {
		done = show(standsIn) + " taken from other rows"
	}
	for _, line := range t.empty {
		b.add(line, KindEmptyName, Repaired, fmt.Sprintf("%s of %s is empty", column, id), done)
	}
}

// reportShared reports labels that several objects bear, and ids that are both a product's and
// a plan's. Labels are no keys, so everything is kept.
func (b *builder) reportShared(c Catalogue) {
	byPartNumber := map[string]Product{}
	for _, p := range c.Products {
		if first, ok := byPartNumber[p.PartNumber]; ok {
			b.add(p.Line, KindSharedPartNumber, Noted, fmt.Sprintf("product %s has the part number %s of product %s (line %d)",
				p.SkuID, show(p.PartNumber), first.SkuID, first.Line), "both kept")
			continue
		}
		byPartNumber[p.PartNumber] = p
	}
	byName := map[string]Plan{}
	for _, l := range c.Plans {
		if first, ok := byName[l.Name]; ok {
			b.add(l.Line, KindSharedPlanName, Noted, fmt.Sprintf("plan %s has the name %s of plan %s (line %d)",
				l.ID, show(l.Name), first.ID, first.Line), "both kept")
		} else {
			byName[l.Name] = l
		}
		if p := b.products[l.ID]; p != nil {
			b.add(max(p.line, l.Line), KindProductAndPlan, Noted,
				fmt.Sprintf("%s is a product (line %d) and a plan (line %d)", l.ID, p.line, l.Line), "both kept")
		}
	}
}
