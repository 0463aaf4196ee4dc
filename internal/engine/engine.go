// Package engine decides who has what: it is pure (standard library only, no I/O, no clock)
// and the only place that knows the rules of derivation, admission and explanation.
//
// The state of a user is facts (sources) plus exceptions (rows). A source without a
// whole-source row is admitted. Derive reads a state; Settle carries states over a change;
// Check is the one place of the checks; Explain says why not; Less is the one order in which
// what waits is tried. The rules' numbers stand where each is decided.
package engine

import (
	"bytes"
	"slices"
)

// ID is the 16 bytes of a UUID.
type ID = [16]byte

// Whole stands for a source as a whole where a plan could stand.
const Whole int32 = -1

// Code is the reason why a source, or one plan of it, is not admitted. Of several, the
// smallest is recorded.
type Code uint8

// The codes, in the order of the checks.
const (
	None       Code = iota
	Prohibited      // R11 PROHIBITED_IN_USAGE_LOCATION_VIOLATION
	Exclusion       // R9 MUTUALLY_EXCLUSIVE_VIOLATION
	Dependency      // R10 DEPENDENCY_VIOLATION
	GroupLimit      // R8 GROUP_SEAT_LIMIT
	Count           // R8 COUNT_VIOLATION
)

// Assignment is what the rules need to know of a product's assignment to a principal.
type Assignment struct {
	Key       ID // identity; no order is made from it
	Product   int32
	Sku       ID
	Principal ID // zero when direct: the principal is the user
	Direct    bool
	Created   int64 // instant
	Priority  int64 // of two that wait, the higher is tried first (R5)
}

// Source is an assignment as it reaches one user (R1), with the plans it selects (R2).
type Source struct {
	*Assignment
	Selected PlanSet
	Ended    bool // in the state before a change: the call removes the assignment itself
}

// Row is an exception: the source, or one plan of it, waits since an instant.
type Row struct {
	Assignment ID
	Plan       int32 // or Whole
	Code       Code
	Since      int64
}

// User is the state of one user: sources of products with a live subscription, rows, and the
// plans barred where the user is (see Rules.Barred).
type User struct {
	Sources []Source
	Rows    []Row
	Barred  PlanSet
}

// ExclusionSet is a set of plans of which a user may have one (R9).
type ExclusionSet struct {
	Name  string
	Plans PlanSet
}

// Location says in which countries a plan may be used (R11). A plan that is allowed anywhere
// is allowed nowhere else; the zero value allows it everywhere.
type Location struct{ Allowed, Prohibited []string }

// RuleBook is what Rules are made from. Plans are named by their index.
type RuleBook struct {
	Plans      []ID // every plan's id: the last resort of R5's order
	Exclusions []ExclusionSet
	Requires   map[int32]PlanSet  // the plan needs any one of these (R10); no cycles
	Locations  map[int32]Location // where the plan may be used (R11)
	Automatic  PlanSet            // plans that take part in no check (R7)
}

// Rules are the catalogue's rules. They are immutable once made.
type Rules struct {
	RuleBook
	ofPlan    map[int32][]int // plan → indices of the exclusion sets it is in
	excluded  PlanSet         // plans that are in any set
	dependent PlanSet         // plans that need another
	needed    PlanSet         // plans that another needs
	elsewhere PlanSet         // barred in every country that barred does not name
	barred    map[string]PlanSet
}

// NewRules prepares rules for checking. Automatic plans are struck from all of them (R7): they
// satisfy no dependency, exclude nothing and are barred nowhere.
func NewRules(book RuleBook) *Rules {
	r := &Rules{RuleBook: book, ofPlan: map[int32][]int{}, barred: map[string]PlanSet{}}
	r.Exclusions, r.Requires, r.Locations = nil, make(map[int32]PlanSet, len(book.Requires)), make(map[int32]Location, len(book.Locations))
	for i, s := range book.Exclusions {
		s.Plans = s.Plans.Minus(book.Automatic)
		for p := range s.Plans.All() {
			r.ofPlan[p] = append(r.ofPlan[p], i)
		}
		r.excluded = r.excluded.Union(s.Plans)
		r.Exclusions = append(r.Exclusions, s)
	}
	for p, any := range book.Requires {
		if !book.Automatic.Has(p) {
			r.Requires[p] = any.Minus(book.Automatic)
			r.dependent = r.dependent.With(p)
			r.needed = r.needed.Union(r.Requires[p])
		}
	}
	for p, l := range book.Locations {
		if !book.Automatic.Has(p) && len(l.Allowed)+len(l.Prohibited) > 0 {
			r.Locations[p] = l
		}
	}
	r.placePlans()
	return r
}

// placePlans finds out what is barred in each country that a rule names, and elsewhere.
func (r *Rules) placePlans() {
	countries := map[string]bool{}
	for p, l := range r.Locations {
		for _, c := range slices.Concat(l.Allowed, l.Prohibited) {
			countries[c] = true
		}
		if len(l.Allowed) > 0 {
			r.elsewhere = r.elsewhere.With(p)
		}
	}
	for c := range countries {
		var barred PlanSet
		for p, l := range r.Locations {
			if len(l.Allowed) > 0 && !slices.Contains(l.Allowed, c) || slices.Contains(l.Prohibited, c) {
				barred = barred.With(p)
			}
		}
		r.barred[c] = barred
	}
}

// Barred returns the plans that may not be used in a country (R11).
func (r *Rules) Barred(country string) PlanSet {
	if barred, named := r.barred[country]; named {
		return barred
	}
	return r.elsewhere
}

// Located tells whether any of the plans may not be used everywhere (R11).
func (r *Rules) Located(plans PlanSet) bool {
	for p := range r.Locations {
		if plans.Has(p) {
			return true
		}
	}
	return false
}

// Linked tells whether a check of any of the plans can fail, or make another's fail.
func (r *Rules) Linked(plans PlanSet) bool {
	return plans.Overlaps(r.excluded) || plans.Overlaps(r.dependent) || plans.Overlaps(r.needed) || r.Located(plans)
}

// Separate tells whether no check of the plans can fail, and none of others because of them,
// for a user who can have those others only.
func (r *Rules) Separate(plans, others PlanSet) bool {
	if plans.Overlaps(r.dependent) || r.Located(plans) {
		return false
	}
	for p := range plans.Intersect(r.excluded).All() {
		if _, excluded := r.conflict(others.Union(plans), p); excluded {
			return false
		}
	}
	for p := range others.Intersect(r.dependent).All() {
		if r.Requires[p].Overlaps(plans) {
			return false
		}
	}
	return true
}

// Ruled returns the plans that exclude, need or are needed by others.
func (r *Rules) Ruled() PlanSet { return r.excluded.Union(r.dependent).Union(r.needed) }

// Bound returns plans with all that rules bind to them: what they exclude, what they need and what
// needs them, and what is bound to these. What is not bound to a plan never hangs on it.
func (r *Rules) Bound(plans PlanSet) PlanSet {
	for {
		all := plans
		for p := range plans.Intersect(r.excluded).All() {
			all = all.Union(r.partners(p))
		}
		for p, needs := range r.Requires {
			if plans.Has(p) || plans.Overlaps(needs) {
				all = all.With(p).Union(needs)
			}
		}
		if all.Equal(plans) {
			return all
		}
		plans = all
	}
}

// Differ tells whether a check of the plan comes out otherwise by other rules, whose indices
// of plans are the same.
func (r *Rules) Differ(o *Rules, p int32) bool {
	needs, has := r.Requires[p]
	needed, had := o.Requires[p]
	a, b := r.Locations[p], o.Locations[p]
	return has != had || !needs.Equal(needed) || !r.partners(p).Equal(o.partners(p)) ||
		!slices.Equal(a.Allowed, b.Allowed) || !slices.Equal(a.Prohibited, b.Prohibited)
}

// partners returns the plans that a plan excludes.
func (r *Rules) partners(p int32) PlanSet {
	var all PlanSet
	for _, i := range r.ofPlan[p] {
		all = all.Union(r.Exclusions[i].Plans)
	}
	return all.Minus(NewPlanSet(p))
}

// Key places a pending item in R5's order.
type Key struct {
	Kept      bool
	Direct    bool
	Priority  int64 // higher first
	Since     int64
	Created   int64
	Sku       ID
	User      ID
	Principal ID
	Plan      int32 // compared by PlanID
	PlanID    ID    // zero for the whole source
}

// Less is R5's order: kept first, direct before inherited, priority, since, assignment creation,
// sku, user, principal, plan.
func Less(a, b *Key) bool {
	if a.Kept != b.Kept {
		return a.Kept
	}
	if a.Direct != b.Direct {
		return a.Direct
	}
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	if a.Since != b.Since {
		return a.Since < b.Since
	}
	if a.Created != b.Created {
		return a.Created < b.Created
	}
	if c := bytes.Compare(a.Sku[:], b.Sku[:]); c != 0 {
		return c < 0
	}
	if c := bytes.Compare(a.User[:], b.User[:]); c != 0 {
		return c < 0
	}
	if c := bytes.Compare(a.Principal[:], b.Principal[:]); c != 0 {
		return c < 0
	}
	if (a.Plan == Whole) != (b.Plan == Whole) {
		return a.Plan == Whole
	}
	return bytes.Compare(a.PlanID[:], b.PlanID[:]) < 0
}

// Reason is why a plan may not be on. Other and Set are those of an Exclusion; what a plan
// needs that fails for Dependency is in Requires.
type Reason struct {
	Code        Code
	Plan, Other int32
	Set         string
}

// Check tells why the plans may not join those that are on for a user, seats aside: R11, R9,
// R10, in this order. It is the one place of the checks. Of several plans that fail, the first
// by index is named. The zero Reason says that nothing speaks against it.
func (r *Rules) Check(barred, on, joining PlanSet) Reason {
	if joining.Overlaps(barred) {
		for p := range joining.Intersect(barred).All() {
			return Reason{Code: Prohibited, Plan: p}
		}
	}
	if joining.Overlaps(r.excluded) && on.Overlaps(r.excluded) {
		for p := range joining.Intersect(r.excluded).All() {
			if c, ok := r.conflict(on, p); ok {
				return c
			}
		}
	}
	if joining.Overlaps(r.dependent) {
		for p := range joining.Intersect(r.dependent).All() {
			if any := r.Requires[p]; !any.Overlaps(on) && !any.Overlaps(joining) {
				return Reason{Code: Dependency, Plan: p}
			}
		}
	}
	return Reason{}
}

// unsupported returns the plans of those that are on which lack what they need (R10), and
// again what lacks them, until nothing is left that does.
func (r *Rules) unsupported(on PlanSet) PlanSet {
	var lost PlanSet
	for again := true; again; {
		again = false
		for p := range on.Intersect(r.dependent).All() {
			if !r.Requires[p].Overlaps(on) {
				on, lost, again = on.Minus(NewPlanSet(p)), lost.With(p), true
			}
		}
	}
	return lost
}

// SelfConflict finds two plans of one selection that exclude each other (R9: such a product
// or selection is refused by name).
func (r *Rules) SelfConflict(selected PlanSet) (Reason, bool) {
	for p := range selected.Intersect(r.excluded).All() {
		if c, ok := r.conflict(selected, p); ok {
			return c, true
		}
	}
	return Reason{}, false
}

func (r *Rules) conflict(on PlanSet, p int32) (Reason, bool) {
	for _, i := range r.ofPlan[p] {
		for q := range r.Exclusions[i].Plans.Intersect(on).All() {
			if q != p { // the same plan twice is fine
				return Reason{Code: Exclusion, Set: r.Exclusions[i].Name, Plan: p, Other: q}, true
			}
		}
	}
	return Reason{}, false
}
