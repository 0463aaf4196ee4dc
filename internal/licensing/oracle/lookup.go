package oracle

import (
	"maps"
	"slices"
)

// LiveUsers returns the users who are not deleted, in id order.
func (s *State) LiveUsers() []ID {
	users := Set{}
	for id, u := range s.Users {
		if !u.Deleted {
			users[id] = true
		}
	}
	return users.Sorted()
}

// DeletedUsers returns the soft-deleted users, in id order.
func (s *State) DeletedUsers() []ID {
	users := Set{}
	for id, u := range s.Users {
		if u.Deleted {
			users[id] = true
		}
	}
	return users.Sorted()
}

// ProductIDs returns the products of the catalogue, in id order.
func (s *State) ProductIDs() []ID { return slices.SortedFunc(maps.Keys(s.Products), compareIDs) }

// LiveSubscriptions returns the subscriptions that are not cancelled, in id
// order.
func (s *State) LiveSubscriptions() []ID {
	live := Set{}
	for id, sub := range s.Subscriptions {
		if !sub.Cancelled {
			live[id] = true
		}
	}
	return live.Sorted()
}

// WouldCycle reports whether nesting child under parent closes a cycle: the
// parent is the child itself or lies below it (R20).
func (s *State) WouldCycle(parent, child ID) bool {
	return parent == child || s.below(parent, child, Set{})
}

// SelfExcluding reports whether two of the plans stand in one of the exclusion
// sets: no product may (R9).
func SelfExcluding(plans Set, exclusions []Set) bool {
	for _, set := range exclusions {
		shared := 0
		for plan := range set {
			if plans[plan] {
				shared++
			}
		}
		if shared > 1 {
			return true
		}
	}
	return false
}
