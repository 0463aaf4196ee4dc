package oracle

import (
	"fmt"
	"maps"
	"slices"
)

// ChangeCatalogue is an import as one tenant meets it: the plans of the named
// products as they are from now on (a product not known before is new, one not
// named stays as it is), and the exclusion sets, all of them; nil keeps those
// there are.
type ChangeCatalogue struct {
	Products   map[ID]Set
	Exclusions []Set
}

// Apply implements Operation. A product that would exclude itself refuses the
// whole import with INVALID_VALUE (R9). Plans that leave a product go at once;
// plans added are newcomers each on its own for admitted sources that select
// them; of held plans that become exclusive some are withheld.
func (op ChangeCatalogue) Apply(s *State, now int64) Outcome {
	c := begin(s, now)
	for product, plans := range op.Products {
		c.after.Products[product] = maps.Clone(plans)
	}
	if op.Exclusions != nil {
		c.after.Exclusions = slices.Clone(op.Exclusions)
	}
	for _, plans := range c.after.Products {
		if SelfExcluding(plans, c.after.Exclusions) {
			return refuse(InvalidValue)
		}
	}
	sameProducts := maps.EqualFunc(s.Products, c.after.Products, func(a, b Set) bool { return maps.Equal(a, b) })
	if sameProducts && slices.Equal(exclusionKeys(s.Exclusions), exclusionKeys(c.after.Exclusions)) {
		return Outcome{}
	}
	c.settle()
	*s = *c.after
	return Outcome{Changed: true}
}

// exclusionKeys names exclusion sets by what they hold, in one order, each
// once.
func exclusionKeys(sets []Set) []string {
	keys := make([]string, 0, len(sets))
	for _, set := range sets {
		keys = append(keys, fmt.Sprint(set.Sorted()))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
