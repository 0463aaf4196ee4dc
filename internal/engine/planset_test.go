package engine_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/engine"
)

func TestPlanSetsOfDifferentLengthsCompareByWhatTheyHold(t *testing.T) {
	short, long := plans(1, 3), plans(1, 3, 700)
	for name, c := range map[string]struct{ got, want bool }{
		"a word that is empty again makes no difference": {long.Minus(plans(700)).Equal(short), true},
		"nor the other way round":                        {short.Equal(long.Minus(plans(700))), true},
		"nil is the empty set":                           {engine.PlanSet(nil).Equal(plans()), true},
		"a set minus itself is empty":                    {long.Minus(long).Empty(), true},
		"one plan more is a difference":                  {short.Equal(long), false},
		"another plan of the same word is a difference":  {short.Equal(plans(1, 2)), false},
		"a plan beyond the words is not in the set":      {short.Has(700), false},
		"nil has no plan":                                {engine.PlanSet(nil).Has(0), false},
		"the last bit of a word is a plan":               {plans(63).Has(63), true},
		"the first bit of the next word is another":      {plans(63).Has(64), false},
		"sets overlap where a plan is in both":           {short.Overlaps(plans(3, 64)), true},
		"sets without a common plan do not overlap":      {short.Overlaps(plans(2, 64)), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v", name, c.got)
		}
	}
}

// A PlanSet behaves as a map from plans does, and no operation changes its operands.
func TestPlanSetAgreesWithAMap(t *testing.T) {
	type model = map[int32]bool
	set := func(m model) engine.PlanSet {
		s := plans()
		for p := range m {
			s = s.With(p)
		}
		return s
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) model {
			m := model{}
			for _, p := range rapid.SliceOfN(rapid.Int32Range(0, 200), 0, 12).Draw(t, label) {
				m[p] = true
			}
			return m
		}
		a, b := draw("a"), draw("b")
		s, u := set(a), set(b)
		filter := func(m model, keep func(int32) bool) model {
			m = maps.Clone(m)
			maps.DeleteFunc(m, func(p int32, _ bool) bool { return !keep(p) })
			return m
		}
		union := maps.Clone(a)
		maps.Copy(union, b)
		both := filter(a, func(p int32) bool { return b[p] })
		check := func(name string, got engine.PlanSet, want model) {
			if elements := slices.Sorted(maps.Keys(want)); !slices.Equal(slices.Collect(got.All()), elements) {
				t.Fatalf("%s of %v and %v is %v, want %v", name, a, b, slices.Collect(got.All()), elements)
			}
			if got.Len() != len(want) || got.Empty() != (len(want) == 0) || !got.Equal(set(want)) {
				t.Fatalf("%s: Len %d, Empty %v, Equal %v for %v", name, got.Len(), got.Empty(), got.Equal(set(want)), want)
			}
			for p := range int32(210) {
				if got.Has(p) != want[p] {
					t.Fatalf("%s: Has(%d) is %v", name, p, got.Has(p))
				}
			}
		}
		check("union", s.Union(u), union)
		check("difference", s.Minus(u), filter(a, func(p int32) bool { return !b[p] }))
		check("intersection", s.Intersect(u), both)
		if s.Overlaps(u) != (len(both) > 0) || s.Equal(u) != maps.Equal(a, b) {
			t.Fatalf("Overlaps %v, Equal %v for %v and %v", s.Overlaps(u), s.Equal(u), a, b)
		}
		more := rapid.Int32Range(0, 200).Draw(t, "one more")
		check("set with one more", s.With(more), func() model { m := maps.Clone(a); m[more] = true; return m }())
		check("first operand, unchanged,", s, a)
		check("second operand, unchanged,", u, b)
		for p := range s.All() { // stopping early ends the iteration
			if len(a) == 0 || p != slices.Min(slices.Collect(maps.Keys(a))) {
				t.Fatalf("the first plan of %v is %d", a, p)
			}
			break
		}
	})
}
