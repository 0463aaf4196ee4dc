package oracle

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// ChangeCatalogue is an import as one tenant meets it: the plans of the named
// products as they are from now on (a product not known before is new, one not
// named stays as it is), and the exclusion sets, all of them; nil keeps those
// there are.
type ChangeCatalogue struct {
	Products    map[ID]Set
	Exclusions  []Set
	Requires    map[ID]Set      // all prerequisites; nil keeps (R10)
	Locations   map[ID]Location // all of them; nil keeps (R11)
	Automatic   Set             // all of them; nil keeps (R7)
	Acknowledge *int
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
	if op.Requires != nil {
		c.after.Requires = maps.Clone(op.Requires)
	}
	if op.Locations != nil {
		c.after.Locations = maps.Clone(op.Locations)
	}
	if op.Automatic != nil {
		c.after.Automatic = maps.Clone(op.Automatic)
	}
	for _, plans := range c.after.Products {
		checked := maps.Clone(plans)
		maps.DeleteFunc(checked, func(plan ID, _ bool) bool { return c.after.Automatic[plan] })
		if SelfExcluding(checked, c.after.Exclusions) {
			return refuse(InvalidValue)
		}
	}
	sameProducts := maps.EqualFunc(s.Products, c.after.Products, func(a, b Set) bool { return maps.Equal(a, b) })
	sameRules := maps.EqualFunc(s.Requires, c.after.Requires, func(a, b Set) bool { return maps.Equal(a, b) }) &&
		reflect.DeepEqual(s.Locations, c.after.Locations) && maps.Equal(s.Automatic, c.after.Automatic)
	if sameProducts && sameRules && slices.Equal(exclusionKeys(s.Exclusions), exclusionKeys(c.after.Exclusions)) {
		return Outcome{}
	}
	c.settle()
	return c.finish(s, op.Acknowledge, false)
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
