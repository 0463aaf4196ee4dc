package oracle

import (
	"maps"
	"slices"

	"github.com/google/uuid"
)

// Reach returns the assignments that reach a user, whether or not their
// products have a subscription, in order of principal and product. It is empty
// for an unknown or soft-deleted user (R1).
func (s *State) Reach(user ID) []AssignmentKey {
	var reach []AssignmentKey
	for key := range s.Assignments {
		if s.reaches(user, key) {
			reach = append(reach, key)
		}
	}
	slices.SortFunc(reach, func(a, b AssignmentKey) int {
		return compareRowKeys(RowKey{Principal: a.Principal, Product: a.Product}, RowKey{Principal: b.Principal, Product: b.Product})
	})
	return reach
}

// Sources returns the live sources of a user: the assignments that reach the
// user and whose product has a live subscription (R1, R16).
func (s *State) Sources(user ID) []AssignmentKey {
	return slices.DeleteFunc(s.Reach(user), func(key AssignmentKey) bool { return !s.Subscribed(key.Product) })
}

// Admitted reports whether an assignment is a live source of the user that has
// no whole row.
func (s *State) Admitted(user ID, key AssignmentKey) bool {
	_, waits := s.Violations[RowKey{User: user, Principal: key.Principal, Product: key.Product}]
	return !waits && slices.Contains(s.Sources(user), key)
}

// Selected returns the plans that an assignment selects of its product as the
// product is now (R2); nil for an unknown assignment.
func (s *State) Selected(key AssignmentKey) Set {
	a, ok := s.Assignments[key]
	if !ok {
		return nil
	}
	return a.Selection.Of(s.Products[key.Product])
}

// On returns the plans that one source turns on for a user: what an admitted
// source selects and is not withheld (R3). It is empty for any other.
func (s *State) On(user ID, key AssignmentKey) Set {
	on := Set{}
	if !s.Admitted(user, key) {
		return on
	}
	for plan := range s.Selected(key) {
		if _, withheld := s.Violations[RowKey{user, key.Principal, key.Product, plan}]; !withheld {
			on[plan] = true
		}
	}
	return on
}

// OnPlans returns all plans that are on for a user, through any product (R3).
func (s *State) OnPlans(user ID) Set {
	on := Set{}
	for _, key := range s.Sources(user) {
		maps.Copy(on, s.On(user, key))
	}
	return on
}

// Effective returns the plans of one product that are on for a user through
// that product's sources (R3); nil where the user does not hold it.
func (s *State) Effective(user, product ID) Set {
	if !s.Holds(user, product) {
		return nil
	}
	on := Set{}
	for _, key := range s.Sources(user) {
		if key.Product == product {
			maps.Copy(on, s.On(user, key))
		}
	}
	return on
}

// Holds reports whether a user has an admitted source of a product, which is
// what takes a seat, whatever plans are on (R4).
func (s *State) Holds(user, product ID) bool {
	return slices.ContainsFunc(s.Sources(user), func(key AssignmentKey) bool {
		return key.Product == product && s.Admitted(user, key)
	})
}

// Holders returns the users who hold a product, in id order.
func (s *State) Holders(product ID) []ID {
	var holders []ID
	for _, user := range s.LiveUsers() {
		if s.Holds(user, product) {
			holders = append(holders, user)
		}
	}
	return holders
}

// Consumed returns the seats taken of a product: one per holder, however many
// the sources (R4).
func (s *State) Consumed(product ID) int { return len(s.Holders(product)) }

// Total returns the seats of a product's subscriptions that count, and false
// where one of them is unlimited (R14). Without any it is 0.
func (s *State) Total(product ID) (seats int, limited bool) {
	limited = true
	for _, sub := range s.Subscriptions {
		switch {
		case sub.Product != product || !sub.Counts():
		case sub.Seats == nil:
			limited = false
		default:
			seats += *sub.Seats
		}
	}
	if !limited {
		return 0, false
	}
	return seats, true
}

// Subscribed reports whether a product has a live subscription (R16).
func (s *State) Subscribed(product ID) bool {
	for _, sub := range s.Subscriptions {
		if sub.Product == product && sub.Live() {
			return true
		}
	}
	return false
}

// reaches is R1: not before the assignment has begun; directly, or by a group that brings it unless a group excludes
// from it.
func (s *State) reaches(user ID, key AssignmentKey) bool {
	return s.brings(user, key) && (key.Principal == user || !s.excluded(user, key))
}

// excluded reports whether the user is a member, through any nesting, of a group
// that the assignment excludes (R1).
func (s *State) excluded(user ID, key AssignmentKey) bool {
	for group := range s.Assignments[key].Excludes {
		if s.memberOf(user, group) {
			return true
		}
	}
	return false
}

// Excluded returns the assignments of groups that would reach a user who is a
// member of a group that they exclude, in order of principal and product.
func (s *State) Excluded(user ID) []AssignmentKey {
	var all []AssignmentKey
	for key := range s.Assignments {
		if key.Principal != user && s.brings(user, key) && s.excluded(user, key) {
			all = append(all, key)
		}
	}
	slices.SortFunc(all, func(a, b AssignmentKey) int {
		return compareRowKeys(RowKey{Principal: a.Principal, Product: a.Product}, RowKey{Principal: b.Principal, Product: b.Product})
	})
	return all
}

// brings: once it has begun, to those it is for.
func (s *State) brings(user ID, key AssignmentKey) bool {
	return !s.Assignments[key].Scheduled && s.IsFor(user, key)
}

// IsFor reports whether an assignment is for a user, begun or not and whomever
// it excludes: as the user's own, as a first-level member, or, where the
// assignment includes nested members, as a member of a group anywhere below.
func (s *State) IsFor(user ID, key AssignmentKey) bool {
	u, known := s.Users[user]
	switch {
	case !known || u.Deleted:
		return false
	case key.Principal == user || s.Memberships[Membership{key.Principal, user}]:
		return true
	case !s.Assignments[key].IncludeNested:
		return false
	}
	return s.memberOf(user, key.Principal)
}

// memberOf reports whether a user is a member of a group, through any nesting.
func (s *State) memberOf(user, group ID) bool {
	for m := range s.Memberships {
		if m.User == user && (m.Group == group || s.below(m.Group, group, Set{})) {
			return true
		}
	}
	return false
}

// below reports whether a group lies below another through one nesting or
// more. It ends on cycles too, which are refused but might be there (R1).
func (s *State) below(child, ancestor ID, seen Set) bool {
	if seen[child] {
		return false
	}
	seen[child] = true
	for n := range s.Nestings {
		if n.Child == child && (n.Parent == ancestor || s.below(n.Parent, ancestor, seen)) {
			return true
		}
	}
	return false
}

// clash reports whether two different plans stand in one exclusion set; the
// same plan twice is fine (R9), and automatic plans exclude nothing (R7).
func (s *State) clash(a, b ID) bool {
	return a != b && !s.Automatic[a] && !s.Automatic[b] && slices.ContainsFunc(s.Exclusions, func(set Set) bool { return set[a] && set[b] })
}

// barred reports whether a user may not use a plan: by the user's location,
// else by the tenant's country (R11). Automatic plans are barred nowhere (R7).
func (s *State) barred(user, plan ID) bool {
	country := s.Users[user].Location
	if country == "" {
		country = s.Country
	}
	rule := s.Locations[plan]
	elsewhere := len(rule.Allowed) > 0 && !slices.Contains(rule.Allowed, country)
	return !s.Automatic[plan] && (elsewhere || slices.Contains(rule.Prohibited, country))
}

// lacks reports whether none of what a plan needs is among those that are on
// (R10). Automatic plans need nothing and satisfy no need (R7).
func (s *State) lacks(plan ID, on Set) bool {
	needs, depends := s.Requires[plan]
	if !depends || len(needs) == 0 || s.Automatic[plan] {
		return false
	}
	for other := range needs {
		if on[other] && !s.Automatic[other] {
			return false
		}
	}
	return true
}

// failing returns the first check, seats aside, that the item would fail were
// it admitted: location, exclusion, dependency. What is on for the user counts
// (through any admitted source; waiting ones never do) and what the item itself
// brings, which for a whole source are all plans it selects.
func (s *State) failing(item RowKey) Code {
	brings := SetOf(item.Plan)
	if item.Whole() {
		brings = s.Selected(item.assignment())
	}
	on := s.OnPlans(item.User)
	maps.Copy(on, brings)
	barred, clashes, lacks := false, false, false
	for plan := range brings {
		barred = barred || s.barred(item.User, plan)
		lacks = lacks || s.lacks(plan, on)
		for other := range on {
			clashes = clashes || s.clash(plan, other)
		}
	}
	switch {
	case barred:
		return Prohibited
	case clashes:
		return MutuallyExclusive
	case lacks:
		return Dependency
	}
	return ""
}

// Used returns how many users have an assignment: who has an admitted source of
// it, whatever other sources the user has (R8).
func (s *State) Used(key AssignmentKey) int {
	used := 0
	for _, user := range s.LiveUsers() {
		if s.Admitted(user, key) {
			used++
		}
	}
	return used
}

// full reports whether nobody more may have an assignment (R8).
func (s *State) full(key AssignmentKey) bool {
	limit := s.Assignments[key].SeatLimit
	return limit != nil && s.Used(key) >= *limit
}

// Lacking returns how many more users must have an assignment until no seat is kept
// for it; none is before it has begun (R8).
func (s *State) Lacking(key AssignmentKey) int {
	a := s.Assignments[key]
	if a.Scheduled || a.SeatReserve == 0 {
		return 0
	}
	return max(0, a.SeatReserve-s.Used(key))
}

// Kept returns how many seats of a product are kept for groups, as far as they are
// there (R8).
func (s *State) Kept(product ID) int {
	kept := 0
	for key := range s.Assignments {
		if key.Product == product {
			kept += s.Lacking(key)
		}
	}
	return kept
}

// seatIn reports whether one of the seats that are left of a product is free for a
// source: one that is kept for nobody, or for the source's own group (R8).
func (s *State) seatIn(left int, key AssignmentKey) bool {
	return left > s.Kept(key.Product) || left > 0 && s.Lacking(key) > 0
}

func wholeRow(user ID, key AssignmentKey) RowKey {
	return RowKey{user, key.Principal, key.Product, uuid.Nil}
}
