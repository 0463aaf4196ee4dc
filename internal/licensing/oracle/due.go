package oracle

import "maps"

// Date is a date that an add gives: 0 clears it.
type Date struct{ At int64 }

// Due is the clock: what has fallen due is carried out in the order of its
// instants, each at an instant of its own from now on, and nobody is asked (R27):
// soft-deleted users are removed for good, at once in this model (R19), and
// assignments end and begin (R1).
type Due struct{}

// Apply implements Operation. Outcome.Turns says how many changes there were.
func (Due) Apply(s *State, now int64) Outcome {
	turns := 0
	for s.turn(now, now+int64(turns)) {
		turns++
	}
	return Outcome{Changed: turns > 0, Turns: turns}
}

// turn carries out what fell due first until one instant, at another; false where
// nothing did. Of one instant, removals come first. All assignments that are due
// then end or begin together, as one change: so what ends makes room for what
// begins, which replaces it where both are one principal's (R5).
func (s *State) turn(until, now int64) bool {
	first, removal := until+1, false
	for _, u := range s.Users {
		if u.Deleted && u.DeletedAt <= until && (u.DeletedAt < first || !removal && u.DeletedAt == first) {
			first, removal = u.DeletedAt, true
		}
	}
	for _, a := range s.Assignments {
		if at := a.turnsAt(); at > 0 && at < first {
			first, removal = at, false
		}
	}
	switch {
	case first > until:
		return false
	case removal:
		s.removeDeleted()
		return true
	}
	c := begin(s, now)
	for key, a := range s.Assignments {
		switch {
		case a.turnsAt() != first:
		case a.Scheduled:
			a.Scheduled, a.StartsAt = false, 0
			c.after.Assignments[key] = a
		default:
			delete(c.after.Assignments, key)
			c.removed[key] = true
		}
	}
	c.settle()
	*s = *c.after
	return true
}

// turnsAt is when the clock does something to an assignment; 0: never.
func (a Assignment) turnsAt() int64 {
	if a.Scheduled {
		return a.StartsAt
	}
	return a.EndsAt
}

// removeDeleted removes all soft-deleted users for good, with what is theirs.
// They hold nothing, so no license changes.
func (s *State) removeDeleted() {
	for _, user := range s.DeletedUsers() {
		delete(s.Users, user)
		maps.DeleteFunc(s.Memberships, func(m Membership, _ bool) bool { return m.User == user })
		maps.DeleteFunc(s.Assignments, func(key AssignmentKey, _ Assignment) bool { return key.Principal == user })
	}
}

// later: the add asks for a start to come.
func (add Add) later(now int64) bool { return add.StartsAt != nil && add.StartsAt.At > now }

// misdated is what is wrong with an add's dates, whoever it is for: an end that
// is past or not after the start, and a start to come of what replaces.
func (add Add) misdated(now int64) bool {
	ends := int64(0)
	if add.EndsAt != nil {
		ends = add.EndsAt.At
	}
	return ends != 0 && ends <= now || add.later(now) && (add.Replaces != nil || ends != 0 && ends <= add.StartsAt.At)
}

// dated returns an assignment with an add's dates. A start that is not to come, or
// none, lets one that is scheduled begin; to one that has begun it means nothing.
func (add Add) dated(a Assignment, now int64) Assignment {
	switch {
	case add.later(now):
		a.Scheduled, a.StartsAt = true, add.StartsAt.At
	case add.StartsAt != nil:
		a.Scheduled, a.StartsAt = false, 0
	}
	if add.EndsAt != nil {
		a.EndsAt = add.EndsAt.At
	}
	return a
}

// undatable: the assignment that is there has begun and cannot begin later, or it
// would end before it begins.
func (s *State) undatable(key AssignmentKey, add Add, now int64) bool {
	a, exists := s.Assignments[key]
	if !exists {
		return false
	}
	after := add.dated(a, now)
	return !a.Scheduled && add.later(now) || after.Scheduled && after.EndsAt != 0 && after.EndsAt <= after.StartsAt
}

// subscribable: there may be a new assignment of the product; one that is
// scheduled may wait for a subscription that is scheduled, too (R16).
func (s *State) subscribable(product ID, scheduled bool) bool {
	if s.Subscribed(product) {
		return true
	}
	for _, sub := range s.Subscriptions {
		if scheduled && sub.Product == product && !sub.Cancelled {
			return true
		}
	}
	return false
}

// postpones: the call takes one thing from a principal and gives it another only
// later (R23).
func (c *change) postpones() bool {
	for gone := range c.removed {
		for key := range c.written {
			if key.Principal == gone.Principal && c.after.Assignments[key].Scheduled {
				return true
			}
		}
	}
	return false
}
