package engine

import (
	"bytes"
	"slices"
)

// Case is one or more users whom the rules cannot tell apart: they differ in their ids only.
type Case struct {
	Before User
	After  []Source // living sources as the change would have them
	Barred PlanSet  // plans barred where the users are then
	Users  []ID     // ascending; nil where they are only counted
	Count  int64    // how many they are, where Users is nil
	// Judged marks a user whose own assignments the call changes: what it adds is admitted
	// whole or refused (R12). Refused are the living sources without the call's own part.
	Judged  bool
	Refused []Source
}

// Size is how many users the case has.
func (c *Case) Size() int64 {
	if c.Users == nil {
		return c.Count
	}
	return int64(len(c.Users))
}

// item is a pending source, or one pending plan of an admitted source.
type item struct {
	source int
	plan   int32
	since  int64
	kept   bool
	own    bool // what a judged user's call adds
}

// state is a case while it is being settled; several users while nothing tells them apart.
type state struct {
	c        *Case
	users    []ID  // nil where they are only counted
	n        int64 // of users
	sources  []Source
	admitted []bool
	on       PlanSet
	items    []item  // pending
	held     []int32 // products held before the change
	reserved []int32 // products whose seat is kept for these users (step 3)
	refusal  *Refusal
}

// begin carries a state over the change (steps 2 and 3): what is gone goes, what is new is
// pending, what excludes each other by a change of the catalogue is withheld.
func (r *Rules) begin(c *Case, sources []Source, users []ID, now int64) *state {
	s := &state{c: c, users: users, n: c.Size(), sources: sources, admitted: make([]bool, len(sources))}
	whole := map[ID]Row{}
	for _, row := range c.Before.Rows {
		if row.Plan == Whole {
			whole[row.Assignment] = row
		}
	}
	before := make(map[ID]*Source, len(c.Before.Sources))
	for i := range c.Before.Sources {
		b := &c.Before.Sources[i]
		before[b.Key] = b
		if _, waits := whole[b.Key]; !waits && !slices.Contains(s.held, b.Product) {
			s.held = append(s.held, b.Product)
		}
	}
	for i := range sources {
		a := &sources[i]
		b := before[a.Key]
		row, waits := whole[a.Key]
		switch {
		case b == nil:
			s.items = append(s.items, item{source: i, plan: Whole, since: now, kept: s.keeps(a, before, whole), own: a.Direct})
		case waits:
			own := a.Direct && !a.Selected.Minus(b.Selected).Empty()
			s.items = append(s.items, item{source: i, plan: Whole, since: row.Since, kept: s.wasHeld(a.Product), own: own})
		default:
			s.admitted[i] = true
			for _, row := range c.Before.Rows { // withheld plans stay withheld while they are selected
				if row.Assignment == a.Key && a.Selected.Has(row.Plan) {
					s.items = append(s.items, item{source: i, plan: row.Plan, since: row.Since})
				}
			}
			for p := range a.Selected.Minus(b.Selected).All() { // added plans are newcomers each on their own
				s.items = append(s.items, item{source: i, plan: p, since: now, own: a.Direct})
			}
		}
	}
	for i := range sources {
		if s.admitted[i] {
			s.on = s.on.Union(s.enables(i))
		}
	}
	s.withhold(s.on.Intersect(c.Barred), now) // R11
	s.withhold(r.losersOfExclusion(s), now)
	s.withhold(r.unsupported(s.on), now) // R10
	s.turnEmptyIntoWaiting(now)
	for _, p := range s.held {
		if !s.holds(p) && slices.ContainsFunc(sources, func(a Source) bool { return a.Product == p }) {
			s.reserved = append(s.reserved, p)
		}
	}
	return s
}

// keeps decides R5 (1) for a new source: the user held the product before, or the source
// replaces, on the same principal in the same call, one that was admitted.
func (s *state) keeps(a *Source, before map[ID]*Source, whole map[ID]Row) bool {
	if s.wasHeld(a.Product) {
		return true
	}
	for key, b := range before {
		if _, waits := whole[key]; b.Ended && !waits && b.Direct == a.Direct && b.Principal == a.Principal {
			return true
		}
	}
	return false
}

// withhold switches plans off in all admitted sources that enable them.
func (s *state) withhold(plans PlanSet, now int64) {
	if plans.Empty() {
		return
	}
	for i := range s.sources {
		if s.admitted[i] {
			for p := range s.enables(i).Intersect(plans).All() {
				s.items = append(s.items, item{source: i, plan: p, since: now})
			}
		}
	}
	s.on = s.on.Minus(plans)
}

// losersOfExclusion returns the held plans that are excluded by others that are held, which
// only a change of the catalogue can bring about (R9): plans compare by their first enabling
// source, and one that loses is withheld in all of them.
func (r *Rules) losersOfExclusion(s *state) PlanSet {
	candidates := s.on.Intersect(r.excluded)
	if candidates.Len() < 2 {
		return nil
	}
	type ranked struct {
		plan  int32
		first *Source
	}
	var order []ranked
	for p := range candidates.All() {
		var first *Source
		for i := range s.sources {
			if a := &s.sources[i]; s.admitted[i] && s.enables(i).Has(p) && (first == nil || ranks(a, first)) {
				first = a
			}
		}
		order = append(order, ranked{p, first})
	}
	slices.SortFunc(order, func(a, b ranked) int {
		switch {
		case ranks(a.first, b.first):
			return -1
		case ranks(b.first, a.first):
			return 1
		}
		return bytes.Compare(r.Plans[a.plan][:], r.Plans[b.plan][:])
	})
	var kept, lost PlanSet
	for _, o := range order {
		if _, excluded := r.conflict(kept, o.plan); excluded {
			lost = lost.With(o.plan)
		} else {
			kept = kept.With(o.plan)
		}
	}
	return lost
}

// ranks is R5 (2), (5) and (7): what is held does not wait, so no priority orders it.
func ranks(a, b *Source) bool {
	x := Key{Direct: a.Direct, Created: a.Created, Sku: a.Sku, Principal: a.Principal}
	y := Key{Direct: b.Direct, Created: b.Created, Sku: b.Sku, Principal: b.Principal}
	return Less(&x, &y)
}

// turnEmptyIntoWaiting makes a source that selects plans, none of which is on, one pending
// source in place of its pending plans; those just added count as not on.
func (s *state) turnEmptyIntoWaiting(now int64) {
	for i := range s.sources {
		a := &s.sources[i]
		if !s.admitted[i] || a.Selected.Empty() || !s.enables(i).Empty() {
			continue
		}
		own := false
		s.items = slices.DeleteFunc(s.items, func(it item) bool {
			own = own || it.source == i && it.own
			return it.source == i
		})
		s.admitted[i] = false
		s.items = append(s.items, item{source: i, plan: Whole, since: now, kept: s.wasHeld(a.Product), own: own})
	}
}

// enables returns the plans that an admitted source switches on.
func (s *state) enables(i int) PlanSet {
	on := s.sources[i].Selected
	for _, it := range s.items {
		if it.source == i && it.plan != Whole {
			on = on.Minus(NewPlanSet(it.plan))
		}
	}
	return on
}

func (s *state) wasHeld(product int32) bool { return slices.Contains(s.held, product) }

// holds tells whether an admitted source of the product is there (R4).
func (s *state) holds(product int32) bool {
	for i := range s.sources {
		if s.admitted[i] && s.sources[i].Product == product {
			return true
		}
	}
	return false
}

// first is the first of the users. Where they are only counted, nothing hangs on their place: no
// seat tells them apart.
func (s *state) first() (id ID) {
	if len(s.users) > 0 {
		id = s.users[0]
	}
	return id
}

func (r *Rules) key(s *state, it item) Key {
	a := &s.sources[it.source]
	k := Key{
		Kept: it.kept, Direct: a.Direct, Priority: a.Priority, Since: it.since, Created: a.Created, Sku: a.Sku,
		User: s.first(), Principal: a.Principal, Plan: it.plan,
	}
	if a.Direct {
		k.Principal = k.User
	}
	if it.plan != Whole {
		k.PlanID = r.Plans[it.plan]
	}
	return k
}

// joining returns the plans that an item would switch on.
func (s *state) joining(it item) PlanSet {
	if it.plan == Whole {
		return s.sources[it.source].Selected
	}
	return NewPlanSet(it.plan)
}

// admit switches an item on; the caller has checked it.
func (s *state) admit(it item) {
	s.on = s.on.Union(s.joining(it))
	if it.plan == Whole {
		s.admitted[it.source] = true
	}
	s.items = slices.DeleteFunc(s.items, func(o item) bool { return o.source == it.source && o.plan == it.plan })
}
