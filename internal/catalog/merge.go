package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog/vendorcsv"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Merge returns the catalogue after an import. The file of products is the whole truth about
// products and plans: what it lacks is retired, what it has again is not (R22). Exclusions, where
// given, are the whole truth about exclusion sets; nil leaves the sets as they are.
//
// A member of a set that no import has ever named is left out. One that has been retired stays,
// because assignments of retired products go on. A set with fewer than two known plans is
// dropped. All of this is added to the report. The result is sorted by id, sets by name.
//
// Errors: *ContradictionError where a product excludes itself (R9).
func Merge(before Catalogue, file vendorcsv.Catalogue, exclusions *vendorcsv.Exclusions, report *vendorcsv.Report) (Catalogue, error) {
	after := Catalogue{
		Products: mergeProducts(before.Products, file.Products),
		Plans:    mergePlans(before.Plans, file.Plans),
		Sets:     cloneSets(before.Sets),
	}
	if exclusions != nil {
		after.Sets = resolveSets(exclusions, byID(after.Plans, planID), report)
	}
	slices.SortFunc(after.Sets, func(a, b ExclusionSet) int { return strings.Compare(a.Name, b.Name) })
	if err := refuseContradictions(after); err != nil {
		return Catalogue{}, err
	}
	return after, nil
}

func mergeProducts(before []Product, file []vendorcsv.Product) []Product {
	merged := byID(before, productID)
	for id, p := range merged {
		p.Retired = true
		p.Plans = sortedIDs(p.Plans)
		merged[id] = p
	}
	for _, p := range file {
		merged[p.SkuID] = Product{SkuID: p.SkuID, PartNumber: p.PartNumber, DisplayName: p.DisplayName, Plans: sortedIDs(p.Plans)}
	}
	return valuesByID(merged)
}

func mergePlans(before []Plan, file []vendorcsv.Plan) []Plan {
	merged := byID(before, planID)
	for id, p := range merged {
		p.Retired = true
		merged[id] = p
	}
	for _, p := range file {
		merged[p.ID] = Plan{ID: p.ID, Name: p.Name, DisplayName: p.DisplayName}
	}
	return valuesByID(merged)
}

func valuesByID[T any](m map[uuid.UUID]T) []T {
	ids := make([]uuid.UUID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compareIDs)
	values := make([]T, len(ids))
	for i, id := range ids {
		values[i] = m[id]
	}
	return values
}

func cloneSets(sets []ExclusionSet) []ExclusionSet {
	clones := make([]ExclusionSet, len(sets))
	for i, s := range sets {
		clones[i] = ExclusionSet{Name: s.Name, Plans: sortedIDs(s.Plans)}
	}
	return clones
}

// resolveSets keeps the members that are known and the sets that still exclude something.
func resolveSets(exclusions *vendorcsv.Exclusions, plans map[uuid.UUID]Plan, report *vendorcsv.Report) []ExclusionSet {
	var sets []ExclusionSet
	for _, s := range exclusions.Sets {
		set := ExclusionSet{Name: s.Name}
		for _, m := range s.Members {
			plan, known := plans[m.PlanID]
			if f, odd := memberFinding(s.Name, m, plan, known); odd {
				f.File = exclusions.File
				report.Add(f)
			}
			if known {
				set.Plans = append(set.Plans, m.PlanID)
			}
		}
		if len(set.Plans) < 2 {
			report.Add(vendorcsv.Finding{File: exclusions.File, Line: s.Line, Kind: vendorcsv.KindSmallSet, Outcome: vendorcsv.Skipped,
				Found: fmt.Sprintf("set %q has %s of this catalogue and excludes nothing", s.Name, plural(len(set.Plans), "plan")), Done: "set dropped"})
			continue
		}
		set.Plans = sortedIDs(set.Plans)
		sets = append(sets, set)
	}
	return sets
}

// memberFinding says what a person should know about a member of a set, if anything.
func memberFinding(set string, m vendorcsv.Member, plan Plan, known bool) (vendorcsv.Finding, bool) {
	f := vendorcsv.Finding{Line: m.Line}
	switch {
	case !known:
		f.Kind, f.Outcome, f.Done = vendorcsv.KindUnknownPlan, vendorcsv.Skipped, "row skipped"
		f.Found = fmt.Sprintf("plan %s of set %q is not in the catalogue", strings.TrimSpace(m.PlanName+" "+m.PlanID.String()), set)
	case plan.Retired:
		f.Kind, f.Outcome, f.Done = vendorcsv.KindRetiredPlan, vendorcsv.Noted, "kept for assignments that go on"
		f.Found = fmt.Sprintf("plan %s of set %q has left the catalogue", labelOfPlan(plan), set)
	case m.PlanName != "" && textkey.Fold(m.PlanName) != textkey.Fold(plan.Name):
		f.Kind, f.Outcome, f.Done = vendorcsv.KindOtherName, vendorcsv.Noted, "the id decides"
		f.Found = fmt.Sprintf("set %q calls plan %s %q, the catalogue calls it %q", set, plan.ID, m.PlanName, plan.Name)
	default:
		return f, false
	}
	return f, true
}

// ContradictionError is a catalogue in which products exclude themselves. Nothing of it is
// imported.
type ContradictionError struct {
	Contradictions []Contradiction // at least one, by product id, then by set
}

// Contradiction is a product that contains two different plans of one exclusion set, so that
// nobody could ever have all of it.
type Contradiction struct {
	Product     Product
	Set         string
	Plan, Other Plan
}

// String names the product, the set and both plans.
func (c Contradiction) String() string {
	retired := ""
	if c.Product.Retired {
		retired = "retired "
	}
	return fmt.Sprintf("%sproduct %s excludes itself: it contains %s and %s, both of exclusion set %q",
		retired, labelOfProduct(c.Product), labelOfPlan(c.Plan), labelOfPlan(c.Other), c.Set)
}

// Error is one line that names the first contradiction and counts the others.
func (e *ContradictionError) Error() string {
	more := ""
	if n := len(e.Contradictions) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more like it)", n)
	}
	return e.Contradictions[0].String() + more + "; nothing was imported"
}

// refuseContradictions looks for products with two plans of one set. Retired products count:
// their assignments go on, and the rules assume that no product excludes itself.
func refuseContradictions(c Catalogue) error {
	setsOf := map[uuid.UUID][]int{}
	for i, s := range c.Sets {
		for _, plan := range s.Plans {
			setsOf[plan] = append(setsOf[plan], i)
		}
	}
	plans := byID(c.Plans, planID)
	var found []Contradiction
	for _, p := range c.Products {
		first := map[int]uuid.UUID{}
		reported := map[int]bool{}
		for _, plan := range p.Plans {
			for _, i := range setsOf[plan] {
				other, taken := first[i]
				if !taken {
					first[i] = plan
				} else if !reported[i] {
					reported[i] = true
					found = append(found, Contradiction{Product: p, Set: c.Sets[i].Name, Plan: plans[other], Other: plans[plan]})
				}
			}
		}
	}
	if len(found) > 0 {
		return &ContradictionError{Contradictions: found}
	}
	return nil
}
