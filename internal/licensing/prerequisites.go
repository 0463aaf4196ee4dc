package licensing

import (
	"maps"
	"slices"

	"github.com/google/uuid"
)

// PrerequisiteCycles returns the ways in which plans need themselves (R10): for each knot of
// plans that all lead to each other, a shortest way from its first plan (by id) back to it, that
// plan at both ends. A plan that names itself is a knot of its own. requires is, by plan, those
// of which it needs any one. The result is ordered by the first plan and hangs on the input
// alone, not on its order.
func PrerequisiteCycles(requires map[uuid.UUID][]uuid.UUID) [][]uuid.UUID {
	next := withoutEnds(requires)
	back := reversed(next)
	var cycles [][]uuid.UUID
	tied := map[uuid.UUID]bool{} // plans of a knot that has been told
	for _, plan := range slices.SortedFunc(maps.Keys(next), compareUUIDs) {
		if tied[plan] {
			continue
		}
		if cycle := wayBack(next, plan); cycle != nil {
			cycles = append(cycles, cycle)
			from, to := reached(back, plan), reached(next, plan)
			for other := range to {
				tied[other] = tied[other] || from[other]
			}
		}
	}
	return cycles
}

// withoutEnds returns the plans that lead to a cycle, with those of their next ones that do,
// sorted: for rules without a cycle, none.
func withoutEnds(requires map[uuid.UUID][]uuid.UUID) map[uuid.UUID][]uuid.UUID {
	back := reversed(requires)
	open := make(map[uuid.UUID]int, len(requires)) // how many next ones are not known to end
	var ends []uuid.UUID
	for plan, any := range requires {
		open[plan] = len(any)
	}
	for plan := range back {
		if open[plan] == 0 {
			ends = append(ends, plan)
		}
	}
	for ; len(ends) > 0; ends = ends[1:] {
		for _, plan := range back[ends[0]] {
			if open[plan]--; open[plan] == 0 {
				ends = append(ends, plan)
			}
		}
	}
	next := map[uuid.UUID][]uuid.UUID{}
	for plan, any := range requires {
		for _, other := range any {
			if open[plan] > 0 && open[other] > 0 {
				next[plan] = append(next[plan], other)
			}
		}
		slices.SortFunc(next[plan], compareUUIDs)
	}
	return next
}

// wayBack returns a shortest way from a plan to itself, or nil.
func wayBack(next map[uuid.UUID][]uuid.UUID, plan uuid.UUID) []uuid.UUID {
	from := map[uuid.UUID]uuid.UUID{}
	for queue := []uuid.UUID{plan}; len(queue) > 0; queue = queue[1:] {
		for _, other := range next[queue[0]] {
			if other == plan {
				way := []uuid.UUID{plan}
				for at := queue[0]; at != plan; at = from[at] {
					way = append(way, at)
				}
				way = append(way, plan)
				slices.Reverse(way)
				return way
			}
			if _, seen := from[other]; !seen {
				from[other] = queue[0]
				queue = append(queue, other)
			}
		}
	}
	return nil
}

// reached returns the plans to which a plan leads.
func reached(next map[uuid.UUID][]uuid.UUID, plan uuid.UUID) map[uuid.UUID]bool {
	seen := map[uuid.UUID]bool{}
	for queue := []uuid.UUID{plan}; len(queue) > 0; queue = queue[1:] {
		for _, other := range next[queue[0]] {
			if !seen[other] {
				seen[other] = true
				queue = append(queue, other)
			}
		}
	}
	return seen
}

func reversed(next map[uuid.UUID][]uuid.UUID) map[uuid.UUID][]uuid.UUID {
	back := make(map[uuid.UUID][]uuid.UUID, len(next))
	for plan, any := range next {
		for _, other := range any {
			back[other] = append(back[other], plan)
		}
	}
	return back
}

func compareUUIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
