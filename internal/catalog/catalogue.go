// Package catalog owns the catalogue: products, plans and the rules of plans, which are the sets
// that exclude each other, prerequisites, locations and automatic marks. It is global to a deployment and changes only by import. The file that is imported is
// the whole catalogue: what it lacks is retired, and stays readable (R22).
package catalog

import (
	"bytes"
	"slices"

	"github.com/google/uuid"
)

// Catalogue is every product, plan and rule that is known, retired products and plans included.
type Catalogue struct {
	Products []Product
	Plans    []Plan
	Sets     []ExclusionSet
}

// Product is a SKU. A retired product keeps the plans that it had when it left the catalogue.
type Product struct {
	SkuID       uuid.UUID
	PartNumber  string // a label: several products may bear the same
	DisplayName string
	Plans       []uuid.UUID // a set
	Retired     bool
}

// Plan is an app or service inside products.
type Plan struct {
	ID          uuid.UUID
	Name        string // the vendor's service plan name: a label
	DisplayName string
	Retired     bool

	Requires            []uuid.UUID // a set: needs any one of these (R10); empty: none
	Allowed, Prohibited []string    // sorted countries: may be used in no others, where there are any, and not in these (R11)
	Automatic           bool        // comes to everybody, takes part in no check (R7)
}

// ExclusionSet names plans of which a user may have at most one on (R9). Names that differ only
// in letter case are one set.
type ExclusionSet struct {
	Name  string
	Plans []uuid.UUID // a set of two or more
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// sortedIDs returns the ids in order, each once.
func sortedIDs(ids []uuid.UUID) []uuid.UUID {
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, compareIDs)
	return slices.Compact(sorted)
}

func byID[T any](items []T, id func(T) uuid.UUID) map[uuid.UUID]T {
	m := make(map[uuid.UUID]T, len(items))
	for _, item := range items {
		m[id(item)] = item
	}
	return m
}

func productID(p Product) uuid.UUID { return p.SkuID }
func planID(p Plan) uuid.UUID       { return p.ID }
