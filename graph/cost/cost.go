// Package cost bounds what one operation may ask for. The cost of an operation is the number of
// objects that it may return at most, worked out before it runs from its fields, its page sizes
// and a declared size for each list that has no pages; some fields weigh more than the objects
// they return. An operation beyond a limit is refused as a request error with the code
// COST_EXCEEDED, and nothing of it runs. No operation is exempt, whatever its name.
package cost

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/licensegraph/licensegraph/graph/scalar"
)

const (
	defaultPage = 25  // rows of a page when the query does not say
	maxPage     = 100 // rows of a page at most; resolvers refuse more, so more never costs more
)

// Report is what an operation asks for.
type Report struct {
	Cost    int // objects at most, weights included; never negative, capped at [Most]
	Depth   int // fields within fields
	Aliases int // fields under another name, counted wherever a fragment is spread; capped at [Most]
}

// Most is where counting ends: larger numbers are reported as this one.
const Most = 1_000_000_000

// Of works out what an operation asks for. The operation is one of a document that is valid for
// the schema; vars are its coerced variables with their defaults.
func Of(op *ast.OperationDefinition, vars map[string]any) Report {
	c := &counter{vars: vars, fragments: map[spread]Report{}}
	return c.selections(op.SelectionSet, scope{page: defaultPage})
}

// scope is what the fields of a selection take from the field above them: how many elements
// their lists have when that depends on its arguments.
type scope struct{ page, results, groups int }

// spread is a fragment within a scope: its report is the same wherever it is spread, so that
// fragments that spread each other many times are counted, not walked, many times.
type spread struct {
	fragment *ast.FragmentDefinition
	scope    scope
}

type counter struct {
	vars      map[string]any
	fragments map[spread]Report
}

func (c *counter) selections(set ast.SelectionSet, in scope) Report {
	var sum Report
	for _, selection := range set {
		var r Report
		switch s := selection.(type) {
		case *ast.Field:
			if c.included(s.Directives) {
				r = c.field(s, in)
			}
		case *ast.InlineFragment:
			if c.included(s.Directives) {
				r = c.selections(s.SelectionSet, in)
			}
		case *ast.FragmentSpread:
			if c.included(s.Directives) && s.Definition != nil {
				r = c.fragment(spread{s.Definition, in})
			}
		}
		sum.Cost = add(sum.Cost, r.Cost)
		sum.Aliases = add(sum.Aliases, r.Aliases)
		sum.Depth = max(sum.Depth, r.Depth)
	}
	return sum
}

func (c *counter) fragment(s spread) Report {
	r, ok := c.fragments[s]
	if !ok {
		r = c.selections(s.fragment.SelectionSet, s.scope)
		c.fragments[s] = r
	}
	return r
}

func (c *counter) field(f *ast.Field, in scope) Report {
	r := c.selections(f.SelectionSet, c.scope(f))
	r.Depth++
	r.Cost = times(c.elements(f, in), add(r.Cost, weight(f)))
	if f.Alias != f.Name {
		r.Aliases = add(r.Aliases, 1)
	}
	return r
}

// weight is the cost of one element of a field without what is selected in it.
func weight(f *ast.Field) int {
	if f.Name == "__typename" {
		return 0
	}
	if f.ObjectDefinition != nil {
		if w, ok := weights[f.ObjectDefinition.Name+"."+f.Name]; ok {
			return w
		}
		if w, ok := weights[f.ObjectDefinition.Name]; ok {
			return w
		}
	}
	if w, ok := weights["*."+f.Name]; ok {
		return w
	}
	if len(f.SelectionSet) == 0 {
		return 0
	}
	return 1
}

// elements is how many objects a field may return.
func (c *counter) elements(f *ast.Field, in scope) int {
	if f.Definition == nil || f.Definition.Type.Elem == nil || len(f.SelectionSet) == 0 {
		return 1
	}
	switch size := sizeOf(f.ObjectDefinition, f.Name); size {
	case page:
		return in.page
	case perResult:
		return in.results
	case perGroup:
		return in.groups
	case perID:
		return min(length(c.argument(f, "ids")), maxPage)
	default:
		return size
	}
}

// scope is what a field hands down to its selections.
func (c *counter) scope(f *ast.Field) scope {
	down := scope{page: defaultPage}
	if f.Definition == nil {
		return down
	}
	if f.Definition.Arguments.ForName("first") != nil {
		down.page = c.pageSize(f)
	}
	if count, ok := inputs[f.Name]; ok && f.ObjectDefinition != nil && f.ObjectDefinition.Name == "Mutation" {
		input, _ := c.argument(f, "input").(map[string]any)
		down.results, down.groups = count(input)
		down.results = min(down.results, maxResults)
		down.groups = min(down.groups, maxGroups)
	}
	return down
}

func (c *counter) pageSize(f *ast.Field) int {
	size, given := 0, false
	for _, name := range []string{"first", "last"} {
		if n, err := scalar.Int(c.argument(f, name)); err == nil {
			size, given = max(size, int(n)), true
		}
	}
	if !given {
		return defaultPage
	}
	return min(size, maxPage)
}

// argument is the value of an argument, nil when it has none.
func (c *counter) argument(f *ast.Field, name string) any {
	arg := f.Arguments.ForName(name)
	if arg == nil {
		return nil
	}
	v, err := arg.Value.Value(c.vars)
	if err != nil {
		return nil
	}
	return v
}

// included tells whether @skip and @include leave a selection in.
func (c *counter) included(directives ast.DirectiveList) bool {
	return !c.condition(directives.ForName("skip"), true) && !c.condition(directives.ForName("include"), false)
}

// condition tells whether a directive is there and its "if" has a value.
func (c *counter) condition(d *ast.Directive, value bool) bool {
	if d == nil || d.Arguments.ForName("if") == nil {
		return false
	}
	v, err := d.Arguments.ForName("if").Value.Value(c.vars)
	return err == nil && v == value
}

// length is the number of elements of a list, where a single value is a list of one.
func length(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case []any:
		return len(v)
	default:
		return 1
	}
}

func add(a, b int) int { return min(a+b, Most) }

func times(a, b int) int {
	if a > 0 && b > math.MaxInt32/a {
		return Most
	}
	return min(a*b, Most)
}
