package oracle

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Check is R17: it recounts what must hold of the state alone, and returns all
// that does not.
func (s *State) Check() error {
	var problems []error
	for _, row := range s.Rows() {
		if fault := s.rowFault(row); fault != "" {
			problems = append(problems, fmt.Errorf("user %s, principal %s, product %s, plan %s, %s: %s",
				row.User, row.Principal, row.Product, row.Plan, row.Code, fault))
		}
	}
	for _, user := range s.LiveUsers() {
		problems = append(problems, s.userFaults(user)...)
	}
	for product, plans := range s.Products {
		checked := maps.Clone(plans)
		maps.DeleteFunc(checked, func(plan ID, _ bool) bool { return s.Automatic[plan] })
		if SelfExcluding(checked, s.Exclusions) {
			problems = append(problems, fmt.Errorf("product %s excludes itself", product))
		}
	}
	for n := range s.Nestings {
		if s.WouldCycle(n.Parent, n.Child) {
			problems = append(problems, fmt.Errorf("group %s lies below itself", n.Child))
		}
	}
	return errors.Join(problems...)
}

// rowFault says what is wrong with an exception row: it must belong to a living
// source of a subscribed product, and to a plan that an admitted one selects,
// would still fail alone, and bears the first check that fails.
func (s *State) rowFault(row Row) string {
	key := row.assignment()
	switch {
	case !s.Subscribed(row.Product):
		return "the product has no live subscription"
	case !slices.Contains(s.Sources(row.User), key):
		return "no such source"
	case !row.Whole() && !s.Admitted(row.User, key):
		return "a plan row beside a whole row"
	case !row.Whole() && !s.Selected(key)[row.Plan]:
		return "the plan is not selected"
	case s.failing(row.RowKey) != "":
		if code := s.failing(row.RowKey); row.Code != code {
			return "the first check that fails is " + string(code)
		}
		return ""
	case row.Whole() && s.full(key):
		if row.Code != GroupSeatLimit {
			return "the group has its limit"
		}
		return ""
	case row.Code != CountViolation || !row.Whole():
		return "no check fails"
	case s.Holds(row.User, row.Product):
		return "the user holds the product and needs no seat"
	}
	if total, limited := s.Total(row.Product); !limited || s.seatIn(total-s.Consumed(row.Product), key) {
		return "a seat is free"
	}
	return ""
}

// userFaults finds plans that are on together and must not be, and admitted
// sources that have all they select withheld.
func (s *State) userFaults(user ID) []error {
	var problems []error
	on := s.OnPlans(user).Sorted()
	for _, plan := range on {
		if s.barred(user, plan) {
			problems = append(problems, fmt.Errorf("user %s: plan %s is on and barred", user, plan))
		}
		if s.lacks(plan, s.OnPlans(user)) {
			problems = append(problems, fmt.Errorf("user %s: plan %s is on and lacks what it needs", user, plan))
		}
	}
	for i, a := range on {
		for _, b := range on[i+1:] {
			if s.clash(a, b) {
				problems = append(problems, fmt.Errorf("user %s: plans %s and %s are on and exclude each other", user, a, b))
			}
		}
	}
	for _, key := range s.Sources(user) {
		if s.Admitted(user, key) && len(s.Selected(key)) > 0 && len(s.On(user, key)) == 0 {
			problems = append(problems, fmt.Errorf("user %s: everything of product %s from %s is withheld, yet it is admitted", user, key.Product, key.Principal))
		}
	}
	return problems
}
