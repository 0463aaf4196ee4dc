package catalog

import "slices"

// compareRules compares the rules of single plans.
func (d *Diff) compareRules(before, after Catalogue) {
	old := byID(before.Plans, planID)
	plans := plansOfBoth(before, after)
	for _, is := range after.Plans {
		was := old[is.ID] // none of a plan that is new
		added, removed := difference(was.Requires, is.Requires, plans)
		place(PrerequisiteChange{Plan: is, Added: added, Removed: removed}, len(added)+len(removed), len(was.Requires), len(is.Requires),
			&d.PrerequisitesAdded, &d.PrerequisitesChanged, &d.PrerequisitesWithdrawn)

		l := LocationChange{
			Plan: is, Allowed: without(is.Allowed, was.Allowed), NoLongerAllowed: without(was.Allowed, is.Allowed),
			Prohibited: without(is.Prohibited, was.Prohibited), NoLongerProhibited: without(was.Prohibited, is.Prohibited),
		}
		place(l, len(l.Allowed)+len(l.NoLongerAllowed)+len(l.Prohibited)+len(l.NoLongerProhibited),
			len(was.Allowed)+len(was.Prohibited), len(is.Allowed)+len(is.Prohibited), &d.LocationsAdded, &d.LocationsChanged, &d.LocationsWithdrawn)

		switch {
		case is.Automatic && !was.Automatic:
			d.AutomaticAdded = append(d.AutomaticAdded, is)
		case was.Automatic && !is.Automatic:
			d.AutomaticWithdrawn = append(d.AutomaticWithdrawn, is)
		}
	}
}

// place puts a change of so many things into the list where it belongs, by how many there were
// and are.
func place[T any](change T, changes, were, are int, added, changed, withdrawn *[]T) {
	list := changed
	switch {
	case changes == 0:
		return
	case were == 0:
		list = added
	case are == 0:
		list = withdrawn
	}
	*list = append(*list, change)
}

// without returns the items of a list that another lacks, in their order.
func without(items, others []string) []string {
	var left []string
	for _, item := range items {
		if !slices.Contains(others, item) {
			left = append(left, item)
		}
	}
	return left
}
