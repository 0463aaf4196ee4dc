package coerce_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/licensegraph/licensegraph/graph/coerce"
)

// FuzzVariables holds that no variables make coercion panic, that what it accepts the executor
// accepts too, and that coercing twice is coercing once.
func FuzzVariables(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"input": null}`, `{"input": {"ids": ["a", 1, 1.5]}}`,
		`{"input": {"ids": "a", "matrix": [[1], 2, null], "colour": "RED", "since": "2026-11-25T09:30:00Z"}}`,
		`{"input": {"ids": [], "add": [{"id": 1e3, "choice": {"only": 3}}, {"id": "x", "choice": {"all": null}}]}}`,
	} {
		f.Add(seed)
	}
	e := newEcho(f)
	c, err := coerce.New(e.schema)
	if err != nil {
		f.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(e.schema, `mutation ($input: Change!) { change(input: $input) }`, nil)
	if len(errs) > 0 {
		f.Fatal(errs)
	}
	op := doc.Operations[0]
	f.Fuzz(func(t *testing.T, text string) {
		var given map[string]any
		if json.Unmarshal([]byte(text), &given) != nil {
			return
		}
		given = object(t, text)
		vars, errs := c.Variables(op, given)
		if len(errs) > 0 {
			return
		}
		again, errs := c.Variables(op, vars)
		if len(errs) > 0 {
			t.Fatalf("%s is accepted, and its result refused: %v", text, errs)
		}
		once, _ := json.Marshal(vars)
		twice, _ := json.Marshal(again)
		if string(once) != string(twice) {
			t.Errorf("%s becomes %s, then %s", text, once, twice)
		}
		if _, err := validator.VariableValues(e.schema, op, vars); err != nil {
			t.Errorf("%s is accepted, and the executor refuses it: %v", text, err)
		}
	})
}

// FuzzOperation holds that an operation that is let through can have its arguments and
// directives evaluated: the executor panics on those that cannot.
func FuzzOperation(f *testing.F) {
	for _, seed := range [][2]string{
		{`query ($v: Int = 4) { int(v: $v) self { ...F } } fragment F on Query { at(v: "x") }`, `{"v": null}`},
		{`query ($b: Boolean = true) { int @include(if: $b) @skip(if: false) }`, `{"b": null}`},
		{`mutation ($d: Boolean) { change(input: {ids: [1], dry: $d, matrix: [1, [2]], colour: RED}) }`, `{}`},
		{`query ($a: Boolean!) { item(v: {id: 99999999999999999999, choice: {all: $a}}) }`, `{"a": true}`},
		{`{ float(v: 1e999) id(v: {}) ids(v: ["a", 1]) colour(v: RED) bool(v: true) string(v: """x""") }`, `{}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, query, variables string) {
		var given map[string]any
		if json.Unmarshal([]byte(variables), &given) != nil || len(query) > 2000 {
			return
		}
		e := newEcho(t)
		exec := executor.New(e)
		exec.SetParserTokenLimit(500)
		exec.Use(&coerce.Extension{TokenLimit: 500, Documents: graphql.NoCache[*ast.QueryDocument]{}})
		ctx := graphql.StartOperationTrace(context.Background())
		op, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: object(t, variables)})
		if len(errs) > 0 {
			return
		}
		handler, ctx := exec.DispatchOperation(ctx, op)
		handler(ctx)
	})
}
