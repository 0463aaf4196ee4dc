// Package testschema is an executable schema for tests of the transport: small, without
// generated code, and driven through gqlgen's executor like a generated one.
package testschema

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

//go:embed schema.graphql
var source string

// Schema implements graphql.ExecutableSchema.
type Schema struct {
	schema *ast.Schema
	count  atomic.Int64
}

// New returns the schema with its counter at zero.
func New() (*Schema, error) {
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: source})
	if err != nil {
		return nil, err
	}
	return &Schema{schema: s}, nil
}

// Count is how often the mutation bump has run.
func (s *Schema) Count() int64 { return s.count.Load() }

// Schema returns the parsed schema.
func (s *Schema) Schema() *ast.Schema { return s.schema }

// Complexity is unknown.
func (s *Schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec runs the operation in the context. Like generated code it does nothing before the
// handler that it returns is called.
func (s *Schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	root := map[ast.Operation]any{ast.Query: query{}, ast.Mutation: mutation{&s.count}}[op.Operation.Operation]
	name := map[ast.Operation]string{ast.Query: "Query", ast.Mutation: "Mutation"}[op.Operation.Operation]
	return func(ctx context.Context) *graphql.Response {
		run := run{ctx: ctx, op: op, schema: s.schema}
		data, err := json.Marshal(run.object(name, root, op.Operation.SelectionSet, nil))
		if err != nil {
			return graphql.ErrorResponse(ctx, "%v", err)
		}
		return &graphql.Response{Data: data}
	}
}

// resolver is a type whose fields need the context or can fail.
type resolver interface {
	resolve(ctx context.Context, field string, args map[string]any) (any, error)
}

type query struct{}

func (query) resolve(ctx context.Context, field string, args map[string]any) (any, error) {
	switch field {
	case "echo", "need":
		text, err := json.Marshal(args)
		return string(text), err
	case "things":
		return []Thing{
			{ID: "1", Name: "first", Inner: &Thing{ID: "3", Name: "third"}},
			{ID: "2", Name: "<second> & last"},
		}, nil
	case "refused":
		return nil, &gqlerror.Error{Message: "refused by rule", Extensions: map[string]any{"code": "FORBIDDEN"}}
	case "leaky":
		return nil, errors.New("password=hunter2")
	case "panics":
		panic("the resolver panicked")
	case "waits":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("no field %s", field)
}

type mutation struct{ count *atomic.Int64 }

func (m mutation) resolve(context.Context, string, map[string]any) (any, error) {
	return m.count.Add(1), nil
}

// Thing is a plain value.
type Thing struct {
	ID    string
	Name  string
	Inner *Thing
}
