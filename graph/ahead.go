package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/licensegraph/licensegraph/graph/scalar"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// ahead looks at what is asked of a mutation's answer before the mutation runs: sizes of pages
// and cursors that would be refused are refused while nothing is changed yet, and the list of
// the impact's changes is asked for.
type ahead struct {
	op      *graphql.OperationContext
	schema  *ast.Schema
	listed  bool   // impact.changes is asked for
	from    string // the cursor after which
	refused error
}

// lookAhead returns which of the impact's changes the field's answer will show.
//
// Errors: BAD_USER_INPUT.
func lookAhead(ctx context.Context, schema *ast.Schema, root graphql.CollectedField) (licensing.ChangeList, error) {
	a := &ahead{op: graphql.GetOperationContext(ctx), schema: schema}
	a.selections(ctx, schema.Types[root.Definition.Type.Name()], root.Selections)
	return licensing.ChangeList{Skip: !a.listed, After: a.from}, a.refused
}

func (a *ahead) selections(ctx context.Context, of *ast.Definition, set ast.SelectionSet) {
	if of == nil || len(set) == 0 {
		return
	}
	satisfies := slices.Clone(of.Interfaces)
	for _, possible := range a.schema.GetPossibleTypes(of) {
		satisfies = append(satisfies, possible.Name)
	}
	for _, f := range graphql.CollectFields(a.op, set, append(satisfies, of.Name)) {
		if f.Definition == nil || a.refused != nil {
			continue
		}
		args := f.ArgumentMap(a.op.Variables)
		if f.Definition.Arguments.ForName("first") != nil {
			a.refused = sizes(args).Validate()
		}
		if f.ObjectDefinition != nil && f.ObjectDefinition.Name == "LicenseImpact" && f.Name == "changes" && a.refused == nil {
			a.changes(ctx, args)
		}
		a.selections(ctx, a.schema.Types[f.Definition.Type.Name()], f.Selections)
	}
}

// changes takes note of a list of changes. One change is listed from one place only.
func (a *ahead) changes(ctx context.Context, args map[string]any) {
	from, _ := args["after"].(string)
	if _, err := (&licensing.Impact{}).Changes(ctx, 0, from); err != nil {
		a.refused = err
		return
	}
	if a.listed && from != a.from {
		a.refused = fault.New(fault.BadUserInput, "The changes of one mutation can be listed after one cursor only.").
			Fix("Try the mutation out once per page, with dryRun: true.").At("after")
	}
	a.listed, a.from = true, from
}

func sizes(args map[string]any) paging.Args {
	return paging.Args{First: integer(args["first"]), Last: integer(args["last"])}
}

// integer reads the value of an Int that was checked before (graph/coerce).
func integer(v any) *int {
	if v == nil {
		return nil
	}
	n, err := scalar.Int(v)
	if err != nil {
		return nil
	}
	i := int(n)
	return &i
}
