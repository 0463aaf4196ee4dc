package oracle

import "maps"

// Advance lets time pass: what has fallen due by the instant at which it is
// applied happens, in the order in which it fell due (R16, R19). Each is a change
// of its own, an instant later than the one before, and asks nobody (R27). By is
// how far the clock goes before, for whoever keeps it.
type Advance struct{ By int64 }

// Apply implements Operation. The outcome has the number of changes.
func (Advance) Apply(s *State, now int64) Outcome {
	var out Outcome
	for {
		next := s.firstDue(now)
		if next == nil {
			return out
		}
		s.carryOut(*next, now, now+int64(out.Changes))
		out.Changed = true
		out.Changes++
	}
}

// due is what the clock does next to a subscription, or to a deleted user.
type due struct {
	id     ID
	person bool
	at     int64
	to     string // the subscription's status
}

// firstDue returns what fell due first; at one instant, subscriptions before
// users, then in id order. It is nil where nothing has.
func (s *State) firstDue(now int64) *due {
	var first *due
	look := func(d due) {
		if d.at > now {
			return
		}
		earlier := first == nil || d.at < first.at ||
			d.at == first.at && (!d.person && first.person || d.person == first.person && compareIDs(d.id, first.id) < 0)
		if earlier {
			first = &d
		}
	}
	for id, sub := range s.Subscriptions {
		if to, at, comes := sub.next(s.Terms); comes {
			look(due{id: id, at: at, to: to})
		}
	}
	for id, u := range s.Users {
		if u.Deleted {
			look(due{id: id, person: true, at: u.DeletedAt + s.Terms.Retention})
		}
	}
	return first
}

// next is R16: the status that the dates bring a subscription to, and when.
func (x Subscription) next(terms Terms) (to string, at int64, comes bool) {
	switch {
	case x.Cancelled:
		return "", 0, false
	case x.Status == "SCHEDULED":
		return "ENABLED", x.StartsAt, true
	case x.EndsAt == nil:
		return "", 0, false
	}
	switch x.status() {
	case "ENABLED":
		return "WARNING", *x.EndsAt, true
	case "WARNING":
		return "SUSPENDED", *x.EndsAt + terms.Grace, true
	case "SUSPENDED":
		return "LOCKED_OUT", *x.EndsAt + terms.Grace + terms.Suspension, true
	}
	return "", 0, false
}

// carryOut makes one change of what is due, at an instant. All users whose
// retention is over go together: they hold nothing, so no license changes.
func (s *State) carryOut(d due, now, instant int64) {
	if !d.person {
		sub := s.Subscriptions[d.id]
		sub.Status = d.to
		c := begin(s, instant)
		c.after.Subscriptions[d.id] = sub
		c.settle()
		*s = *c.after
		return
	}
	for _, user := range s.DeletedUsers() {
		if s.Users[user].DeletedAt+s.Terms.Retention > now {
			continue
		}
		delete(s.Users, user)
		maps.DeleteFunc(s.Memberships, func(m Membership, _ bool) bool { return m.User == user })
		maps.DeleteFunc(s.Assignments, func(key AssignmentKey, _ Assignment) bool { return key.Principal == user })
	}
}
