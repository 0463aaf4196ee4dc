package licensing

import (
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// SelectionInput is a plan selection (R2).
type SelectionInput struct {
	Mode  SelectionMode
	Plans []uuid.UUID
}

// SwitchInput switches plans on and off and leaves the others as they are; on a new assignment
// the others are on.
type SwitchInput struct{ On, Off []uuid.UUID }

// choose checks what the input says about plans.
//
// Errors: INVALID_VALUE (several ways at once), NOT_FOUND, PLAN_NOT_IN_PRODUCT,
// DUPLICATE_VALUE (a plan switched on and off), MUTUALLY_EXCLUSIVE_VIOLATION.
func (w *want) choose(g *tenantgraph.Graph, in LicenseInput) (err *fault.Error) {
	if in.PlansFrom != nil && (in.Plans != nil || in.Switch != nil) || in.Plans != nil && in.Switch != nil {
		return fault.New(fault.InvalidValue, "The plans of %s are chosen in two ways at once.", w.product.DisplayName).
			Fix("Pass plans or plansFrom, not both.").At("plans")
	}
	switch {
	case in.Plans != nil:
		if w.selection, err = checkSelection(g, w.product, in.Plans); err != nil {
			return err.At("plans")
		}
		if c, bad := g.Rules.SelfConflict(w.selection.Of(g.Catalog, w.product)); bad { // R9
			a, b := g.PlanAt(c.Plan), g.PlanAt(c.Other)
			return fault.New(fault.MutuallyExclusiveViolation, "The selection of %s excludes itself: %s and %s are in the exclusion set %s.",
				w.product.DisplayName, a.DisplayName, b.DisplayName, c.Set).Fix("Switch off one of the two.").At("plans").
				With(&ExclusionDetails{ExclusionSet: c.Set, Plan: a, Product: w.product, OtherPlan: b, OtherProduct: w.product})
		}
	case in.Switch != nil:
		if w.switches, err = checkSwitch(g, w.product, in.Switch); err != nil {
			return err.At("plans", "switch")
		}
	case in.PlansFrom != nil:
		if w.from = g.Product(*in.PlansFrom); w.from == nil {
			return unknownProduct().At("plansFrom")
		}
	}
	return nil
}

// checkSelection refuses plans that are not in the product, by name (R2).
func checkSelection(g *tenantgraph.Graph, p *Product, in *SelectionInput) (*tenantgraph.Selection, *fault.Error) {
	if in.Mode == tenantgraph.All {
		return &tenantgraph.Selection{Mode: tenantgraph.All}, nil
	}
	field := map[SelectionMode]string{tenantgraph.Except: "except", tenantgraph.Only: "only"}[in.Mode]
	plans, err := checkPlans(g, p, in.Plans)
	if err != nil {
		return nil, err.At(field)
	}
	return normal(in.Mode, plans), nil
}

func checkSwitch(g *tenantgraph.Graph, p *Product, in *SwitchInput) (*SwitchInput, *fault.Error) {
	on, err := checkPlans(g, p, in.On)
	if err != nil {
		return nil, err.At("on")
	}
	off, err := checkPlans(g, p, in.Off)
	if err != nil {
		return nil, err.At("off")
	}
	for i, key := range in.Off {
		if slices.Contains(on, key) {
			return nil, fault.New(fault.DuplicateValue, "The plan %s is switched both on and off.", g.Plan(key).DisplayName).
				Fix("Leave it out of one of the two lists.").At("off", i)
		}
	}
	return &SwitchInput{On: on, Off: off}, nil
}

// checkPlans returns the plans sorted, each once.
func checkPlans(g *tenantgraph.Graph, p *Product, keys []uuid.UUID) ([]uuid.UUID, *fault.Error) {
	for i, key := range keys {
		plan := g.Plan(key)
		if plan == nil {
			return nil, fault.New(fault.NotFound, "There is no such plan in the catalogue.").
				Fix("Look up the plans of %s with the query product(id:).", p.DisplayName).At(i)
		}
		if !slices.Contains(p.Plans, plan) {
			return nil, fault.New(fault.PlanNotInProduct, "The plan %s is not part of %s.", plan.DisplayName, p.DisplayName).
				Fix("Leave it out; the product's plans are those of product(id:) { plans { id displayName } }.").At(i)
		}
	}
	return sortedIDs(keys), nil
}

func sortedIDs(keys []uuid.UUID) []uuid.UUID {
	return slices.Compact(slices.SortedFunc(slices.Values(keys), compareUUIDs))
}

// normal is the selection as it is stored: all but nothing is all (R2).
func normal(mode SelectionMode, sorted []uuid.UUID) *tenantgraph.Selection {
	if mode == tenantgraph.Except && len(sorted) == 0 {
		mode = tenantgraph.All
	}
	return &tenantgraph.Selection{Mode: mode, Plans: sorted}
}

// selectionAfter returns what a principal's assignment selects after the call; own are the
// principal's own assignments, by product.
func (w want) selectionAfter(c *tenantgraph.Catalog, own map[uuid.UUID]*tenantgraph.Assignment) tenantgraph.Selection {
	selection := tenantgraph.Selection{Mode: tenantgraph.All}
	if before := own[w.product.ID]; before != nil {
		selection = before.Selection
	}
	switch {
	case w.selection != nil:
		return *w.selection
	case w.switches != nil:
		return switched(selection, w.switches)
	case w.from != nil && own[w.from.ID] != nil: // without one there is nothing to carry over: a repetition changes nothing (R24)
		var off []uuid.UUID
		for _, p := range c.PlansIn(w.from.Set.Minus(own[w.from.ID].Selection.Of(c, w.from)).Intersect(w.product.Set)) {
			off = append(off, p.ID)
		}
		return *normal(tenantgraph.Except, sortedIDs(off))
	}
	return selection
}

// switched moves plans in and out of a selection's list: its mode stays, and so does what
// becomes of plans that the vendor adds later.
func switched(s tenantgraph.Selection, in *SwitchInput) tenantgraph.Selection {
	enter, leave := in.On, in.Off
	if s.Mode != tenantgraph.Only {
		s.Mode = tenantgraph.Except
		enter, leave = in.Off, in.On
	}
	kept := slices.DeleteFunc(slices.Clone(s.Plans), func(p uuid.UUID) bool { return slices.Contains(leave, p) })
	return *normal(s.Mode, sortedIDs(append(kept, enter...)))
}
