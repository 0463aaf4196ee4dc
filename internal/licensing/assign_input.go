package licensing

import (
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// MaxPrincipals bounds the principals of one call, counted once each.
const MaxPrincipals = 20000

// LicenseInput asks for a product, or for another plan selection of one.
type LicenseInput struct {
	Product       uuid.UUID
	Plans         *SelectionInput // nil keeps what an existing assignment selects; all plans on a new one
	Switch        *SwitchInput    // not together with Plans
	PlansFrom     *uuid.UUID      // a product: what is off in the principal's own assignment of it is off here; not together with Plans or Switch
	Replaces      *uuid.UUID      // a product: only for principals with an assignment of their own of it, which goes
	IncludeNested *bool           // nil keeps; true on a new one; means nothing for a user
}

// SwitchInput switches plans on and off and leaves the others as they are; on a new assignment
// the others are on.
type SwitchInput struct{ On, Off []uuid.UUID }

// SelectionInput is a plan selection (R2).
type SelectionInput struct {
	Mode  SelectionMode
	Plans []uuid.UUID
}

// want is a LicenseInput checked against the catalogue.
type want struct {
	product   *Product
	selection *tenantgraph.Selection
	nested    *bool
	at        int // index in the input
}

// forUser refuses what only groups can have.
func (w want) forUser() *fault.Error {
	if w.nested == nil || *w.nested {
		return nil
	}
	return fault.New(fault.InvalidValue, "includeNested: false is about a group's nested members; a user has none.").
		Fix("Leave it out for users.").At("includeNested")
}

// checkWanted checks what is wrong with the products and plans themselves, which refuses the
// whole call (R25).
//
// Errors, with paths from "add" and "remove": NOT_FOUND, DUPLICATE_VALUE,
// PLAN_NOT_IN_PRODUCT, MUTUALLY_EXCLUSIVE_VIOLATION (a selection that excludes itself, R9).
func checkWanted(g *tenantgraph.Graph, field string, add []LicenseInput, remove []uuid.UUID) ([]want, []*Product, error) {
	var wanted []want
	seen := map[uuid.UUID]bool{}
	for i, in := range add {
		w, err := checkOne(g, in)
		if err != nil {
			return nil, nil, err.At(field, i)
		}
		if seen[in.Product] {
			return nil, nil, fault.New(fault.DuplicateValue, "The product %s is asked for twice.", w.product.DisplayName).
				Fix("Name each product once.").At(field, i, "productId")
		}
		seen[in.Product] = true
		w.at = i
		wanted = append(wanted, *w)
	}
	var unwanted []*Product
	for i, key := range remove {
		p := g.Product(key)
		if p == nil {
			return nil, nil, unknownProduct().At("remove", i)
		}
		if seen[key] && !slices.Contains(unwanted, p) { // R23
			return nil, nil, fault.New(fault.DuplicateValue, "The product %s is both added and removed.", p.DisplayName).
				Fix("Leave it out of one of the two lists.").At("remove", i)
		}
		if !slices.Contains(unwanted, p) { // R24: lists collapse duplicates
			unwanted = append(unwanted, p)
		}
		seen[key] = true
	}
	return wanted, unwanted, nil
}

func unknownProduct() *fault.Error {
	return fault.New(fault.NotFound, "There is no such product in the catalogue.").
		Fix("Look it up with the query products(search:).")
}

func checkOne(g *tenantgraph.Graph, in LicenseInput) (*want, *fault.Error) {
	p := g.Product(in.Product)
	if p == nil {
		return nil, unknownProduct().At("productId")
	}
	w := &want{product: p, nested: in.IncludeNested}
	selected := p.Set
	if in.Plans != nil {
		selection, err := checkSelection(g, p, in.Plans)
		if err != nil {
			return nil, err.At("plans")
		}
		w.selection = selection
		selected = selection.Of(g.Catalog, p)
	}
	if in.Plans != nil || p.RetiredAt == nil {
		if c, bad := g.Rules.SelfConflict(selected); bad { // R9
			a, b := g.PlanAt(c.Plan), g.PlanAt(c.Other)
			return nil, fault.New(fault.MutuallyExclusiveViolation, "The selection of %s excludes itself: %s and %s are in the exclusion set %s.",
				p.DisplayName, a.DisplayName, b.DisplayName, c.Set).Fix("Switch off one of the two.").At("plans").
				With(&ExclusionDetails{ExclusionSet: c.Set, Plan: a, Product: p, OtherPlan: b, OtherProduct: p})
		}
	}
	return w, nil
}

// checkSelection refuses plans that are not in the product, by name (R2).
func checkSelection(g *tenantgraph.Graph, p *Product, in *SelectionInput) (*tenantgraph.Selection, *fault.Error) {
	s := &tenantgraph.Selection{Mode: in.Mode}
	if in.Mode == tenantgraph.All {
		return s, nil
	}
	field := map[SelectionMode]string{tenantgraph.Except: "except", tenantgraph.Only: "only"}[in.Mode]
	for i, key := range in.Plans {
		plan := g.Plan(key)
		if plan == nil {
			return nil, fault.New(fault.NotFound, "There is no such plan in the catalogue.").
				Fix("Look up the plans of %s with the query product(id:).", p.DisplayName).At(field, i)
		}
		if !slices.Contains(p.Plans, plan) {
			return nil, fault.New(fault.PlanNotInProduct, "The plan %s is not part of %s.", plan.DisplayName, p.DisplayName).
				Fix("Leave it out; the product's plans are those of product(id:) { plans { id displayName } }.").At(field, i)
		}
		s.Plans = append(s.Plans, key)
	}
	slices.SortFunc(s.Plans, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	s.Plans = slices.Compact(s.Plans)
	if s.Mode == tenantgraph.Except && len(s.Plans) == 0 { // R2: all but nothing is all
		s.Mode = tenantgraph.All
	}
	return s, nil
}

// assignable tells why a new assignment of the product cannot begin (R16, R22).
func assignable(g *tenantgraph.Graph, p *Product) *fault.Error {
	if p.RetiredAt != nil {
		return fault.New(fault.ProductRetired, "%s has left the vendor's catalogue: existing assignments go on, new ones are refused.", p.DisplayName).
			Fix("Assign the product that follows it.")
	}
	if _, live := g.LiveSince(p.ID); !live {
		return noSubscription(p)
	}
	return nil
}

func noSubscription(p *Product) *fault.Error {
	return fault.New(fault.NoSubscription, "The organisation has no live subscription of %s.", p.DisplayName).
		Fix("Create one with createSubscription.")
}

// revise returns the assignment as a wanted license would have it: a new one where before is
// nil, before itself where nothing changes.
func (d *Draft) revise(before *tenantgraph.Assignment, w want, user, group uuid.UUID) (*tenantgraph.Assignment, error) {
	if before == nil {
		if err := assignable(d.Graph, w.product); err != nil {
			return nil, err.At("add", w.at)
		}
		key, err := d.newID()
		if err != nil {
			return nil, err
		}
		a := &tenantgraph.Assignment{
			ID: key, UserID: user, GroupID: group, ProductID: w.product.ID, Selection: tenantgraph.Selection{Mode: tenantgraph.All},
			IncludeNested: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1,
		}
		if w.selection != nil {
			a.Selection = *w.selection
		}
		if w.nested != nil && group != uuid.Nil {
			a.IncludeNested = *w.nested
		}
		return a, nil
	}
	a := *before
	if w.selection != nil {
		a.Selection = *w.selection
	}
	if w.nested != nil && !before.Direct() {
		a.IncludeNested = *w.nested
	}
	if a.Selection.Equal(before.Selection) && a.IncludeNested == before.IncludeNested {
		return before, nil
	}
	if a.Direct() && !a.Selection.Of(d.Graph.Catalog, w.product).Minus(before.Selection.Of(d.Graph.Catalog, w.product)).Empty() {
		if _, live := d.Graph.LiveSince(w.product.ID); !live { // R12: what it adds could not be admitted
			return nil, noSubscription(w.product).At("add", w.at)
		}
	}
	a.UpdatedAt, a.Version = d.Now, before.Version+1
	return &a, nil
}
