package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog/vendorcsv"
	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Files is what the files of an import say. Each file of rules is the whole truth of its kind;
// nil leaves the stored rules of that kind as they are.
type Files struct {
	Products     vendorcsv.Catalogue
	Exclusions   *vendorcsv.Exclusions
	Dependencies *vendorcsv.Dependencies
	Locations    *vendorcsv.Locations
	Automatic    *vendorcsv.Automatic
}

// Merge returns the catalogue after an import. The file of products is the whole truth about
// products and plans: what it lacks is retired, what it has again is not (R22).
//
// What a rule says of a plan that no import has ever named is left out. Of one that has been
// retired it stays, because assignments of retired products go on. A set with fewer than two
// known plans, and prerequisites of which none is known, are dropped. All of this is added to
// the report. The result is sorted by id, sets by name.
//
// Errors: *ContradictionError where a product excludes itself (R9), or a plan needs itself (R10).
func Merge(before Catalogue, files Files, report *vendorcsv.Report) (Catalogue, error) {
	after := Catalogue{
		Products: mergeProducts(before.Products, files.Products.Products),
		Plans:    mergePlans(before.Plans, files.Products.Plans),
		Sets:     cloneSets(before.Sets),
	}
	if files.Exclusions != nil {
		after.Sets = resolveSets(files.Exclusions, byID(after.Plans, planID), report)
	}
	slices.SortFunc(after.Sets, func(a, b ExclusionSet) int { return strings.Compare(a.Name, b.Name) })
	resolveRules(after.Plans, files, report)
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
		known := merged[p.ID] // with its rules
		known.ID, known.Name, known.DisplayName, known.Retired = p.ID, p.Name, p.DisplayName, false
		merged[p.ID] = known
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
