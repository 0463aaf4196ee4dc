package engine

import "math/bits"

// PlanSet is a set of plans, as bits of a catalogue-wide index. The zero value is empty.
// Sets are values: every operation that changes one returns a new set or says that it works
// in place.
type PlanSet []uint64

// NewPlanSet returns the set of the given plan indices.
func NewPlanSet(plans ...int32) PlanSet {
	var s PlanSet
	for _, p := range plans {
		s = s.With(p)
	}
	return s
}

// Has tells whether the plan is in the set.
func (s PlanSet) Has(p int32) bool {
	w := int(p >> 6)
	return w < len(s) && s[w]&(1<<(p&63)) != 0
}

// With returns the set with one more plan.
func (s PlanSet) With(p int32) PlanSet {
	w := int(p >> 6)
	r := make(PlanSet, max(len(s), w+1))
	copy(r, s)
	r[w] |= 1 << (p & 63)
	return r
}

// Union returns the plans in either.
func (s PlanSet) Union(t PlanSet) PlanSet {
	if len(s) < len(t) {
		s, t = t, s
	}
	r := make(PlanSet, len(s))
	copy(r, s)
	for i, w := range t {
		r[i] |= w
	}
	return r
}

// Minus returns the plans of s that are not in t.
func (s PlanSet) Minus(t PlanSet) PlanSet {
	r := make(PlanSet, len(s))
	copy(r, s)
	for i := range min(len(s), len(t)) {
		r[i] &^= t[i]
	}
	return r
}

// Intersect returns the plans in both.
func (s PlanSet) Intersect(t PlanSet) PlanSet {
	r := make(PlanSet, min(len(s), len(t)))
	for i := range r {
		r[i] = s[i] & t[i]
	}
	return r
}

// Overlaps tells whether a plan is in both.
func (s PlanSet) Overlaps(t PlanSet) bool {
	for i := range min(len(s), len(t)) {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// Empty tells whether no plan is in the set.
func (s PlanSet) Empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// Equal tells whether both hold the same plans.
func (s PlanSet) Equal(t PlanSet) bool {
	if len(s) < len(t) {
		s, t = t, s
	}
	for i, w := range s {
		if i < len(t) && w != t[i] || i >= len(t) && w != 0 {
			return false
		}
	}
	return true
}

// Len counts the plans.
func (s PlanSet) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// All iterates over the plans in the order of their indices.
func (s PlanSet) All() func(yield func(int32) bool) {
	return func(yield func(int32) bool) {
		for i, w := range s {
			for w != 0 {
				if !yield(int32(i<<6 + bits.TrailingZeros64(w))) {
					return
				}
				w &= w - 1
			}
		}
	}
}
