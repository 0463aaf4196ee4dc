// Package compiled runs queries by a plan that is made once per query: for each selection the
// fields with what resolves and writes them, one after the other, straight into the answer.
// gqlgen's own execution allocates several objects for each field of each object and starts a
// goroutine for each element of a list, which for a page of a hundred users costs more than
// reading them (ADR 0020).
//
// What resolves a field is the same code: it is generated from the same binding, beside gqlgen's
// (internal/tools/generateapi). A plan knows success alone. Whatever does not succeed — a field's
// error, a null where there must be none, a panic, the end of the context — and whatever it has
// no plan for — introspection, @defer, mutations — is run by gqlgen from the start, so that there
// is one place that says how errors look. A query may be run twice because it changes nothing.
//
// Interceptors of single fields (graphql.FieldInterceptor) are not called.
package compiled

import (
	"context"
	"errors"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Resolve resolves one field of an object and writes its value.
type Resolve func(ctx context.Context, r *Run, f *Field, object any) error

// Objects are the fields of all object types: by type, then by field.
type Objects map[string]map[string]Resolve

// Errors by which a plan gives up. They are never shown.
var (
	errNull        = errors.New("compiled: null where there must be a value")
	errUnexpected  = errors.New("compiled: a value of an unexpected type")
	errUnsupported = errors.New("compiled: no plan for this")
	errReported    = errors.New("compiled: an error was reported beside the value")
	errRange       = errors.New("compiled: a number beyond the 32 bits of an Int")
)

// Schema is an executable schema that runs by plans what it can.
type Schema struct {
	graphql.ExecutableSchema
	objects   Objects
	satisfies map[string][]string // by object type: what a fragment may be on
	plans     *plans
}

// New returns a schema that runs queries by plans over the fields of objects, and everything
// else by the schema given.
func New(schema graphql.ExecutableSchema, objects Objects) *Schema {
	s := &Schema{ExecutableSchema: schema, objects: objects, satisfies: map[string][]string{}, plans: newPlans()}
	for name := range objects {
		s.satisfies[name] = []string{name}
		for _, abstract := range schema.Schema().GetImplements(schema.Schema().Types[name]) {
			s.satisfies[name] = append(s.satisfies[name], abstract.Name)
		}
	}
	return s
}

// Exec runs an operation.
func (s *Schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation != ast.Query {
		return s.ExecutableSchema.Exec(ctx)
	}
	root := s.plans.of(op, s.compile)
	if root == nil {
		return s.ExecutableSchema.Exec(ctx)
	}
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		data, err := root.run(ctx, op)
		if err != nil {
			return s.ExecutableSchema.Exec(ctx)(ctx)
		}
		return &graphql.Response{Data: data}
	}
}

// Unplanned lists the fields that no plan can have, such as Query.__schema.
func (s *Schema) Unplanned() []string {
	var missing []string
	for name := range s.objects {
		for _, f := range s.Schema().Types[name].Fields {
			of := s.Schema().Types[f.Type.Name()]
			if s.objects[name][f.Name] == nil || of.Kind == ast.Object && s.objects[of.Name] == nil {
				missing = append(missing, name+"."+f.Name)
			}
		}
	}
	slices.Sort(missing)
	return missing
}
