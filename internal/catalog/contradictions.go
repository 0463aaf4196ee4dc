package catalog

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/licensing"
)

// ContradictionError is a catalogue whose rules contradict each other. Nothing of it is imported.
type ContradictionError struct {
	Contradictions []fmt.Stringer // at least one: each SelfExclusion, then each PrerequisiteCycle
}

// Error is one line that names the first contradiction and counts the others.
func (e *ContradictionError) Error() string {
	more := ""
	if n := len(e.Contradictions) - 1; n > 0 {
		more = fmt.Sprintf(" (and %s)", plural(n, "more contradiction"))
	}
	return e.Contradictions[0].String() + more + "; nothing was imported"
}

// SelfExclusion is a product that contains two different plans of one exclusion set, so that
// nobody could ever have all of it (R9).
type SelfExclusion struct {
	Product     Product
	Set         string
	Plan, Other Plan
}

// String names the product, the set and both plans.
func (c SelfExclusion) String() string {
	retired := ""
	if c.Product.Retired {
		retired = "retired "
	}
	return fmt.Sprintf("%sproduct %s excludes itself: it contains %s and %s, both of exclusion set %q",
		retired, labelOfProduct(c.Product), labelOfPlan(c.Plan), labelOfPlan(c.Other), c.Set)
}

// PrerequisiteCycle is a plan that needs itself, at once or through others (R10).
type PrerequisiteCycle struct {
	Path []Plan // each of these needs any one of several plans, the next one among them; it ends where it begins
}

// String names the plans in order.
func (c PrerequisiteCycle) String() string {
	labels := make([]string, len(c.Path))
	for i, p := range c.Path {
		labels[i] = labelOfPlan(p)
	}
	return "prerequisites form a cycle: " + strings.Join(labels, " needs ")
}

// refuseContradictions looks for products with two plans of one set, by product id, then by
// set, and for plans that need themselves. What is retired counts: its assignments go on, and
// the rules assume that there are no contradictions.
func refuseContradictions(c Catalogue) error {
	plans := byID(c.Plans, planID)
	if found := append(selfExclusions(c, plans), prerequisiteCycles(c, plans)...); len(found) > 0 {
		return &ContradictionError{Contradictions: found}
	}
	return nil
}

// selfExclusions leaves automatic plans aside: they exclude nothing (R7).
func selfExclusions(c Catalogue, plans map[uuid.UUID]Plan) []fmt.Stringer {
	setsOf := map[uuid.UUID][]int{}
	for i, s := range c.Sets {
		for _, plan := range s.Plans {
			if !plans[plan].Automatic {
				setsOf[plan] = append(setsOf[plan], i)
			}
		}
	}
	var found []fmt.Stringer
	for _, p := range c.Products {
		first := map[int]uuid.UUID{}
		reported := map[int]bool{}
		for _, plan := range p.Plans {
			for _, i := range setsOf[plan] {
				other, taken := first[i]
				if !taken {
					first[i] = plan
				} else if !reported[i] {
					reported[i] = true
					found = append(found, SelfExclusion{Product: p, Set: c.Sets[i].Name, Plan: plans[other], Other: plans[plan]})
				}
			}
		}
	}
	return found
}

func prerequisiteCycles(c Catalogue, plans map[uuid.UUID]Plan) []fmt.Stringer {
	requires := make(map[uuid.UUID][]uuid.UUID, len(c.Plans))
	for _, p := range c.Plans {
		if len(p.Requires) > 0 {
			requires[p.ID] = p.Requires
		}
	}
	var found []fmt.Stringer
	for _, cycle := range licensing.PrerequisiteCycles(requires) {
		path := make([]Plan, len(cycle))
		for i, plan := range cycle {
			path[i] = plans[plan]
		}
		found = append(found, PrerequisiteCycle{Path: path})
	}
	return found
}
