package compiled

import (
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Selection is what is asked of an object of one type.
type Selection struct{ fields []*Field }

// Field is a field of a selection.
type Field struct {
	graphql.CollectedField
	key     []byte // the field's name in the answer, as JSON, with the colon
	resolve Resolve
	of      *Selection            // what is asked of its value, where that is an object of one type,
	on      map[string]*Selection // or, by type, where it is one of several
	object  string
}

const (
	// maxFields bounds a plan. A query that has more, because fragments stand in it many times,
	// is as slow by a plan as without.
	maxFields = 5_000
	// maxPlans bounds the operations that are remembered, and maxVariants the plans of each, by
	// the values of the variables in its @skip and @include.
	maxPlans    = 1_000
	maxVariants = 16
)

// plans are remembered by operation. The server remembers documents by their text, so that an
// operation is the same as long as it is asked.
type plans struct {
	mu sync.RWMutex
	by map[*ast.OperationDefinition]*variants
}

type variants struct {
	conditions []string // variables that decide what is selected

	mu sync.RWMutex
	by map[string]*Selection // nil where there is no plan
}

func newPlans() *plans { return &plans{by: map[*ast.OperationDefinition]*variants{}} }

// of returns the plan of an operation, nil where it has none.
func (p *plans) of(op *graphql.OperationContext, compile func(*graphql.OperationContext) *Selection) *Selection {
	p.mu.RLock()
	v := p.by[op.Operation]
	p.mu.RUnlock()
	if v == nil {
		v = &variants{conditions: conditions(op), by: map[string]*Selection{}}
		p.mu.Lock()
		if len(p.by) >= maxPlans {
			clear(p.by)
		}
		p.by[op.Operation] = v
		p.mu.Unlock()
	}
	key := v.key(op.Variables)
	v.mu.RLock()
	plan, ok := v.by[key]
	v.mu.RUnlock()
	if ok {
		return plan
	}
	plan = compile(op)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.by) < maxVariants {
		v.by[key] = plan
	}
	return plan
}

// key is the values of the conditions.
func (v *variants) key(variables map[string]any) string {
	if len(v.conditions) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range v.conditions {
		switch variables[name] {
		case true:
			b.WriteByte('t')
		default:
			b.WriteByte('f')
		}
	}
	return b.String()
}

// conditions lists the variables in the @skip and @include of an operation and of all fragments.
func conditions(op *graphql.OperationContext) []string {
	var names []string
	seen := map[string]bool{}
	directives := func(list ast.DirectiveList) {
		for _, d := range list {
			for _, a := range d.Arguments {
				if a.Value.Kind == ast.Variable && !seen[a.Value.Raw] {
					seen[a.Value.Raw] = true
					names = append(names, a.Value.Raw)
				}
			}
		}
	}
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				directives(s.Directives)
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				directives(s.Directives)
				walk(s.SelectionSet)
			case *ast.FragmentSpread:
				directives(s.Directives)
			}
		}
	}
	walk(op.Operation.SelectionSet)
	for _, f := range op.Doc.Fragments {
		walk(f.SelectionSet)
	}
	return names
}

// compile makes the plan of a query, nil where there can be none.
func (s *Schema) compile(op *graphql.OperationContext) *Selection {
	c := &compiler{schema: s, op: op}
	root, err := c.selection("Query", op.Operation.SelectionSet)
	if err != nil {
		return nil
	}
	return root
}

type compiler struct {
	schema *Schema
	op     *graphql.OperationContext
	fields int
}

func (c *compiler) selection(object string, set ast.SelectionSet) (*Selection, error) {
	known := c.schema.objects[object]
	if known == nil {
		return nil, errUnsupported
	}
	collected := graphql.CollectFields(c.op, set, c.schema.satisfies[object])
	s := &Selection{fields: make([]*Field, 0, len(collected))}
	for _, field := range collected {
		if c.fields++; c.fields > maxFields || len(field.Deferrables) > 0 {
			return nil, errUnsupported
		}
		f := &Field{CollectedField: field, key: append(text(nil, field.Alias), ':'), object: object}
		if field.Name == "__typename" {
			f.resolve = typename
		} else if f.resolve = known[field.Name]; f.resolve == nil {
			return nil, errUnsupported
		} else if err := c.value(f); err != nil {
			return nil, err
		}
		s.fields = append(s.fields, f)
	}
	return s, nil
}

// value compiles what is asked of a field's value.
func (c *compiler) value(f *Field) (err error) {
	schema := c.schema.Schema()
	def := schema.Types[f.Definition.Type.Name()]
	switch def.Kind {
	case ast.Object:
		f.of, err = c.selection(def.Name, f.Selections)
	case ast.Interface, ast.Union:
		f.on = map[string]*Selection{}
		for _, possible := range schema.GetPossibleTypes(def) {
			if f.on[possible.Name], err = c.selection(possible.Name, f.Selections); err != nil {
				return err
			}
		}
	}
	return err
}
