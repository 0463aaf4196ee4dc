package oracle

import "maps"

// Mode is the form of a plan selection (R2).
type Mode string

// The forms of a selection.
const (
	All    Mode = "ALL"    // every plan of the product
	Except Mode = "EXCEPT" // every plan but those listed: a plan added to the product later is on
	Only   Mode = "ONLY"   // the plans listed: a plan added to the product later is off
)

// Selection says which plans of a product an assignment turns on. The zero
// value is no selection; the stored form never is EXCEPT of nothing, which is
// ALL.
type Selection struct {
	Mode  Mode
	Plans Set
}

// AllPlans selects every plan.
func AllPlans() Selection { return Selection{Mode: All, Plans: Set{}} }

// AllExcept selects every plan but the given ones; without any it is AllPlans.
func AllExcept(plans ...ID) Selection { return Selection{Except, SetOf(plans...)}.stored() }

// OnlyPlans selects the given plans; without any it selects none.
func OnlyPlans(plans ...ID) Selection { return Selection{Only, SetOf(plans...)} }

// Of returns the plans that the selection turns on in a product of the given
// plans. Plans which the selection lists and which the product has lost count
// for nothing, and count again should they return.
func (x Selection) Of(product Set) Set {
	selected := Set{}
	for plan := range product {
		if x.Mode == All || x.Plans[plan] == (x.Mode == Only) {
			selected[plan] = true
		}
	}
	return selected
}

// Equal reports whether two selections are the same as stored: form and list.
func (x Selection) Equal(y Selection) bool {
	x, y = x.stored(), y.stored()
	return x.Mode == y.Mode && maps.Equal(x.Plans, y.Plans)
}

// stored is R2's "except [] is all": one form for one meaning, so that a
// repeated assignment is recognised (R12).
func (x Selection) stored() Selection {
	if x.Mode == All || (x.Mode == Except && len(x.Plans) == 0) {
		return AllPlans()
	}
	return x
}

// Switch turns some plans on and some off and leaves the rest of an
// assignment's selection as it is (all plans, where there is none).
type Switch struct{ On, Off []ID }

func (x Selection) switched(sw Switch) Selection {
	plans := Set{}
	maps.Copy(plans, x.Plans)
	enter, leave := sw.Off, sw.On
	if x.Mode == Only {
		enter, leave = sw.On, sw.Off
	} else {
		x.Mode = Except
	}
	for _, plan := range leave {
		delete(plans, plan)
	}
	for _, plan := range enter {
		plans[plan] = true
	}
	return Selection{x.Mode, plans}.stored()
}
