// Package coerce applies the GraphQL specification's input coercion to a whole operation before
// it runs: to the variables ([Coercer.Variables]) and to the values that stand in the operation
// itself ([Coercer.Operation]). What is wrong is refused as a request error with the code
// BAD_USER_INPUT and a path such as $input.add[0].plans, and nothing is executed.
//
// It is needed because the executor is looser with variables than with literals: it takes a
// string for an Int, a number for a String, a fraction for an ID, enum values in any letter case
// and any number of fields in a @oneOf input. And it finds some faults only while it executes,
// when other parts of the operation have already run: an Int of more than 32 bits, a malformed
// value of a custom scalar, a null that a variable brings where a default would have stood.
package coerce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/graph/scalar"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// Coercer coerces values for one schema. It can be used by many requests at once.
type Coercer struct {
	schema  *ast.Schema
	scalars map[string]func(any) (any, error)
}

// New returns a coercer. It fails for a schema with a scalar that is not among those of the
// package scalar: one that nobody checks would be a hole.
func New(schema *ast.Schema) (*Coercer, error) {
	scalars := map[string]func(any) (any, error){
		"Int":     func(v any) (any, error) { i, err := scalar.Int(v); return int64(i), err },
		"Float":   func(v any) (any, error) { return scalar.Float(v) },
		"String":  func(v any) (any, error) { return scalar.String(v) },
		"Boolean": func(v any) (any, error) { return scalar.Boolean(v) },
		"ID":      func(v any) (any, error) { return scalar.ID(v) },
		// A DateTime stays the text that it is: the executor reads it once more.
		"DateTime":   func(v any) (any, error) { _, err := scalar.DateTime(v); return v, err },
		"JSONObject": func(v any) (any, error) { return scalar.JSONObject(v) },
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
		if schema.Types[name].Kind == ast.Scalar && scalars[name] == nil {
			return nil, fmt.Errorf("nothing coerces the scalar %s", name)
		}
	}
	return &Coercer{schema: schema, scalars: scalars}, nil
}

// Variables coerces the variables given for an operation. The result is new: lists where lists
// are due, int64 for Int, float64 for Float, string for ID and DateTime. A variable that is not given is not
// in the result, its default is for the executor; one that the operation does not declare is
// left out. The operation's variables must be of input types that the schema has.
func (c *Coercer) Variables(op *ast.OperationDefinition, given map[string]any) (map[string]any, gqlerror.List) {
	vars := make(map[string]any, len(op.VariableDefinitions))
	r := &run{Coercer: c}
	for _, def := range op.VariableDefinitions {
		r.place = &place{variable: def.Variable, position: def.Position}
		v, ok := given[def.Variable]
		switch {
		case ok:
			vars[def.Variable] = r.value(def.Type, v)
		case def.DefaultValue == nil && def.Type.NonNull:
			r.refuse("a value of type %s is required", def.Type)
		}
	}
	return vars, r.errs
}

// run is one pass over the values of one request.
type run struct {
	*Coercer
	place *place
	vars  map[string]any // for values that stand in the operation
	errs  gqlerror.List
}

func (r *run) value(t *ast.Type, v any) any {
	if v == nil {
		if t.NonNull {
			r.refuse("a value of type %s is required, got null", t)
		}
		return nil
	}
	if t.Elem != nil {
		return r.list(t.Elem, v)
	}
	def := r.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.InputObject:
		return r.object(def, v)
	case ast.Enum:
		return r.enum(def, v)
	default:
		return r.scalar(def, v)
	}
}

func (r *run) list(elem *ast.Type, v any) any {
	items, ok := v.([]any)
	if !ok {
		return []any{r.value(elem, v)} // a single value is a list of one
	}
	out := make([]any, len(items))
	for i, item := range items {
		r.at(i, func() { out[i] = r.value(elem, item) })
	}
	return out
}

func (r *run) object(def *ast.Definition, v any) any {
	given, ok := v.(map[string]any)
	if !ok {
		r.refuse("expected %s, an object, got %s", def.Name, scalar.Describe(v))
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if def.Fields.ForName(name) == nil {
			r.at(name, func() { r.refuse("%s has no such field; it has %s", def.Name, fieldNames(def)) })
		}
	}
	out := make(map[string]any, len(given))
	for _, field := range def.Fields {
		v, ok := given[field.Name]
		switch {
		case ok:
			r.at(field.Name, func() { out[field.Name] = r.value(field.Type, v) })
		case field.Type.NonNull && field.DefaultValue == nil:
			r.at(field.Name, func() { r.refuse("a value of type %s is required", field.Type) })
		}
	}
	r.oneOf(def, given)
	return out
}

// oneOf checks the given fields of a @oneOf input: exactly one, and not null.
func (r *run) oneOf(def *ast.Definition, given map[string]any) {
	if def.Directives.ForName("oneOf") == nil {
		return
	}
	if len(given) != 1 {
		r.refuse("%s needs exactly one of its fields (%s), got %d", def.Name, fieldNames(def), len(given))
		return
	}
	for name, v := range given {
		if v == nil {
			r.at(name, func() { r.refuse("the one field given for %s cannot be null", def.Name) })
		}
	}
}

func (r *run) enum(def *ast.Definition, v any) any {
	s, ok := v.(string)
	switch {
	case !ok:
		r.refuse("expected %s, got %s", def.Name, scalar.Describe(v))
	case def.EnumValues.ForName(s) == nil:
		r.refuse("expected %s, one of %s in exactly these letters, got another string", def.Name, valueNames(def))
	default:
		return s
	}
	return nil
}

func (r *run) scalar(def *ast.Definition, v any) any {
	out, err := r.scalars[def.Name](v)
	if err != nil {
		r.refuse("%s", phrase(err))
		return nil
	}
	return out
}

// phrase is what a scalar says about a value.
func phrase(err error) locale.Text {
	var text locale.Text
	if errors.As(err, &text) {
		return text
	}
	return locale.T("%s", err)
}

func fieldNames(def *ast.Definition) string {
	names := make([]string, len(def.Fields))
	for i, f := range def.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func valueNames(def *ast.Definition) string {
	names := make([]string, len(def.EnumValues))
	for i, v := range def.EnumValues {
		names[i] = v.Name
	}
	return strings.Join(names, ", ")
}
