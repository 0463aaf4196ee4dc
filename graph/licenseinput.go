package graph

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/graph/model"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/optional"
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
	if in != nil { // [] is not nothing where the mode is REPLACE
		list = []licensing.LicenseInput{}
	}
	distinct := map[uuid.UUID]bool{}
	for i, one := range in {
		license, refused, err := licenseInput(one)
		if err != nil {
			return nil, nil, err.At("input", field, i)
		}
		for _, e := range refused {
			wrong = append(wrong, e.At(field, i))
		}
		distinct[license.Product] = true
		list = append(list, license)
	}
	if len(distinct) > maxProducts {
		return nil, []*fault.Error{tooManyInput(len(distinct), maxProducts, locale.T("products"), field)}, nil
	}
	return list, wrong, nil
}

// licenseInput reads one product that an input asks for.
//
// Errors: TOO_MANY, INVALID_ID, INVALID_VALUE, with paths from the product. The last is
// BAD_USER_INPUT for a selection that is not exactly one.
func licenseInput(in *model.LicenseInput) (license licensing.LicenseInput, wrong []*fault.Error, _ *fault.Error) {
	product := func(text, field string) *uuid.UUID {
		key, invalid := inputID(id.Product, text, field)
		if invalid != nil {
			wrong = append(wrong, invalid)
		}
		return &key
	}
	license.Product = *product(in.ProductID, "productId")
	refused := choosePlans(&license, in.Plans.Value())
	for _, e := range refused {
		if e.Code == fault.BadUserInput {
			return license, nil, e.At("plans")
		}
		wrong = append(wrong, e.At("plans"))
	}
	if from := in.PlansFrom.Value(); from != nil {
		license.PlansFrom = product(*from, "plansFrom")
	}
	if replaced := in.Replaces.Value(); replaced != nil {
		license.Replaces = product(*replaced, "replaces")
	}
	license.IncludeNested = in.IncludeNested.Value()
	license.StartsAt, license.EndsAt = option(in.StartsAt), option(in.EndsAt)
	license.Priority = option(in.Priority)
	license.SeatLimit, license.SeatReserve = option(in.SeatLimit), option(in.SeatReserve)
	if in.ExcludeGroupIds.IsSet() {
		groups, refused := groupIDs("excludeGroupIds", in.ExcludeGroupIds.Value())
		license.ExcludeGroups = optional.Of(groups)
		wrong = append(wrong, refused...)
	}
	return license, wrong, nil
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
		return nil, []*fault.Error{tooManyInput(len(distinct), maxProducts, locale.T("products"), field)}
	}
	return list, wrong
}

// choosePlans reads which plans to turn on (R2); nothing where absent or null.
//
// Errors: TOO_MANY, INVALID_ID, INVALID_VALUE, with paths from the selection, or BAD_USER_INPUT
// alone where not exactly one field is given: the parser checks that on literals only.
func choosePlans(license *licensing.LicenseInput, in *model.PlanSelectionInput) []*fault.Error {
	if in == nil {
		return nil
	}
	all, except, only, switches := in.All.Value(), in.Except.Value(), in.Only.Value(), in.Switch.Value()
	if count(in.All.IsSet(), in.Except.IsSet(), in.Only.IsSet(), in.Switch.IsSet()) != 1 ||
		count(all != nil, except != nil, only != nil, switches != nil) != 1 {
		return []*fault.Error{fault.New(fault.BadUserInput, "plans must have exactly one of all, except, only and switch, and not null.")}
	}
	switch {
	case all != nil && !*all:
		return []*fault.Error{fault.New(fault.InvalidValue, "all: false selects nothing that could be told apart from a mistake.").
			Fix("Pass only: [] for no plans, or all: true for all.").At("all")}
	case all != nil:
		license.Plans = &licensing.SelectionInput{Mode: tenantgraph.All}
		return nil
	case except != nil:
		plans, wrong := planIDs("except", except)
		license.Plans = &licensing.SelectionInput{Mode: tenantgraph.Except, Plans: plans}
		return wrong
	case only != nil:
		plans, wrong := planIDs("only", only)
		license.Plans = &licensing.SelectionInput{Mode: tenantgraph.Only, Plans: plans}
		return wrong
	}
	on, wrongOn := planIDs("on", switches.On.Value())
	off, wrongOff := planIDs("off", switches.Off.Value())
	license.Switch = &licensing.SwitchInput{On: on, Off: off}
	wrong := append(wrongOn, wrongOff...)
	for i, e := range wrong {
		wrong[i] = e.At("switch")
	}
	return wrong
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
		return nil, []*fault.Error{tooManyInput(len(distinct), maxPlans, locale.T("plans"), field)}
	}
	return list, wrong
}

// groupIDs reads a list of groups, whose number is for the domain to bound.
//
// Errors: INVALID_ID, with paths from the field.
func groupIDs(field string, in []string) (list []uuid.UUID, wrong []*fault.Error) {
	for i, one := range in {
		key, invalid := inputID(id.Group, one, field, i)
		if invalid != nil {
			wrong = append(wrong, invalid)
		}
		list = append(list, key)
	}
	return list, wrong
}

func tooManyInput(n, limit int, what locale.Text, field string) *fault.Error {
	return fault.New(fault.TooMany, "%d %s are too many for one call.", n, what).Fix("Pass at most %d.", limit).At(field)
}
