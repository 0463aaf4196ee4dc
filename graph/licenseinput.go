package graph

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// Limits of one call, counted after duplicates collapse (R25).
const (
	maxProducts = 100   // of add, remove and licenses each
	maxPlans    = 1_000 // of except and only each
)

// licenseInputs reads the products that an input asks for.
//
// Errors in the list: TOO_MANY, INVALID_ID, INVALID_VALUE, with paths from the field. err is
// BAD_USER_INPUT for a selection that is not exactly one.
func licenseInputs(field string, in []*model.LicenseInput) (list []licensing.LicenseInput, wrong []*fault.Error, err error) {
	distinct := map[uuid.UUID]bool{}
	for i, one := range in {
		key, invalid := inputID(id.Product, one.ProductID, field, i, "productId")
		if invalid != nil {
			wrong = append(wrong, invalid)
		}
		distinct[key] = true
		plans, refused, err := selectionInput(one.Plans.Value())
		if err != nil {
			return nil, nil, err.At("input", field, i, "plans")
		}
		for _, e := range refused {
			wrong = append(wrong, e.At(field, i, "plans"))
		}
		list = append(list, licensing.LicenseInput{Product: key, Plans: plans, IncludeNested: one.IncludeNested.Value()})
	}
	if len(distinct) > maxProducts {
		return nil, []*fault.Error{tooManyInput(len(distinct), maxProducts, "products", field)}, nil
	}
	return list, wrong, nil
}

// productIDs reads a list of products.
//
// Errors: TOO_MANY, INVALID_ID, with paths from the field.
func productIDs(field string, in []string) (list []uuid.UUID, wrong []*fault.Error) {
	distinct := map[uuid.UUID]bool{}
	for i, one := range in {
		key, invalid := inputID(id.Product, one, field, i)
		if invalid != nil {
			wrong = append(wrong, invalid)
		}
		distinct[key] = true
		list = append(list, key)
	}
	if len(distinct) > maxProducts {
		return nil, []*fault.Error{tooManyInput(len(distinct), maxProducts, "products", field)}
	}
	return list, wrong
}

// selectionInput reads a selection of plans (R2); nil where absent or null.
//
// Errors: TOO_MANY, INVALID_ID, INVALID_VALUE, with paths from the selection. The second is
// BAD_USER_INPUT where not exactly one field is given: the parser checks that on literals only.
func selectionInput(in *model.PlanSelectionInput) (*licensing.SelectionInput, []*fault.Error, *fault.Error) {
	if in == nil {
		return nil, nil, nil
	}
	all, except, only := in.All.Value(), in.Except.Value(), in.Only.Value()
	if count(in.All.IsSet(), in.Except.IsSet(), in.Only.IsSet()) != 1 || count(all != nil, except != nil, only != nil) != 1 {
		return nil, nil, fault.New(fault.BadUserInput, "plans must have exactly one of all, except and only, and not null.")
	}
	switch {
	case all != nil && !*all:
		return nil, []*fault.Error{fault.New(fault.InvalidValue, "all: false selects nothing that could be told apart from a mistake.").
			Fix("Pass only: [] for no plans, or all: true for all.").At("all")}, nil
	case all != nil:
		return &licensing.SelectionInput{Mode: tenantgraph.All}, nil, nil
	case except != nil:
		plans, wrong := planIDs("except", except)
		return &licensing.SelectionInput{Mode: tenantgraph.Except, Plans: plans}, wrong, nil
	}
	plans, wrong := planIDs("only", only)
	return &licensing.SelectionInput{Mode: tenantgraph.Only, Plans: plans}, wrong, nil
}

func count(flags ...bool) int {
	n := 0
	for _, set := range flags {
		if set {
			n++
		}
	}
	return n
}

func planIDs(field string, in []string) (list []uuid.UUID, wrong []*fault.Error) {
	distinct := map[uuid.UUID]bool{}
	for i, one := range in {
		key, invalid := inputID(id.Plan, one, field, i)
		if invalid != nil {
			wrong = append(wrong, invalid)
		}
		distinct[key] = true
		list = append(list, key)
	}
	if len(distinct) > maxPlans {
		return nil, []*fault.Error{tooManyInput(len(distinct), maxPlans, "plans", field)}
	}
	return list, wrong
}

func tooManyInput(n, limit int, what, field string) *fault.Error {
	return fault.New(fault.TooMany, "%d %s are too many for one call.", n, what).Fix("Pass at most %d.", limit).At(field)
}
