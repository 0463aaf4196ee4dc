package engine

import (
	"fmt"
	"slices"
)

// License is what a user has of one product (R3): the union over the sources.
type License struct {
	Product int32
	Sources []SourceState
	On      PlanSet // plans that are on by this product's admitted sources
	Held    bool    // an admitted source is there: a seat is taken (R4)
}

// SourceState is one source of a license with what is not admitted of it.
type SourceState struct {
	*Source
	Admitted bool
	On       PlanSet
	Rows     []Row
}

// Derive reads a state: one license per product, in the order of the user's sources.
func (r *Rules) Derive(u User) []License {
	licenses := make([]License, 0, min(len(u.Sources), 16))
	room := make([]SourceState, len(u.Sources)) // of all licenses
	for i := range u.Sources {
		if u.licenseOf(licenses, i) >= 0 {
			continue
		}
		l := License{Product: u.Sources[i].Product, Sources: room[:0]}
		for j := i; j < len(u.Sources); j++ {
			if u.Sources[j].Product == l.Product {
				l.add(u.stateOf(&u.Sources[j]))
			}
		}
		l.Sources = slices.Clip(l.Sources)
		room = room[len(l.Sources):]
		licenses = append(licenses, l)
	}
	return licenses
}

// licenseOf finds the license that a source belongs to, -1 where it is not there yet. Users
// have few licenses.
func (u *User) licenseOf(licenses []License, source int) int {
	return slices.IndexFunc(licenses, func(l License) bool { return l.Product == u.Sources[source].Product })
}

func (u *User) stateOf(a *Source) SourceState {
	s := SourceState{Source: a, Admitted: true, On: u.enables(a)}
	for _, row := range u.Rows {
		if row.Assignment == a.Key {
			s.Rows = append(s.Rows, row)
			s.Admitted = s.Admitted && row.Plan != Whole
		}
	}
	return s
}

func (l *License) add(s SourceState) {
	if l.Sources = append(l.Sources, s); len(l.Sources) == 1 {
		l.On = s.On // shared: sets are values
	} else {
		l.On = l.On.Union(s.On)
	}
	l.Held = l.Held || s.Admitted
}

// On returns the plans that are on for a user through all licenses.
func On(licenses []License) PlanSet {
	var on PlanSet
	for _, l := range licenses {
		on = on.Union(l.On)
	}
	return on
}

// enables returns the plans that a source switches on, as the state stands.
func (u *User) enables(a *Source) PlanSet {
	on := a.Selected
	for _, row := range u.Rows {
		switch {
		case row.Assignment != a.Key:
		case row.Plan == Whole:
			return nil
		default:
			on = on.Minus(NewPlanSet(row.Plan))
		}
	}
	return on
}

// Explain tells why a row's item is not admitted as the state stands, seats aside.
func (r *Rules) Explain(u User, row Row) Reason {
	var joining PlanSet
	if row.Plan != Whole {
		joining = NewPlanSet(row.Plan)
	} else {
		for i := range u.Sources {
			if u.Sources[i].Key == row.Assignment {
				joining = u.Sources[i].Selected
			}
		}
	}
	return r.Check(u.Barred, On(r.Derive(u)), joining)
}

// Problem is one way in which a stored state does not hold R17.
type Problem struct {
	Rule    string
	Product int32 // -1: of no product
	Text    string
}

// Verify checks one user's state on its own (R17), where the seats and places are as they are.
func (r *Rules) Verify(u User, seats Seats, places Places) []Problem {
	var problems []Problem
	licenses := r.Derive(u)
	on := On(licenses)
	if c, bad := r.SelfConflict(on); bad {
		problems = append(problems, Problem{Rule: "R9", Product: -1, Text: fmt.Sprintf("two plans of the exclusion set %q are on", c.Set)})
	}
	if on.Overlaps(u.Barred) {
		problems = append(problems, Problem{Rule: "R11", Product: -1, Text: "a plan is on that is prohibited where the user is"})
	}
	if !r.unsupported(on).Empty() {
		problems = append(problems, Problem{Rule: "R10", Product: -1, Text: "a plan is on and none of those that it needs"})
	}
	known := 0
	for _, l := range licenses {
		for _, s := range l.Sources {
			if s.Admitted && !s.Selected.Empty() && s.On.Empty() {
				problems = append(problems, Problem{"R9", l.Product, "an admitted source selects plans, and all of them are withheld"})
			}
			for _, row := range s.Rows {
				known++
				problems = append(problems, r.verifyRow(u, l, s, row, seats, places)...)
			}
		}
	}
	if known < len(u.Rows) {
		problems = append(problems, Problem{"R17", -1, fmt.Sprintf("%d violations belong to no living source", len(u.Rows)-known)})
	}
	return problems
}

func (r *Rules) verifyRow(u User, l License, s SourceState, row Row, seats Seats, places Places) []Problem {
	problem := func(text string) []Problem { return []Problem{{"R17", l.Product, text}} }
	if row.Plan != Whole && !s.Selected.Has(row.Plan) {
		return problem("a violation is about a plan that its source does not select")
	}
	if row.Plan != Whole && !s.Admitted {
		return problem("a source that waits as a whole has a violation for one of its plans too")
	}
	code := r.Explain(u, row).Code
	switch {
	case code != None && code != row.Code:
		return problem("a violation does not bear the first code that fails")
	case code != None:
		return nil
	case row.Plan != Whole:
		return problem("a plan is withheld that would pass every check")
	case !places.open(row.Assignment):
		if row.Code != GroupLimit {
			return problem("a violation does not bear the first code that fails")
		}
		return nil
	case row.Code == GroupLimit:
		return problem("a place through a group is waited for while one is free")
	case row.Code != Count:
		return problem("a violation bears a code that does not fail")
	case l.Held:
		return problem("a seat is waited for by a user who holds the product")
	case seats[l.Product].open(0, places[s.Key].Kept):
		return problem("a seat is waited for while one is free")
	}
	return nil
}
