// Package engine decides who has what: it is pure (standard library only, no I/O, no clock)
// and the only place that knows the rules of derivation, admission and explanation.
//
// The state of a user is facts (sources) plus exceptions (rows). A source without a
// whole-source row is admitted. Derive reads a state; Settle carries states over a change;
// Check is the one place of the checks; Explain says why not; Less is the one order in which
// what waits is tried. The rules' numbers stand where each is decided.
package engine

import "bytes"

// ID is the 16 bytes of a UUID.
type ID = [16]byte

// Whole stands for a source as a whole where a plan could stand.
const Whole int32 = -1

// Code is the reason why a source, or one plan of it, is not admitted. Of several, the
// smallest is recorded.
type Code uint8

// The codes, in the order of the checks.
const (
	None      Code = iota
	Exclusion      // R9 MUTUALLY_EXCLUSIVE_VIOLATION
	Count          // R8 COUNT_VIOLATION
)

// Assignment is what the rules need to know of a product's assignment to a principal.
type Assignment struct {
	Key       ID // identity; no order is made from it
	Product   int32
	Sku       ID
	Principal ID // zero when direct: the principal is the user
	Direct    bool
	Created   int64 // instant
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

// User is the state of one user: sources of products with a live subscription, and rows.
type User struct {
	Sources []Source
	Rows    []Row
}

// ExclusionSet is a set of plans of which a user may have one (R9).
type ExclusionSet struct {
	Name  string
	Plans PlanSet
}

// Rules are the catalogue's rules. They are immutable once made.
type Rules struct {
	sets     []ExclusionSet
	planIDs  []ID            // by plan index: the last resort of R5's order
	ofPlan   map[int32][]int // plan → indices of the sets it is in
	excluded PlanSet         // plans that are in any set
}

// NewRules prepares rules for checking; planIDs holds every plan's id by its index.
func NewRules(sets []ExclusionSet, planIDs []ID) *Rules {
	r := &Rules{sets: sets, planIDs: planIDs, ofPlan: map[int32][]int{}}
	for i, s := range sets {
		for p := range s.Plans.All() {
			r.ofPlan[p] = append(r.ofPlan[p], i)
		}
		r.excluded = r.excluded.Union(s.Plans)
	}
	return r
}

// Key places a pending item in R5's order.
type Key struct {
	Kept      bool
	Direct    bool
	Since     int64
	Created   int64
	Sku       ID
	User      ID
	Principal ID
	Plan      int32 // compared by PlanID
	PlanID    ID    // zero for the whole source
}

// Less is R5's order: kept first, direct before inherited, since, assignment creation, sku,
// user, principal, plan.
func Less(a, b *Key) bool {
	if a.Kept != b.Kept {
		return a.Kept
	}
	if a.Direct != b.Direct {
		return a.Direct
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

// Conflict names two plans that exclude each other.
type Conflict struct {
	Set         string
	Plan, Other int32
}

// Check tells why the plans may not join those that are on for a user, seats aside: R9. It
// is the one place of the checks. The first conflict in the order of the plans' indices is
// returned with the code.
func (r *Rules) Check(on, joining PlanSet) (Code, Conflict) {
	if !joining.Overlaps(r.excluded) || !on.Overlaps(r.excluded) {
		return None, Conflict{}
	}
	for p := range joining.Intersect(r.excluded).All() {
		if c, ok := r.conflict(on, p); ok {
			return Exclusion, c
		}
	}
	return None, Conflict{}
}

// SelfConflict finds two plans of one selection that exclude each other (R9: such a product
// or selection is refused by name).
func (r *Rules) SelfConflict(selected PlanSet) (Conflict, bool) {
	for p := range selected.Intersect(r.excluded).All() {
		if c, ok := r.conflict(selected, p); ok {
			return c, true
		}
	}
	return Conflict{}, false
}

func (r *Rules) conflict(on PlanSet, p int32) (Conflict, bool) {
	for _, i := range r.ofPlan[p] {
		for q := range r.sets[i].Plans.Intersect(on).All() {
			if q != p { // the same plan twice is fine
				return Conflict{Set: r.sets[i].Name, Plan: p, Other: q}, true
			}
		}
	}
	return Conflict{}, false
}
