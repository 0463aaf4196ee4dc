package tenantgraph

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Product is a SKU of the catalogue.
type Product struct {
	ID             uuid.UUID // the vendor's skuId
	SkuPartNumber  string
	DisplayName    string
	DisplayNameKey string
	RetiredAt      *clock.Instant
	Plans          []*Plan        `json:"-"` // by display name, then id
	Index          int32          `json:"-"` // dense, of this catalogue value only
	Set            engine.PlanSet `json:"-"`
}

// NodeID is the product's TypeID.
func (p *Product) NodeID() string { return id.Format(id.Product, p.ID) }

// SkuID is the vendor's UUID as text.
func (p *Product) SkuID() string { return p.ID.String() }

// Plan is an app or service inside products.
type Plan struct {
	ID              uuid.UUID // the vendor's servicePlanId
	ServicePlanName string
	DisplayName     string
	DisplayNameKey  string
	RetiredAt       *clock.Instant
	Index           int32      `json:"-"`
	Products        []*Product `json:"-"` // by display name, then id
	Excludes        []*Plan    `json:"-"` // plans that share an exclusion set with it; by display name, then id
	AutoAssigned    bool       // comes to everybody, takes part in no check (R7)
	RequiresAnyOf   []*Plan    `json:"-"` // needs any one of these (R10); empty: none. By display name, then id
	Location        Location   // where it may be used (R11)
}

// NodeID is the plan's TypeID.
func (p *Plan) NodeID() string { return id.Format(id.Plan, p.ID) }

// ServicePlanID is the vendor's UUID as text.
func (p *Plan) ServicePlanID() string { return p.ID.String() }

// Location says in which countries (ISO 3166-1 alpha-2, sorted) a plan may be used (R11).
type Location = engine.Location

// Catalog is the whole catalogue as an immutable value.
type Catalog struct {
	Products   []*Product // by display name key, then id
	Plans      []*Plan    // by display name key, then id
	Exclusions []Exclusion
	Rules      *engine.Rules

	products   map[uuid.UUID]*Product
	plans      map[uuid.UUID]*Plan
	byIndex    []*Product
	planByIdx  []*Plan
	partNumber map[string][]*Product
	search     searchIndex
}

// Exclusion is a named set of plans of which a user may have at most one.
type Exclusion struct {
	Name  string
	Plans []uuid.UUID
}

// CatalogData is what a Catalog is built from: rows without links. It is kept as JSON where a
// catalogue is former: names of fields are stored.
type CatalogData struct {
	Products     []Product // ID, names and RetiredAt
	Plans        []Plan    // ID, names, RetiredAt, AutoAssigned and Location
	ProductPlans map[uuid.UUID][]uuid.UUID
	Exclusions   []Exclusion
	Requires     map[uuid.UUID][]uuid.UUID // plan → plans of which it needs any one (R10)
}

// NewCatalog links the rows. Indices of products and plans follow the order of their ids, or
// those of base where base has them, so that two catalogues of one change can be compared.
func NewCatalog(data CatalogData, base *Catalog) *Catalog {
	c := &Catalog{
		products: make(map[uuid.UUID]*Product, len(data.Products)), plans: make(map[uuid.UUID]*Plan, len(data.Plans)),
		partNumber: map[string][]*Product{},
	}
	if base != nil {
		c.byIndex = make([]*Product, len(base.byIndex))
		c.planByIdx = make([]*Plan, len(base.planByIdx))
	}
	slices.SortFunc(data.Products, func(a, b Product) int { return compareIDs(a.ID, b.ID) })
	slices.SortFunc(data.Plans, func(a, b Plan) int { return compareIDs(a.ID, b.ID) })
	for i := range data.Plans {
		p := data.Plans[i]
		if base != nil && base.plans[p.ID] != nil {
			p.Index = base.plans[p.ID].Index
			c.planByIdx[p.Index] = &p
		} else {
			p.Index = int32(len(c.planByIdx))
			c.planByIdx = append(c.planByIdx, &p)
		}
		c.plans[p.ID] = &p
		c.Plans = append(c.Plans, &p)
	}
	for i := range data.Products {
		p := data.Products[i]
		if base != nil && base.products[p.ID] != nil {
			p.Index = base.products[p.ID].Index
			c.byIndex[p.Index] = &p
		} else {
			p.Index = int32(len(c.byIndex))
			c.byIndex = append(c.byIndex, &p)
		}
		c.products[p.ID] = &p
		c.Products = append(c.Products, &p)
	}
	slices.SortFunc(c.Plans, comparePlans)
	slices.SortFunc(c.Products, func(a, b *Product) int {
		return cmpOr(strings.Compare(a.DisplayNameKey, b.DisplayNameKey), compareIDs(a.ID, b.ID))
	})
	for _, p := range c.Products {
		for _, planID := range data.ProductPlans[p.ID] {
			if plan := c.plans[planID]; plan != nil {
				p.Plans = append(p.Plans, plan)
				p.Set = p.Set.With(plan.Index)
				plan.Products = append(plan.Products, p)
			}
		}
		slices.SortFunc(p.Plans, comparePlans)
		label := textkey.Label(p.SkuPartNumber)
		c.partNumber[label] = append(c.partNumber[label], p)
	}
	c.linkExclusions(data.Exclusions)
	for planID, any := range data.Requires {
		p := c.plans[planID]
		for _, other := range any {
			if q := c.plans[other]; p != nil && q != nil {
				p.RequiresAnyOf = append(p.RequiresAnyOf, q)
			}
		}
	}
	c.makeRules()
	return c
}

func (c *Catalog) linkExclusions(sets []Exclusion) {
	c.Exclusions = slices.Clone(sets)
	slices.SortFunc(c.Exclusions, func(a, b Exclusion) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range c.Exclusions {
		members := c.known(s.Plans)
		for _, p := range members {
			for _, q := range members {
				if p != q && !slices.Contains(p.Excludes, q) {
					p.Excludes = append(p.Excludes, q)
				}
			}
		}
	}
}

func (c *Catalog) known(ids []uuid.UUID) []*Plan {
	var plans []*Plan
	for _, id := range ids {
		if p := c.plans[id]; p != nil {
			plans = append(plans, p)
		}
	}
	return plans
}

// makeRules hands the catalogue's rules to the engine.
func (c *Catalog) makeRules() {
	book := engine.RuleBook{Plans: make([]engine.ID, len(c.planByIdx)), Requires: map[int32]engine.PlanSet{}, Locations: map[int32]engine.Location{}}
	for i, p := range c.planByIdx {
		if p == nil {
			continue
		}
		book.Plans[i] = p.ID
		if p.AutoAssigned {
			book.Automatic = book.Automatic.With(p.Index)
		}
		if len(p.RequiresAnyOf) > 0 {
			book.Requires[p.Index] = bits(p.RequiresAnyOf)
		}
		if len(p.Location.Allowed)+len(p.Location.Prohibited) > 0 {
			book.Locations[p.Index] = p.Location
		}
		slices.SortFunc(p.Excludes, comparePlans)
		slices.SortFunc(p.RequiresAnyOf, comparePlans)
	}
	for _, s := range c.Exclusions {
		book.Exclusions = append(book.Exclusions, engine.ExclusionSet{Name: s.Name, Plans: bits(c.known(s.Plans))})
	}
	c.Rules = engine.NewRules(book)
}

func bits(plans []*Plan) engine.PlanSet {
	var set engine.PlanSet
	for _, p := range plans {
		set = set.With(p.Index)
	}
	return set
}

// Product returns a product by id, or nil.
func (c *Catalog) Product(id uuid.UUID) *Product { return c.products[id] }

// Plan returns a plan by id, or nil.
func (c *Catalog) Plan(id uuid.UUID) *Plan { return c.plans[id] }

// ProductAt returns the product with an index.
func (c *Catalog) ProductAt(index int32) *Product { return c.byIndex[index] }

// PlanAt returns the plan with an index.
func (c *Catalog) PlanAt(index int32) *Plan { return c.planByIdx[index] }

// PlansIn returns the plans of a set in display order.
func (c *Catalog) PlansIn(set engine.PlanSet) []*Plan {
	plans := make([]*Plan, 0, set.Len())
	for i := range set.All() {
		plans = append(plans, c.planByIdx[i])
	}
	slices.SortFunc(plans, comparePlans)
	return plans
}

// ByPartNumber returns every product that bears a part number, given as people paste it: blanks
// are put right as the import puts them right.
func (c *Catalog) ByPartNumber(label string) []*Product { return c.partNumber[textkey.Label(label)] }

func comparePlans(a, b *Plan) int {
	return cmpOr(strings.Compare(a.DisplayNameKey, b.DisplayNameKey), compareIDs(a.ID, b.ID))
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}
