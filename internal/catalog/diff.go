package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

// Diff is what an import changes, each list ordered by name, then by id. The zero Diff changes
// nothing.
type Diff struct {
	ProductsAdded    []Product
	ProductsRenamed  []ProductRename
	PlansMoved       []PlanMove
	ProductsRetired  []Product
	ProductsReturned []Product // no longer retired

	PlansAdded    []Plan
	PlansRenamed  []PlanRename
	PlansRetired  []Plan
	PlansReturned []Plan // no longer retired

	SetsAdded     []SetChange
	SetsChanged   []SetChange
	SetsWithdrawn []SetChange

	PrerequisitesAdded     []PrerequisiteChange
	PrerequisitesChanged   []PrerequisiteChange
	PrerequisitesWithdrawn []PrerequisiteChange

	LocationsAdded     []LocationChange
	LocationsChanged   []LocationChange
	LocationsWithdrawn []LocationChange

	AutomaticAdded     []Plan
	AutomaticWithdrawn []Plan
}

// ProductRename is a product whose part number or display name changes.
type ProductRename struct{ Before, After Product }

// PlanRename is a plan whose name or display name changes.
type PlanRename struct{ Before, After Plan }

// PlanMove is a product that both catalogues have and whose plans change.
type PlanMove struct {
	Product        Product // as it is after
	Added, Removed []Plan
}

// SetChange is an exclusion set with the plans that it gains and loses: all of them where the
// set is added or withdrawn.
type SetChange struct {
	Name           string // after; before, where the set is withdrawn
	NameBefore     string // as stored until now; empty where the set is added
	Added, Removed []Plan
}

// PrerequisiteChange is a plan with the plans that are added to those of which it needs any one,
// and taken from them: all of them where the rule is added or withdrawn.
type PrerequisiteChange struct {
	Plan           Plan // as it is after
	Added, Removed []Plan
}

// LocationChange is a plan with the countries that are added to its rule and taken from it, in
// order: all of them where the rule is added or withdrawn.
type LocationChange struct {
	Plan                           Plan // as it is after
	Allowed, NoLongerAllowed       []string
	Prohibited, NoLongerProhibited []string
}

// Empty tells whether nothing changes.
func (d Diff) Empty() bool {
	return len(d.ProductsAdded)+len(d.ProductsRenamed)+len(d.PlansMoved)+len(d.ProductsRetired)+len(d.ProductsReturned)+
		len(d.PlansAdded)+len(d.PlansRenamed)+len(d.PlansRetired)+len(d.PlansReturned)+
		len(d.SetsAdded)+len(d.SetsChanged)+len(d.SetsWithdrawn)+
		len(d.PrerequisitesAdded)+len(d.PrerequisitesChanged)+len(d.PrerequisitesWithdrawn)+
		len(d.LocationsAdded)+len(d.LocationsChanged)+len(d.LocationsWithdrawn)+
		len(d.AutomaticAdded)+len(d.AutomaticWithdrawn) == 0
}

// Compare returns what changes from one catalogue to the next; the order within them does not
// matter. A product or plan that the next one lacks counts as retired, a set as withdrawn; the
// other rules of such a plan stay with it.
func Compare(before, after Catalogue) Diff {
	var d Diff
	d.compareProducts(before, after)
	d.comparePlans(before, after)
	d.compareSets(before, after)
	d.compareRules(before, after)
	d.sort()
	return d
}

func (d *Diff) compareProducts(before, after Catalogue) {
	old, now := byID(before.Products, productID), byID(after.Products, productID)
	plans := plansOfBoth(before, after)
	for id, p := range now {
		was, known := old[id]
		if !known {
			d.ProductsAdded = append(d.ProductsAdded, p)
			continue
		}
		if was.Retired && !p.Retired {
			d.ProductsReturned = append(d.ProductsReturned, p)
		}
		if !was.Retired && p.Retired {
			d.ProductsRetired = append(d.ProductsRetired, p)
		}
		if was.PartNumber != p.PartNumber || was.DisplayName != p.DisplayName {
			d.ProductsRenamed = append(d.ProductsRenamed, ProductRename{was, p})
		}
		if added, removed := difference(was.Plans, p.Plans, plans); len(added)+len(removed) > 0 {
			d.PlansMoved = append(d.PlansMoved, PlanMove{Product: p, Added: added, Removed: removed})
		}
	}
	for id, was := range old {
		if _, kept := now[id]; !kept && !was.Retired {
			was.Retired = true
			d.ProductsRetired = append(d.ProductsRetired, was)
		}
	}
}

func (d *Diff) comparePlans(before, after Catalogue) {
	old, now := byID(before.Plans, planID), byID(after.Plans, planID)
	for id, p := range now {
		was, known := old[id]
		if !known {
			d.PlansAdded = append(d.PlansAdded, p)
			continue
		}
		if was.Retired && !p.Retired {
			d.PlansReturned = append(d.PlansReturned, p)
		}
		if !was.Retired && p.Retired {
			d.PlansRetired = append(d.PlansRetired, p)
		}
		if was.Name != p.Name || was.DisplayName != p.DisplayName {
			d.PlansRenamed = append(d.PlansRenamed, PlanRename{was, p})
		}
	}
	for id, was := range old {
		if _, kept := now[id]; !kept && !was.Retired {
			was.Retired = true
			d.PlansRetired = append(d.PlansRetired, was)
		}
	}
}

func (d *Diff) compareSets(before, after Catalogue) {
	old, now := setsByKey(before.Sets), setsByKey(after.Sets)
	plans := plansOfBoth(before, after)
	for key, s := range now {
		was, known := old[key]
		added, removed := difference(was.Plans, s.Plans, plans)
		change := SetChange{Name: s.Name, NameBefore: was.Name, Added: added, Removed: removed}
		switch {
		case !known:
			d.SetsAdded = append(d.SetsAdded, change)
		case len(added)+len(removed) > 0 || was.Name != s.Name:
			d.SetsChanged = append(d.SetsChanged, change)
		}
	}
	for key, was := range old {
		if _, kept := now[key]; !kept {
			_, removed := difference(was.Plans, nil, plans)
			d.SetsWithdrawn = append(d.SetsWithdrawn, SetChange{Name: was.Name, NameBefore: was.Name, Removed: removed})
		}
	}
}

func setsByKey(sets []ExclusionSet) map[string]ExclusionSet {
	m := make(map[string]ExclusionSet, len(sets))
	for _, s := range sets {
		m[textkey.Fold(s.Name)] = s
	}
	return m
}

// plansOfBoth finds a plan by id as it is after, else as it was.
func plansOfBoth(before, after Catalogue) map[uuid.UUID]Plan {
	plans := byID(before.Plans, planID)
	for _, p := range after.Plans {
		plans[p.ID] = p
	}
	return plans
}

// difference returns the plans that a set of ids gains and loses.
func difference(before, after []uuid.UUID, plans map[uuid.UUID]Plan) (added, removed []Plan) {
	was, is := idSet(before), idSet(after)
	for id := range is {
		if !was[id] {
			added = append(added, namedPlan(id, plans))
		}
	}
	for id := range was {
		if !is[id] {
			removed = append(removed, namedPlan(id, plans))
		}
	}
	return added, removed
}

func idSet(ids []uuid.UUID) map[uuid.UUID]bool {
	set := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func namedPlan(id uuid.UUID, plans map[uuid.UUID]Plan) Plan {
	if p, ok := plans[id]; ok {
		return p
	}
	return Plan{ID: id}
}

// sort gives every list its one order: maps have none.
func (d *Diff) sort() {
	for _, l := range [][]Product{d.ProductsAdded, d.ProductsRetired, d.ProductsReturned} {
		slices.SortFunc(l, compareProducts)
	}
	slices.SortFunc(d.ProductsRenamed, func(a, b ProductRename) int { return compareProducts(a.After, b.After) })
	slices.SortFunc(d.PlansMoved, func(a, b PlanMove) int { return compareProducts(a.Product, b.Product) })
	for _, m := range d.PlansMoved {
		slices.SortFunc(m.Added, comparePlans)
		slices.SortFunc(m.Removed, comparePlans)
	}
	for _, l := range [][]Plan{d.PlansAdded, d.PlansRetired, d.PlansReturned, d.AutomaticAdded, d.AutomaticWithdrawn} {
		slices.SortFunc(l, comparePlans)
	}
	slices.SortFunc(d.PlansRenamed, func(a, b PlanRename) int { return comparePlans(a.After, b.After) })
	for _, l := range [][]SetChange{d.SetsAdded, d.SetsChanged, d.SetsWithdrawn} {
		slices.SortFunc(l, func(a, b SetChange) int { return strings.Compare(a.Name, b.Name) })
		for _, s := range l {
			slices.SortFunc(s.Added, comparePlans)
			slices.SortFunc(s.Removed, comparePlans)
		}
	}
	for _, l := range [][]PrerequisiteChange{d.PrerequisitesAdded, d.PrerequisitesChanged, d.PrerequisitesWithdrawn} {
		slices.SortFunc(l, func(a, b PrerequisiteChange) int { return comparePlans(a.Plan, b.Plan) })
		for _, c := range l {
			slices.SortFunc(c.Added, comparePlans)
			slices.SortFunc(c.Removed, comparePlans)
		}
	}
	for _, l := range [][]LocationChange{d.LocationsAdded, d.LocationsChanged, d.LocationsWithdrawn} {
		slices.SortFunc(l, func(a, b LocationChange) int { return comparePlans(a.Plan, b.Plan) })
	}
}

func compareProducts(a, b Product) int {
	return cmp.Or(strings.Compare(a.DisplayName, b.DisplayName), compareIDs(a.SkuID, b.SkuID))
}

func comparePlans(a, b Plan) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), compareIDs(a.ID, b.ID))
}
