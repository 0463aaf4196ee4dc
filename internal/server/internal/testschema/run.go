package testschema

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// run is one execution. It resolves fields by reflection: of a value's resolver, method or
// struct field of the same name, introspection types included.
type run struct {
	ctx    context.Context
	op     *graphql.OperationContext
	schema *ast.Schema
}

// object returns the selected fields of a value, as something that marshals to JSON.
func (r *run) object(typeName string, v any, set ast.SelectionSet, path ast.Path) map[string]any {
	out := map[string]any{}
	for _, f := range graphql.CollectFields(r.op, set, []string{typeName}) {
		out[f.Alias] = r.field(typeName, v, f, append(path[:len(path):len(path)], ast.PathName(f.Alias)))
	}
	return out
}

func (r *run) field(typeName string, v any, f graphql.CollectedField, path ast.Path) (out any) {
	defer func() {
		if p := recover(); p != nil {
			r.fail(r.op.RecoverFunc(r.ctx, p), path)
			out = nil
		}
	}()
	args := f.ArgumentMap(r.op.Variables)
	switch f.Name {
	case "__typename":
		return typeName
	case "__schema":
		return r.complete(reflect.ValueOf(introspection.WrapSchema(r.schema)), f, path)
	case "__type":
		def := r.schema.Types[fmt.Sprint(args["name"])]
		if def == nil {
			return nil
		}
		return r.complete(reflect.ValueOf(introspection.WrapTypeFromDef(r.schema, def)), f, path)
	}
	if res, ok := v.(resolver); ok {
		value, err := res.resolve(r.ctx, f.Name, args)
		if err != nil {
			r.fail(err, path)
			return nil
		}
		return r.complete(reflect.ValueOf(value), f, path)
	}
	return r.complete(member(reflect.ValueOf(v), f.Name, args), f, path)
}

func (r *run) fail(err error, path ast.Path) {
	if e, ok := err.(*gqlerror.Error); ok && e.Path == nil {
		e.Path = path
	}
	graphql.AddError(r.ctx, err)
}

// complete turns a Go value into what the field's type makes of it.
func (r *run) complete(v reflect.Value, f graphql.CollectedField, path ast.Path) any {
	switch {
	case !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil():
		return nil
	case v.Kind() == reflect.Slice:
		list := make([]any, v.Len())
		for i := range v.Len() {
			list[i] = r.complete(v.Index(i), f, append(path[:len(path):len(path)], ast.PathIndex(i)))
		}
		return list
	case len(f.Selections) == 0:
		return reflect.Indirect(v).Interface()
	}
	if v.Kind() != reflect.Pointer && v.CanAddr() {
		v = v.Addr()
	}
	return r.object(f.Definition.Type.Name(), v.Interface(), f.Selections, path)
}

// member finds the method or struct field that answers a GraphQL field.
func member(v reflect.Value, field string, args map[string]any) reflect.Value {
	name := strings.ToUpper(field[:1]) + field[1:]
	for _, candidate := range []string{"Visible" + name, name} {
		m := v.MethodByName(candidate)
		if !m.IsValid() {
			continue
		}
		var in []reflect.Value
		if m.Type().NumIn() == 1 {
			deprecated, _ := args["includeDeprecated"].(bool)
			in = append(in, reflect.ValueOf(deprecated))
		}
		return m.Call(in)[0]
	}
	return reflect.Indirect(v).FieldByNameFunc(func(n string) bool { return strings.EqualFold(n, name) })
}
