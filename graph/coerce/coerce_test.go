package coerce_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/graph/coerce"
)

const sdl = `
scalar DateTime
enum Colour { RED GREEN }
input Choice @oneOf { all: Boolean except: [ID!] only: [ID!] }
input Item { id: ID! choice: Choice nested: Boolean }
input Change {
  ids: [ID!]! add: [Item!] count: Int ratio: Float name: String colour: Colour since: DateTime
  matrix: [[Int!]!] dry: Boolean! = false note: String = "none"
}
type Query {
  int(v: Int): Int  required(v: Int!): Int  defaulted(v: Int! = 3): Int
  float(v: Float): Int  string(v: String): Int  bool(v: Boolean): Int  id(v: ID): Int  ids(v: [ID!]): Int
  colour(v: Colour): Int  at(v: DateTime): Int  item(v: Item): Int  choice(v: Choice): Int  self: Query
}
type Mutation { change(input: Change!): Int }
`

// echo is an executable schema that evaluates the arguments and directives of what it is given
// to execute, and remembers those of the last field.
type echo struct {
	schema *ast.Schema
	args   map[string]any
}

func newEcho(t testing.TB) *echo {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	return &echo{schema: schema}
}

func (e *echo) Schema() *ast.Schema { return e.schema }

func (e *echo) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (e *echo) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	e.evaluate(op, op.Operation.SelectionSet)
	return graphql.OneShot(&graphql.Response{Data: []byte("{}")})
}

func (e *echo) evaluate(op *graphql.OperationContext, set ast.SelectionSet) {
	for _, f := range graphql.CollectFields(op, set, nil) {
		e.args = f.ArgumentMap(op.Variables)
		e.evaluate(op, f.Selections)
	}
}

// run sends a request through the executor and returns the request errors, or the arguments that
// the last field was executed with.
func run(t testing.TB, query, variables string) (map[string]any, gqlerror.List) {
	t.Helper()
	e := newEcho(t)
	exec := executor.New(e)
	exec.Use(&coerce.Extension{})
	return send(t, exec, e, query, variables)
}

func send(t testing.TB, exec *executor.Executor, e *echo, query, variables string) (map[string]any, gqlerror.List) {
	t.Helper()
	ctx := graphql.StartOperationTrace(context.Background())
	op, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: object(t, variables)})
	if len(errs) > 0 {
		return nil, errs
	}
	handler, ctx := exec.DispatchOperation(ctx, op)
	if resp := handler(ctx); len(resp.Errors) > 0 {
		t.Fatalf("%s with %s fails while it executes: %v", query, variables, resp.Errors)
	}
	return e.args, nil
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func code(errs gqlerror.List) any {
	if len(errs) == 0 {
		return nil
	}
	return errs[0].Extensions["code"]
}

func TestVariablesOfTheWrongKindAreRefusedWithTheirPath(t *testing.T) {
	const change = `mutation ($input: Change!) { change(input: $input) }`
	for _, c := range []struct{ name, query, variables, place, reason string }{
		{"a string as Int", `query ($v: Int) { int(v: $v) }`, `{"v": "7"}`, "$v", "got a string"},
		{"a fraction as Int", `query ($v: Int) { int(v: $v) }`, `{"v": 1.5}`, "$v", "got a fraction"},
		{"2^31", `query ($v: Int) { int(v: $v) }`, `{"v": 2147483648}`, "$v", "beyond"},
		{"a boolean as Int", `query ($v: Int) { int(v: $v) }`, `{"v": true}`, "$v", "got a boolean"},
		{"a string as Float", `query ($v: Float) { float(v: $v) }`, `{"v": "1.5"}`, "$v", "got a string"},
		{"a number as String", `query ($v: String) { string(v: $v) }`, `{"v": 7}`, "$v", "got a number"},
		{"NUL in a String", `query ($v: String) { string(v: $v) }`, `{"v": "a\u0000"}`, "$v", "NUL"},
		{"a string as Boolean", `query ($v: Boolean) { bool(v: $v) }`, `{"v": "true"}`, "$v", "got a string"},
		{"a number as Boolean", `query ($v: Boolean) { bool(v: $v) }`, `{"v": 1}`, "$v", "got a number"},
		{"a fraction as ID", `query ($v: ID) { id(v: $v) }`, `{"v": 1.5}`, "$v", "got a fraction"},
		{"a boolean as ID", `query ($v: ID) { id(v: $v) }`, `{"v": true}`, "$v", "got a boolean"},
		{"a list as ID", `query ($v: ID) { id(v: $v) }`, `{"v": ["a"]}`, "$v", "got a list"},
		{"an enum value in other letters", `query ($v: Colour) { colour(v: $v) }`, `{"v": "red"}`, "$v", "RED, GREEN"},
		{"an unknown enum value", `query ($v: Colour) { colour(v: $v) }`, `{"v": "BLUE"}`, "$v", "RED, GREEN"},
		{"a number as enum", `query ($v: Colour) { colour(v: $v) }`, `{"v": 0}`, "$v", "got a number"},
		{"a word as DateTime", `query ($v: DateTime) { at(v: $v) }`, `{"v": "today"}`, "$v", "RFC 3339"},
		{"a number as DateTime", `query ($v: DateTime) { at(v: $v) }`, `{"v": 1795599000}`, "$v", "got a number"},
		{"a missing variable", `query ($v: Int!) { required(v: $v) }`, ``, "$v", "required"},
		{"null for non-null", `query ($v: Int!) { required(v: $v) }`, `{"v": null}`, "$v", "got null"},
		{"a string as object", change, `{"input": "x"}`, "$input", "got a string"},
		{"a list as object", change, `{"input": [{"ids": []}]}`, "$input", "got a list"},
		{"an unknown field", change, `{"input": {"ids": [], "zap": 1}}`, "$input.zap", "no such field"},
		{"an unknown field that is no name", change, `{"input": {"ids": [], "<b>": 1}}`, "$input.?", "no such field"},
		{"__typename as a field", change, `{"input": {"ids": [], "__typename": "Change"}}`, "$input.__typename", "no such field"},
		{"a missing field", change, `{"input": {}}`, "$input.ids", "required"},
		{"null in a list", change, `{"input": {"ids": ["a", null]}}`, "$input.ids[1]", "got null"},
		{"null for a field with a default", change, `{"input": {"ids": [], "dry": null}}`, "$input.dry", "got null"},
		{"a string as Int within", change, `{"input": {"ids": [], "count": "1"}}`, "$input.count", "got a string"},
		{"a fraction as Int within lists", change, `{"input": {"ids": [], "matrix": [[1], [2, 2.5]]}}`, "$input.matrix[1][1]", "fraction"},
		{"a number as String within", change, `{"input": {"ids": [], "name": 1}}`, "$input.name", "got a number"},
		{"a fraction as ID within", change, `{"input": {"ids": [0.5]}}`, "$input.ids[0]", "got a fraction"},
		{"an enum value in other letters within", change, `{"input": {"ids": [], "colour": "Red"}}`, "$input.colour", "RED, GREEN"},
		{"a malformed DateTime within", change, `{"input": {"ids": [], "since": "2026-11-25"}}`, "$input.since", "RFC 3339"},
		{"@oneOf with no field", change, `{"input": {"ids": [], "add": [{"id": "p", "choice": {}}]}}`, "$input.add[0].choice", "exactly one of its fields (all, except, only), got 0"},
		{"@oneOf with two fields", change, `{"input": {"ids": [], "add": [{"id": "p", "choice": {"all": true, "only": []}}]}}`, "$input.add[0].choice", "exactly one"},
		{"@oneOf with two fields, one null", change, `{"input": {"ids": [], "add": [{"id": "p", "choice": {"all": true, "only": null}}]}}`, "$input.add[0].choice", "exactly one"},
		{"@oneOf with a null field", change, `{"input": {"ids": [], "add": [{"id": "p", "choice": {"all": null}}]}}`, "$input.add[0].choice.all", "cannot be null"},
		{"@oneOf as a variable of its own", `query ($v: Choice) { choice(v: $v) }`, `{"v": {}}`, "$v", "exactly one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args, errs := run(t, c.query, c.variables)
			if len(errs) == 0 {
				t.Fatalf("executed with %v", args)
			}
			e := errs[0]
			if !strings.HasPrefix(e.Message, "variable "+c.place+": ") || !strings.Contains(e.Message, c.reason) {
				t.Errorf("message %q, want it at %s with %q", e.Message, c.place, c.reason)
			}
			if code(errs) != "BAD_USER_INPUT" || len(e.Locations) != 1 || e.Path[0] != ast.PathName("variable") {
				t.Errorf("code %v, locations %v, path %v", code(errs), e.Locations, e.Path)
			}
		})
	}
}

func TestVariablesAreCoercedToTheirTypes(t *testing.T) {
	for _, c := range []struct{ query, variables, want string }{
		{`query ($v: Int) { int(v: $v) }`, `{"v": 2147483647}`, `{"v":2147483647}`},
		{`query ($v: Int) { int(v: $v) }`, `{"v": 3.0}`, `{"v":3}`},
		{`query ($v: Int) { int(v: $v) }`, `{"v": null}`, `{"v":null}`},
		{`query ($v: Int) { int(v: $v) }`, `{}`, `{}`},
		{`query ($v: Int = 4) { int(v: $v) }`, `{}`, `{"v":4}`},
		{`query ($v: Int) { defaulted(v: $v) }`, `{}`, `{"v":3}`},
		{`query ($v: Float) { float(v: $v) }`, `{"v": 3}`, `{"v":3}`},
		{`query ($v: ID) { id(v: $v) }`, `{"v": 7}`, `{"v":"7"}`},
		{`query ($v: [ID!]) { ids(v: $v) }`, `{"v": "a"}`, `{"v":["a"]}`},
		{`query ($v: [ID!]) { ids(v: $v) }`, `{"v": [7, "a"]}`, `{"v":["7","a"]}`},
		{`query ($v: Colour) { colour(v: $v) }`, `{"v": "RED"}`, `{"v":"RED"}`},
		{`query ($v: DateTime) { at(v: $v) }`, `{"v": "2026-11-25T09:30:00Z"}`, `{"v":"2026-11-25T09:30:00Z"}`},
		{`query ($v: Choice) { choice(v: $v) }`, `{"v": {"only": "x"}}`, `{"v":{"only":["x"]}}`},
		{`query ($v: Int) { int(v: $v) }`, `{"v": 1, "unused": "x"}`, `{"v":1}`},
		{`mutation ($input: Change!) { change(input: $input) }`, `{"input": {"ids": 1, "matrix": 5, "note": null}}`,
			`{"input":{"ids":["1"],"matrix":[[5]],"note":null}}`},
	} {
		args, errs := run(t, c.query, c.variables)
		if len(errs) > 0 {
			t.Errorf("%s with %s: %v", c.query, c.variables, errs)
			continue
		}
		got, err := json.Marshal(args)
		if err != nil || string(got) != c.want {
			t.Errorf("%s with %s executes with %s, %v; want %s", c.query, c.variables, got, err, c.want)
		}
	}
}

func TestValuesInTheOperationAreRefusedWhereTheSameVariableWouldBe(t *testing.T) {
	for _, c := range []struct{ name, query, variables, want string }{
		{"2^31", `{ int(v: 2147483648) }`, ``, "argument v of int: expected Int"},
		{"an object as Int", `{ int(v: {}) }`, ``, "argument v of int: expected Int"},
		{"an object as enum", `{ colour(v: {}) }`, ``, "argument v of colour: expected Colour"},
		{"NUL in a string", `{ string(v: "\u0000") }`, ``, "argument v of string: expected String"},
		{"a word as DateTime", `{ at(v: "today") }`, ``, "argument v of at: expected DateTime"},
		{"a name as DateTime", `{ at(v: today) }`, ``, "argument v of at: expected DateTime"},
		{"a number as DateTime", `{ at(v: 5) }`, ``, "argument v of at: expected DateTime"},
		{"a list as DateTime", `{ at(v: []) }`, ``, "argument v of at: expected DateTime"},
		{"a malformed DateTime deep within", `mutation { change(input: {ids: [], since: "x"}) }`, ``, "argument input.since of change"},
		{"a fault within a fragment", `{ ...F } fragment F on Query { self { int(v: 2147483648) } }`, ``, "argument v of int"},
		{"a fault within an inline fragment", `{ ... on Query { int(v: 2147483648) } }`, ``, "argument v of int"},
		{"a bad default", `query ($v: Int = 2147483648) { int(v: $v) }`, ``, "the default of variable $v: expected Int"},
		{"null by variable where a default stands", `query ($v: Int) { defaulted(v: $v) }`, `{"v": null}`, "variable $v is null"},
		{"null by variable with a default", `query ($v: Int = 1) { required(v: $v) }`, `{"v": null}`, "variable $v is null"},
		{"null by variable in a field with a default", `mutation ($d: Boolean) { change(input: {ids: [], dry: $d}) }`, `{"d": null}`,
			"argument input.dry of change"},
		{"null by variable in @include", `query ($b: Boolean = true) { int @include(if: $b) }`, `{"b": null}`, "argument if of @include"},
		{"null by variable in a list", `query ($i: ID = "x") { ids(v: [$i]) }`, `{"i": null}`, "argument v[0] of ids"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args, errs := run(t, c.query, c.variables)
			if len(errs) == 0 {
				t.Fatalf("executed with %v", args)
			}
			if !strings.Contains(errs[0].Message, c.want) || code(errs) != "BAD_USER_INPUT" || len(errs[0].Locations) == 0 {
				t.Errorf("%v, code %v; want %q", errs, code(errs), c.want)
			}
		})
	}
}

func TestOneOfInTheOperationIsHeldWhateverMixOfVariables(t *testing.T) {
	for _, c := range []struct {
		query, variables string
		ok               bool
	}{
		{`{ choice(v: {all: true}) }`, ``, true},
		{`query ($a: Boolean!) { choice(v: {all: $a}) }`, `{"a": true}`, true},
		{`query ($a: [ID!]!) { item(v: {id: "x", choice: {only: $a}}) }`, `{"a": []}`, true},
		{`{ choice(v: {}) }`, ``, false},
		{`{ choice(v: {all: null}) }`, ``, false},
		{`{ choice(v: {all: true, only: []}) }`, ``, false},
		{`query ($a: Boolean) { choice(v: {all: $a}) }`, `{"a": true}`, false}, // not valid: $a may be null
		{`query ($a: Boolean!, $o: [ID!]!) { choice(v: {all: $a, only: $o}) }`, `{"a": true, "o": []}`, false},
		{`query ($a: Boolean!, $o: [ID!]) { choice(v: {all: $a, only: $o}) }`, `{"a": true}`, false},
	} {
		args, errs := run(t, c.query, c.variables)
		if (len(errs) == 0) != c.ok {
			t.Errorf("%s with %s: executed with %v, errors %v", c.query, c.variables, args, errs)
		}
	}
}

func TestValuesInTheOperationThatAreRightAreLeftAlone(t *testing.T) {
	for _, c := range []struct{ query, variables, want string }{
		{`{ ids(v: "a") }`, ``, `{"v":"a"}`},
		{`{ id(v: 12) }`, ``, `{"v":12}`},
		{`{ at(v: "2026-11-25T09:30:00Z") }`, ``, `{"v":"2026-11-25T09:30:00Z"}`},
		{`{ at(v: """2026-11-25T09:30:00Z""") }`, ``, `{"v":"2026-11-25T09:30:00Z"}`},
		{`query ($d: Boolean) { choice(v: null) @skip(if: false) bool(v: $d) }`, ``, `{}`},
		{`mutation ($d: Boolean) { change(input: {ids: [], dry: $d, matrix: [1, [2]], colour: RED}) }`, ``,
			`{"input":{"colour":"RED","ids":null,"matrix":[1,[2]]}}`},
	} {
		args, errs := run(t, c.query, c.variables)
		if len(errs) > 0 {
			t.Errorf("%s: %v", c.query, errs)
			continue
		}
		if got, err := json.Marshal(args); err != nil || string(got) != c.want {
			t.Errorf("%s executes with %s, %v; want %s", c.query, got, err, c.want)
		}
	}
}

func TestTheExecutorSaysWhatIsWrongWithAQueryThatIsNotValid(t *testing.T) {
	for _, query := range []string{
		`query ($v: Int) { int(v: $v`,
		`query ($v: Nothing) { int(v: $v) }`,
		`query ($v: Query) { int(v: $v) }`,
		`query ($v: Int) { nothing(v: $v) }`,
		`query ($v: Int) { string(v: $v) }`,
		`fragment F on Query { int(v: $v) }`,
	} {
		_, errs := run(t, query, `{"v": "x"}`)
		if c, ok := code(errs).(string); !ok || !strings.HasPrefix(c, "GRAPHQL_") {
			t.Errorf("%s: %v", query, errs)
		}
	}
}

func TestACachedQueryIsCoercedWithoutParsingAgain(t *testing.T) {
	e := newEcho(t)
	cache := &countingCache{MapCache: graphql.MapCache[*ast.QueryDocument]{}}
	exec := executor.New(e)
	exec.SetQueryCache(cache)
	exec.Use(&coerce.Extension{Documents: cache})
	const query = `query ($v: Int) { int(v: $v) }`
	for i, variables := range []string{`{"v": 1}`, `{"v": "1"}`, `{"v": 1}`} {
		if _, errs := send(t, exec, e, query, variables); (len(errs) == 0) != (i != 1) {
			t.Errorf("request %d: %v", i, errs)
		}
	}
	if cache.hits != 3 { // the second by the extension, the third by both
		t.Errorf("%d hits, want 3", cache.hits)
	}
}

type countingCache struct {
	graphql.MapCache[*ast.QueryDocument]
	hits int
}

func (c *countingCache) Get(ctx context.Context, key string) (*ast.QueryDocument, bool) {
	doc, ok := c.MapCache.Get(ctx, key)
	if ok {
		c.hits++
	}
	return doc, ok
}

func TestAllFaultsOfTheVariablesAreListedUpToALimit(t *testing.T) {
	e := newEcho(t)
	c, err := coerce.New(e.schema)
	if err != nil {
		t.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(e.schema, `mutation ($input: Change!) { change(input: $input) }`, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	_, errs = c.Variables(doc.Operations[0], object(t, `{"input": {"ids": [true, 1.5], "count": "x"}}`))
	if len(errs) != 3 {
		t.Errorf("%d errors, want 3: %v", len(errs), errs)
	}
	many := `{"input": {"ids": [` + strings.Repeat("true,", 1000) + `true]}}`
	if _, errs = c.Variables(doc.Operations[0], object(t, many)); len(errs) != 20 {
		t.Errorf("%d errors, want 20", len(errs))
	}
}

func TestTheGivenVariablesAreNotTouched(t *testing.T) {
	e := newEcho(t)
	c, err := coerce.New(e.schema)
	if err != nil {
		t.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(e.schema, `mutation ($input: Change!) { change(input: $input) }`, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	given := object(t, `{"input": {"ids": 1, "matrix": 5, "extra": []}}`)
	before, _ := json.Marshal(given)
	c.Variables(doc.Operations[0], given)
	if after, _ := json.Marshal(given); string(after) != string(before) {
		t.Errorf("%s became %s", before, after)
	}
}

func TestASchemaWithAScalarThatNobodyChecksIsRefused(t *testing.T) {
	e := &echo{schema: gqlparser.MustLoadSchema(&ast.Source{Input: `scalar Money type Query { v: Money }`})}
	if err := (&coerce.Extension{}).Validate(e); err == nil || !strings.Contains(err.Error(), "Money") {
		t.Error(err)
	}
}

func TestTheProductsOwnSchemaIsCovered(t *testing.T) {
	text, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := coerce.New(gqlparser.MustLoadSchema(&ast.Source{Input: string(text)})); err != nil {
		t.Error(err)
	}
}

func BenchmarkCoercionOfABulkAssignment(b *testing.B) {
	e := newEcho(b)
	c, err := coerce.New(e.schema)
	if err != nil {
		b.Fatal(err)
	}
	doc, errs := gqlparser.LoadQueryWithRules(e.schema, `mutation ($input: Change!) { change(input: $input) }`, nil)
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	ids := strings.TrimSuffix(strings.Repeat(`"user_01jh5z8r3kf8v9q0x2c4m6n7p8",`, 20000), ",")
	given := object(b, `{"input": {"ids": [`+ids+`], "add": [{"id": "p", "choice": {"only": ["a"]}}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		vars, errs := c.Variables(doc.Operations[0], given)
		if errs = append(errs, c.Operation(doc.Operations[0], vars)...); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}
