package engine

import (
	"bytes"
	"maps"
	"slices"
)

// Refusal is why a judged user's part of the call was refused (R12).
type Refusal struct {
	Source Source
	Reason Reason
	Others []Source // for Exclusion: the sources by which the other plan was on
	Lost   PlanSet  // for Dependency: plans that the call takes away, and that a plan which stays needs (R10)
	Seat   Seat     // for Count: as the refused user met it
}

// judgeDirect begins all states and decides R12 for the judged ones, in user order, against
// the seats that were free before the call and their own items only (R25). A refused part is
// dropped from the change.
func (t *settlement) judgeDirect(cases []*Case) {
	ordered := slices.Clone(cases)
	slices.SortStableFunc(ordered, func(a, b *Case) int { // those only counted first: none is judged
		if a.Users == nil || b.Users == nil {
			return len(a.Users) - len(b.Users)
		}
		return bytes.Compare(a.Users[0][:], b.Users[0][:])
	})
	taken := map[int32]int64{}
	for _, c := range ordered {
		s := t.r.begin(c, c.After, c.Users, t.now)
		if c.Judged {
			if refusal := t.judge(s, taken); refusal != nil {
				s = t.r.begin(c, c.Refused, c.Users, t.now)
				s.refusal = refusal
			}
		}
		t.states = append(t.states, s)
	}
}

// judge admits everything of the user's own that the call adds, or tells why not.
func (t *settlement) judge(s *state, taken map[int32]int64) *Refusal {
	j := &judgement{t: t, s: s, taken: taken, mine: map[int32]int64{}}
	refusal := j.admit(func(it item) bool { return it.own })
	if refusal == nil {
		refusal = j.losses()
	}
	if refusal == nil {
		for p, n := range j.mine {
			taken[p] += n
		}
	}
	return refusal
}

// judgement is one judged user at work: seats are those that were free before the call, less
// those that users before this one took.
type judgement struct {
	t           *settlement
	s           *state
	taken, mine map[int32]int64
}

// admit admits the items that it is asked to, in passes; the first that cannot be admitted in
// the last of them is why not.
func (j *judgement) admit(which func(item) bool) *Refusal {
	s := j.s
	for {
		var items []item
		for _, it := range s.items {
			if which(it) {
				items = append(items, it)
			}
		}
		j.t.sort(s, items)
		admitted := false
		var refusal *Refusal
		for _, it := range items {
			a := s.sources[it.source]
			reason := j.t.r.Check(s.c.Barred, s.on, s.joining(it))
			needs := it.plan == Whole && !s.holds(a.Product) && !slices.Contains(s.reserved, a.Product)
			if reason.Code == None && it.plan == Whole && !j.place(a.Key) {
				reason = Reason{Code: GroupLimit, Plan: it.plan}
			}
			if reason.Code == None && needs && !j.seat(&a) {
				reason = Reason{Code: Count, Plan: it.plan}
			}
			if reason.Code != None {
				if refusal == nil {
					free := j.t.seats[a.Product]
					free.Consumed += j.taken[a.Product] + j.mine[a.Product]
					refusal = &Refusal{Source: a, Reason: reason, Others: s.by(reason), Seat: free}
				}
				continue
			}
			if needs {
				j.mine[a.Product]++
			}
			s.admit(it)
			s.reserved = slices.DeleteFunc(s.reserved, s.holds)
			admitted = true
		}
		if refusal == nil || !admitted {
			return refusal
		}
	}
}

// seat tells whether a seat is left for a source; one that is kept for a group only for the group's.
func (j *judgement) seat(a *Source) bool {
	return j.t.seats[a.Product].open(j.taken[a.Product]+j.mine[a.Product], j.t.before[a.Key].Kept)
}

// place tells whether one more user could have a source before the call, or the user had it.
func (j *judgement) place(key ID) bool {
	return j.t.before.open(key) || j.s.c.Before.Admitted(key)
}

// losses refuses a call by which a plan that stays selected, and was on, is off for want of
// what it needs (R10), once all that can heal on this user alone has healed.
func (j *judgement) losses() *Refusal {
	if !j.s.wasOn().Overlaps(j.t.r.dependent) {
		return nil
	}
	alone := judgement{t: j.t, s: j.s.clone(j.s.users), taken: j.taken, mine: maps.Clone(j.mine)}
	alone.admit(func(item) bool { return true })
	lost := j.s.wasOn().Minus(alone.s.on)
	for p := range lost.Intersect(j.t.r.dependent).All() {
		if reason := j.t.r.Check(alone.s.c.Barred, alone.s.on, NewPlanSet(p)); reason.Code == Dependency {
			if source := j.s.keptOff(p); source != nil {
				return &Refusal{Source: *source, Reason: reason, Lost: lost.Intersect(j.t.r.Requires[p])}
			}
		}
	}
	return nil
}

// wasOn returns the plans that were on before the change.
func (s *state) wasOn() PlanSet {
	var on PlanSet
	for i := range s.c.Before.Sources {
		on = on.Union(s.c.Before.enables(&s.c.Before.Sources[i]))
	}
	return on
}

// keptOff returns the first source that enabled the plan before and selects it still.
func (s *state) keptOff(p int32) *Source {
	for i := range s.sources {
		for k := range s.c.Before.Sources {
			b := &s.c.Before.Sources[k]
			if b.Key == s.sources[i].Key && s.sources[i].Selected.Has(p) && s.c.Before.enables(b).Has(p) {
				return &s.sources[i]
			}
		}
	}
	return nil
}

// by returns, for an exclusion, the sources by which a plan is on.
func (s *state) by(reason Reason) []Source {
	if reason.Code != Exclusion {
		return nil
	}
	var sources []Source
	for i := range s.sources {
		if s.admitted[i] && s.enables(i).Has(reason.Other) {
			sources = append(sources, s.sources[i])
		}
	}
	return sources
}
