// Package vendorcsv reads the catalogue that a vendor publishes as CSV: products with their
// plans, and the sets of plans that exclude each other. What is published is dirty; dirt is
// repaired or skipped row by row and reported, and never stops an import. The package is pure:
// it knows files and plain values, no database.
package vendorcsv

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// ProductColumns are the columns of the vendor's file of products.
func ProductColumns() []string {
	return []string{"Product_Display_Name", "String_Id", "GUID", "Service_Plan_Name", "Service_Plan_Id",
		"Service_Plans_Included_Friendly_Names"}
}

// The places of ProductColumns.
const (
	colProductName = iota
	colPartNumber
	colSkuID
	colPlanName
	colPlanID
	colPlanDisplayName
)

// Catalogue is what a file of products says, each product and plan once, in the order of the
// first row that names it.
type Catalogue struct {
	Products []Product
	Plans    []Plan
}

// Product is a SKU. Its names are never empty.
type Product struct {
	SkuID       uuid.UUID
	PartNumber  string // a label: several products may bear the same
	DisplayName string
	Plans       []uuid.UUID // each once, in the order of the rows; may be empty
	Line        int         // of its first row
}

// Plan is an app or service inside products. Its names are never empty.
type Plan struct {
	ID          uuid.UUID
	Name        string // the vendor's service plan name: a label
	DisplayName string
	Line        int // of its first row
}

// ReadProducts reads the vendor's six-column CSV. Where an object has several names the most
// frequent wins, of equals that of the first row. Everything repaired, skipped or odd is added
// to the report under the name file.
//
// Errors: *FileError for a file that is empty, lacks a column or any usable row, has more than
// MaxFileBytes or MaxRows, or cannot be read. Nothing else is an error.
func ReadProducts(r io.Reader, file string, report *Report) (Catalogue, error) {
	t, err := openTable(r, file, ProductColumns(), report)
	if err != nil {
		return Catalogue{}, err
	}
	b := &builder{table: t, products: map[uuid.UUID]*productRows{}, plans: map[uuid.UUID]*planRows{}, pairs: map[pair]int{}}
	for {
		rec, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Catalogue{}, err
		}
		b.read(rec)
	}
	if len(b.productOrder) == 0 {
		return Catalogue{}, noProducts(t.summaryOf())
	}
	b.reportLeftOut()
	return b.catalogue(), nil
}

// noProducts keeps an accident with the file from retiring the whole catalogue.
func noProducts(f FileSummary) error {
	if f.Rows == 0 {
		return &FileError{File: f.Name, Problem: "the file has a header and no rows; the whole catalogue would be retired"}
	}
	return &FileError{File: f.Name, Problem: fmt.Sprintf(
		"no product could be read from its %s; the whole catalogue would be retired", count(f.Rows, "row"))}
}

// builder gathers rows into products and plans.
type builder struct {
	*table
	products     map[uuid.UUID]*productRows
	plans        map[uuid.UUID]*planRows
	pairs        map[pair]int // line of each product with a plan
	productOrder []*productRows
	planOrder    []*planRows
	last         *productRows
	leftOut      []leftOut
}

type productRows struct {
	id                uuid.UUID
	line, lastLine    int
	partNumber, names tally
	plans             []uuid.UUID
	noPlan            int // first line that names no plan
	apart             bool
}

type pair struct{ product, plan uuid.UUID }

type planRows struct {
	id                 uuid.UUID
	line               int
	name, displayNames tally
}

// leftOut is what a skipped row names validly.
type leftOut struct {
	finding       int
	product, plan uuid.UUID
}

// read takes in one row: a product with a plan, or a product alone.
func (b *builder) read(rec record) {
	sku, errSku := b.id(rec, colSkuID)
	plan, errPlan := b.id(rec, colPlanID)
	alone := errSku == nil && rec.surplus >= 0 && Clean(rec.values[colPlanID]) == "" && Clean(rec.values[colPlanName]) == ""
	if err := errors.Join(errSku, errPlan); err != nil && !alone {
		if i := b.refuse(rec, oneLine(errSku, errPlan)); i >= 0 {
			b.leftOut = append(b.leftOut, leftOut{i, sku, plan})
		}
		return
	}
	p := b.product(sku, rec.line)
	p.names.add(b.text(rec, colProductName), rec.line)
	p.partNumber.add(b.text(rec, colPartNumber), rec.line)
	if alone {
		if p.noPlan == 0 {
			p.noPlan = rec.line
		}
		b.accept()
		return
	}
	l := b.plan(plan, rec.line)
	l.name.add(b.text(rec, colPlanName), rec.line)
	l.displayNames.add(b.text(rec, colPlanDisplayName), rec.line)
	b.accept()
	b.pairUp(p, plan, rec.line)
}

func oneLine(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return fmt.Errorf("%w; %w", a, b)
}

// product finds the product of a row. Rows of one product need not stand together.
func (b *builder) product(id uuid.UUID, line int) *productRows {
	p := b.products[id]
	switch {
	case p == nil:
		p = &productRows{id: id, line: line}
		b.products[id] = p
		b.productOrder = append(b.productOrder, p)
	case p != b.last && !p.apart:
		p.apart = true
		b.add(line, KindRowsApart, Repaired, fmt.Sprintf("product %s goes on here after line %d", id, p.lastLine), "rows grouped")
	}
	p.lastLine = line
	b.last = p
	return p
}

func (b *builder) plan(id uuid.UUID, line int) *planRows {
	l := b.plans[id]
	if l == nil {
		l = &planRows{id: id, line: line}
		b.plans[id] = l
		b.planOrder = append(b.planOrder, l)
	}
	return l
}

func (b *builder) pairUp(p *productRows, plan uuid.UUID, line int) {
	key := pair{p.id, plan}
	if first, ok := b.pairs[key]; ok {
		b.add(line, KindDuplicatePair, Repaired,
			fmt.Sprintf("product %s has plan %s from line %d already", p.id, plan, first), "counted once")
		return
	}
	b.pairs[key] = line
	p.plans = append(p.plans, plan)
}

// reportLeftOut says of skipped rows whether a product or plan is missing because of them: it
// would be retired.
func (b *builder) reportLeftOut() {
	for _, l := range b.leftOut {
		f := &b.report.findings[l.finding]
		if l.product != uuid.Nil && b.products[l.product] == nil {
			f.Done += fmt.Sprintf("; no good row names product %s, which is left out", l.product)
		}
		if l.plan != uuid.Nil && b.plans[l.plan] == nil {
			f.Done += fmt.Sprintf("; no good row names plan %s, which is left out", l.plan)
		}
	}
}
