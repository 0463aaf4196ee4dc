package licensing_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/licensing"
)

func needs(pairs string) map[uuid.UUID][]uuid.UUID {
	requires := map[uuid.UUID][]uuid.UUID{}
	for _, pair := range strings.Fields(pairs) {
		plan, other := uuid.UUID{pair[0]}, uuid.UUID{pair[1]}
		requires[plan] = append(requires[plan], other)
	}
	return requires
}

func ways(cycles [][]uuid.UUID) string {
	var all []string
	for _, cycle := range cycles {
		way := ""
		for _, plan := range cycle {
			way += string(plan[:1])
		}
		all = append(all, way)
	}
	return strings.Join(all, " ")
}

func TestPrerequisitesThatComeBackToTheirPlanAreACycleR10(t *testing.T) {
	for pairs, want := range map[string]string{
		"":                           "",
		"ab bc ac cd":                "",
		"aa":                         "aa",
		"ab ba":                      "aba",
		"ab bc ca":                   "abca",
		"ab ac bd cd da":             "abda", // the shortest, then by ids
		"ab bc ca cb":                "abca",
		"xa ab ba ay":                "aba", // what leads there, or from there, is not part of it
		"ab ba bc cd dc ee ef":       "aba cdc ee",
		"ab bc cd da bd":             "abda",
		"ba cb dc ed fe gf ah ha hg": "aha", // one knot is told once
	} {
		got := ways(licensing.PrerequisiteCycles(needs(pairs)))
		if got != want {
			t.Errorf("%q: %q, want %q", pairs, got, want)
		}
	}
}

// TestPrerequisiteCyclesAreThoseThatAWalkFindsR10 holds the search against plain walking: there
// is a cycle exactly where some walk of as many steps as there are plans does not end.
func TestPrerequisiteCyclesAreThoseThatAWalkFindsR10(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		n := 1 + rng.IntN(7)
		var pairs []string
		for range rng.IntN(2 * n) {
			pairs = append(pairs, fmt.Sprintf("%c%c", 'a'+rng.IntN(n), 'a'+rng.IntN(n)))
		}
		requires := needs(strings.Join(pairs, " "))
		at := map[uuid.UUID]bool{}
		for plan := range requires {
			at[plan] = true
		}
		for range n {
			next := map[uuid.UUID]bool{}
			for plan := range at {
				for _, other := range requires[plan] {
					next[other] = true
				}
			}
			at = next
		}
		cycles := licensing.PrerequisiteCycles(requires)
		if (len(cycles) > 0) != (len(at) > 0) {
			t.Fatalf("%v: %q", pairs, ways(cycles))
		}
		for _, cycle := range cycles {
			for i := range cycle[1:] {
				if !strings.Contains(strings.Join(pairs, " "), string([]byte{cycle[i][0], cycle[i+1][0]})) {
					t.Fatalf("%v: %q goes where nothing leads", pairs, ways(cycles))
				}
			}
		}
		rng.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		if got := ways(licensing.PrerequisiteCycles(needs(strings.Join(pairs, " ")))); got != ways(cycles) {
			t.Fatalf("%v: %q in one order, %q in another", pairs, ways(cycles), got)
		}
	}
}
