package server

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// coerceVariables applies the specification's input coercion to the variables of an operation.
// The executor's own coercion is looser: it takes a string for an Int, a number for a String, a
// fraction for an ID, enum values in any letter case, and any number of fields in a one-of
// input. The result is new; numbers that are not ids keep their text (json.Number).
func coerceVariables(
	schema *ast.Schema, op *ast.OperationDefinition, given map[string]any,
) (map[string]any, gqlerror.List) {
	c := coercer{schema: schema}
	vars := make(map[string]any, len(op.VariableDefinitions))
	for _, def := range op.VariableDefinitions {
		c.path = []any{def.Variable}
		v, ok := given[def.Variable]
		switch {
		case ok:
			vars[def.Variable] = c.value(def.Type, v)
		case def.DefaultValue == nil && def.Type.NonNull:
			c.refuse("a value of type %s is required", def.Type)
		}
	}
	return vars, c.errs
}

// coercer is at path, a variable's name followed by fields and indices.
type coercer struct {
	schema *ast.Schema
	path   []any
	errs   gqlerror.List
}

func (c *coercer) value(t *ast.Type, v any) any {
	if v == nil {
		if t.NonNull {
			c.refuse("null is not allowed, a value of type %s is required", t)
		}
		return nil
	}
	if t.Elem != nil {
		return c.list(t.Elem, v)
	}
	def := c.schema.Types[t.NamedType]
	switch def.Kind {
	case ast.InputObject:
		return c.object(def, v)
	case ast.Enum:
		return c.enum(def, v)
	default:
		return c.scalar(def, v)
	}
}

func (c *coercer) list(elem *ast.Type, v any) any {
	items, ok := v.([]any)
	if !ok {
		return []any{c.value(elem, v)} // a single value is a list of one
	}
	out := make([]any, len(items))
	for i, item := range items {
		c.in(i, func() { out[i] = c.value(elem, item) })
	}
	return out
}

func (c *coercer) object(def *ast.Definition, v any) any {
	given, ok := v.(map[string]any)
	if !ok {
		c.refuse("%s is an input object, not %s", def.Name, kindOf(v))
		return nil
	}
	for name := range given {
		if def.Fields.ForName(name) == nil {
			c.in(name, func() { c.refuse("%s has no such field", def.Name) })
		}
	}
	out := make(map[string]any, len(given))
	for _, field := range def.Fields {
		v, ok := given[field.Name]
		switch {
		case ok:
			c.in(field.Name, func() { out[field.Name] = c.value(field.Type, v) })
		case field.Type.NonNull && field.DefaultValue == nil:
			c.in(field.Name, func() { c.refuse("a value of type %s is required", field.Type) })
		}
	}
	if def.Directives.ForName("oneOf") != nil {
		c.oneOf(def, given)
	}
	return out
}

func (c *coercer) oneOf(def *ast.Definition, given map[string]any) {
	if len(given) != 1 {
		c.refuse("%s needs exactly one of its fields (%s), not %d", def.Name, fieldNames(def), len(given))
		return
	}
	for name, v := range given {
		if v == nil && def.Fields.ForName(name) != nil {
			c.in(name, func() { c.refuse("null is not allowed in %s", def.Name) })
		}
	}
}

func (c *coercer) enum(def *ast.Definition, v any) any {
	if s, ok := v.(string); ok && def.EnumValues.ForName(s) != nil {
		return s
	}
	names := make([]string, len(def.EnumValues))
	for i, value := range def.EnumValues {
		names[i] = value.Name
	}
	c.refuse("%s is one of %s, in exactly these letters", def.Name, strings.Join(names, ", "))
	return nil
}

func (c *coercer) scalar(def *ast.Definition, v any) any {
	switch def.Name {
	case "Int":
		return c.int(v)
	case "Float":
		if n, ok := v.(json.Number); ok {
			if _, err := n.Float64(); err != nil {
				c.refuse("the number is beyond the range of a Float")
			}
			return n
		}
	case "String":
		if s, ok := v.(string); ok {
			return s
		}
	case "Boolean":
		if b, ok := v.(bool); ok {
			return b
		}
	case "ID":
		if s, ok := v.(string); ok {
			return s
		}
		if n, ok := v.(json.Number); ok {
			if !integer.MatchString(n.String()) {
				c.refuse("an ID is a string or an integer, not a fraction")
			}
			return n.String()
		}
	default:
		return v // a scalar of the schema's own checks its values itself
	}
	c.refuse("%s cannot be %s", def.Name, kindOf(v))
	return nil
}

// int takes every number without a fraction, whatever its spelling (1, 1.0, 1e3), because JSON
// knows but one kind of number and some languages write all of them with a point.
func (c *coercer) int(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		c.refuse("Int cannot be %s", kindOf(v))
		return nil
	}
	if i, err := strconv.ParseInt(n.String(), 10, 32); err == nil {
		return json.Number(strconv.FormatInt(i, 10))
	}
	f, err := n.Float64()
	switch {
	case err != nil || f < math.MinInt32 || f > math.MaxInt32:
		c.refuse("an Int lies between -2147483648 and 2147483647")
	case f != math.Trunc(f):
		c.refuse("Int cannot be a fraction")
	default:
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	return nil
}

// in does something one step further along the path.
func (c *coercer) in(step any, do func()) {
	c.path = append(c.path, step)
	do()
	c.path = c.path[:len(c.path)-1]
}

func (c *coercer) refuse(format string, args ...any) {
	if len(c.errs) == maxErrors {
		return
	}
	c.errs = append(c.errs, variableError(c.path, fmt.Sprintf(format, args...)))
}

// variableError names the place in the variables twice: in the message for people, in the path
// for programs.
func variableError(path []any, what string) *gqlerror.Error {
	e := badInput("variable $" + pathText(path) + ": " + what)
	e.Path = append(e.Path, ast.PathName("variable"))
	for _, step := range path {
		switch s := step.(type) {
		case int:
			e.Path = append(e.Path, ast.PathIndex(s))
		case string:
			e.Path = append(e.Path, ast.PathName(printableName(s)))
		}
	}
	return e
}

func pathText(path []any) string {
	var b strings.Builder
	for i, step := range path {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case string:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(printableName(s))
		}
	}
	return b.String()
}

var (
	integer     = regexp.MustCompile(`^-?[0-9]+$`)
	graphqlName = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]{0,99}$`)
)

// printableName is the name of a field or variable, or a question mark for a text that could
// not be one: it came from outside.
func printableName(s string) string {
	if graphqlName.MatchString(s) {
		return s
	}
	return "?"
}

func fieldNames(def *ast.Definition) string {
	names := make([]string, len(def.Fields))
	for i, f := range def.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
