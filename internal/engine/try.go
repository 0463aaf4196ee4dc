package engine

import (
	"maps"
	"slices"
	"sort"
)

// Try carries a single user over a change, as Settle does where it is the only one whom the
// change touches: nobody else takes the seats and places. They are those free for the user, whose place in
// line is the caller's to know. A judged user's refusal means that nothing of the change is made.
//
// An error means that the input broke an invariant.
func (r *Rules) Try(c *Case, seats Seats, places Places, now int64) (User, *Refusal, error) {
	alone := maps.Clone(seats)
	for p, seat := range alone {
		seat.Waiting = 0
		alone[p] = seat
	}
	verdicts, err := r.Settle([]*Case{c}, alone, places, nobody{}, now)
	if err != nil {
		return User{}, nil, err
	}
	return verdicts[0].After, verdicts[0].Refusal, nil
}

// FewestSeats returns how many seats of a product must be left for the user of the first case to be
// given one, and the user's state then: all cases are single users who wait for it, with sources of it
// alone. Where the places through groups are not limited and no seats are kept for them, that is the
// user's place in line (R5, R8). It is 0 where not even so many as may be help.
//
// An error means that the input broke an invariant.
func (r *Rules) FewestSeats(product int32, cases []*Case, places Places, most, now int64) (int64, User, error) {
	var after User
	var failed error
	served := func(seats int64) bool {
		verdicts, err := r.Settle(cases, Seats{product: {Total: seats}}, places, nobody{}, now)
		if err != nil {
			failed = err
			return false
		}
		i := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.Case == cases[0] })
		after = verdicts[i].After
		return slices.ContainsFunc(r.Derive(after), func(l License) bool { return l.Held })
	}
	fewest := 1 + int64(sort.Search(int(most), func(i int) bool { return served(int64(i) + 1) }))
	if fewest > most || !served(fewest) {
		return 0, User{}, failed
	}
	return fewest, after, failed
}

// nobody are the waiters of a change that touches a single user.
type nobody struct{}

func (nobody) Next(int32) (*Waiter, error) { return nil, nil } //nolint:nilnil // the interface says so: no waiter is left

func (nobody) List([]*Case) error { return nil }

// Prerequisites returns what may help to have the plans on: themselves, what they need any one of,
// and again what these need (R10).
func (r *Rules) Prerequisites(plans PlanSet) PlanSet {
	for {
		all := plans
		for p := range plans.Intersect(r.dependent).All() {
			all = all.Union(r.Requires[p])
		}
		if all.Equal(plans) {
			return all
		}
		plans = all
	}
}

// Obstacles returns the plans to leave out of those joining so that nothing speaks against the
// rest, where plans are on already. ok is false where that takes a plan that is to be kept.
func (r *Rules) Obstacles(barred, on, joining, keep PlanSet) (out PlanSet, ok bool) {
	for {
		reason := r.Check(barred, on, joining.Minus(out))
		if reason.Code == None {
			return out, true
		}
		if keep.Has(reason.Plan) {
			return out, false
		}
		out = out.With(reason.Plan)
	}
}

// Excluded returns all that the plans exclude (R9).
func (r *Rules) Excluded(plans PlanSet) PlanSet {
	var all PlanSet
	for p := range plans.Intersect(r.excluded).All() {
		all = all.Union(r.partners(p))
	}
	return all
}

// Countries returns the countries that rules name (R11), sorted: in all others the same is barred.
func (r *Rules) Countries() []string { return slices.Sorted(maps.Keys(r.barred)) }
