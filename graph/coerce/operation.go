package coerce

import (
	"encoding/json"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Operation checks the values that stand in an operation: the arguments of its fields and
// directives, in the fragments it spreads too, and the defaults of its variables. The operation
// is one of a document that is valid for the schema; vars are its coerced variables with their
// defaults, and an absent one is absent.
func (c *Coercer) Operation(op *ast.OperationDefinition, vars map[string]any) gqlerror.List {
	w := &walk{run: run{Coercer: c, vars: vars}, seen: map[*ast.FragmentDefinition]bool{}}
	for _, def := range op.VariableDefinitions {
		if def.DefaultValue != nil {
			w.place = &place{argument: def.Variable, position: def.DefaultValue.Position}
			w.literal(def.Type, def.DefaultValue)
		}
		w.directives(def.Directives)
	}
	w.directives(op.Directives)
	w.selections(op.SelectionSet)
	return w.errs
}

// walk goes through an operation, through each fragment once.
type walk struct {
	run
	seen map[*ast.FragmentDefinition]bool
}

func (w *walk) selections(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if s.Definition != nil {
				w.arguments(s.Name, s.Definition.Arguments, s.Arguments)
			}
			w.directives(s.Directives)
			w.selections(s.SelectionSet)
		case *ast.InlineFragment:
			w.directives(s.Directives)
			w.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			w.directives(s.Directives)
			if f := s.Definition; f != nil && !w.seen[f] {
				w.seen[f] = true
				w.directives(f.Directives)
				w.selections(f.SelectionSet)
			}
		}
	}
}

func (w *walk) directives(list ast.DirectiveList) {
	for _, d := range list {
		if d.Definition != nil {
			w.arguments("@"+d.Name, d.Definition.Arguments, d.Arguments)
		}
	}
}

func (w *walk) arguments(of string, defs ast.ArgumentDefinitionList, args ast.ArgumentList) {
	for _, arg := range args {
		def := defs.ForName(arg.Name)
		if def == nil {
			continue
		}
		w.place = &place{argument: arg.Name, of: of, position: arg.Value.Position}
		switch {
		case !w.absent(arg.Value):
			w.literal(def.Type, arg.Value)
		case def.Type.NonNull && def.DefaultValue == nil:
			w.refuse("a value of type %s is required, and variable $%s has none", def.Type, arg.Value.Raw)
		}
	}
}

// literal checks a value of the operation against the type of its place.
func (r *run) literal(t *ast.Type, v *ast.Value) {
	r.place.position = v.Position
	if v.Kind == ast.Variable {
		r.variable(t, v)
		return
	}
	if v.Kind == ast.NullValue {
		if t.NonNull {
			r.refuse("a value of type %s is required, got null", t)
		}
		return
	}
	if t.Elem != nil {
		r.literalList(t.Elem, v)
		return
	}
	switch def := r.schema.Types[t.NamedType]; def.Kind {
	case ast.InputObject:
		r.literalObject(def, v)
	case ast.Enum:
		if v.Kind != ast.EnumValue || def.EnumValues.ForName(v.Raw) == nil {
			r.refuse("expected %s, one of %s", def.Name, valueNames(def))
		}
	default:
		r.literalScalar(def, v)
	}
}

// variable checks a variable where it is used. Its type fits, so the validator says; what is
// left is a null, or no value at all, where the place or the variable has a default.
func (r *run) variable(t *ast.Type, v *ast.Value) {
	if t.NonNull && r.vars[v.Raw] == nil {
		r.refuse("a value of type %s is required, and variable $%s is null", t, v.Raw)
	}
}

func (r *run) literalList(elem *ast.Type, v *ast.Value) {
	if v.Kind != ast.ListValue {
		r.literal(elem, v)
		return
	}
	for i, item := range v.Children {
		r.at(i, func() { r.literal(elem, item.Value) })
	}
}

func (r *run) literalObject(def *ast.Definition, v *ast.Value) {
	if v.Kind != ast.ObjectValue {
		r.refuse("expected %s, an object", def.Name)
		return
	}
	given := make(map[string]any, len(v.Children))
	for _, child := range v.Children {
		field := def.Fields.ForName(child.Name)
		switch {
		case field == nil:
			r.at(child.Name, func() { r.refuse("%s has no such field; it has %s", def.Name, fieldNames(def)) })
		case r.absent(child.Value):
			// As if the field were not there.
		default:
			r.at(child.Name, func() { r.literal(field.Type, child.Value) })
			given[child.Name] = r.known(child.Value)
		}
	}
	r.place.position = v.Position
	for _, field := range def.Fields {
		if v.Children.ForName(field.Name) == nil || r.absent(v.Children.ForName(field.Name)) {
			if field.Type.NonNull && field.DefaultValue == nil {
				r.at(field.Name, func() { r.refuse("a value of type %s is required", field.Type) })
			}
		}
	}
	r.oneOf(def, given)
}

func (r *run) literalScalar(def *ast.Definition, v *ast.Value) {
	switch v.Kind {
	case ast.IntValue, ast.FloatValue:
		r.scalar(def, json.Number(v.Raw))
	case ast.StringValue, ast.BlockValue:
		r.scalar(def, v.Raw)
	case ast.BooleanValue:
		r.scalar(def, v.Raw == "true")
	case ast.ListValue:
		r.scalar(def, []any{})
	case ast.ObjectValue:
		r.scalar(def, map[string]any{})
	default:
		r.refuse("expected %s, got a name without quotes", def.Name)
	}
}

// absent tells a variable without a value: the specification treats its place as empty.
func (r *run) absent(v *ast.Value) bool {
	if v.Kind != ast.Variable {
		return false
	}
	_, ok := r.vars[v.Raw]
	return !ok
}

// known is nil for a null and something else for every other value.
func (r *run) known(v *ast.Value) any {
	switch v.Kind {
	case ast.NullValue:
		return nil
	case ast.Variable:
		return r.vars[v.Raw]
	default:
		return v
	}
}
