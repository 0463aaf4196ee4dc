package cost_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/graph/cost"
)

func productSchema(t testing.TB) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
}

func parse(t testing.TB, query string) *ast.OperationDefinition {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(productSchema(t), query, nil)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", query, errs)
	}
	return doc.Operations[0]
}

func refusal(t testing.TB, query string, vars map[string]any) *gqlerror.Error {
	t.Helper()
	op := &graphql.OperationContext{Operation: parse(t, query), Variables: vars}
	return cost.New(cost.Limits{}).MutateOperationContext(context.Background(), op)
}

func ids(n int) []any { return make([]any, n) }

func TestCostCountsObjects(t *testing.T) {
	for _, c := range []struct {
		name, query string
		vars        map[string]any
		want        int
	}{
		{"scalars are free", `{ viewer { name roles } }`, nil, 1},
		{"an object is one", `{ viewer { tenant { name } } }`, nil, 2},
		{"a page is 25 rows", `{ users { nodes { id } } }`, nil, 26},
		{"edges have nodes", `{ users { edges { cursor node { id } } } }`, nil, 51},
		{"pageInfo is one and totalCount weighs", `{ users { pageInfo { hasNextPage } totalCount } }`, nil, 3},
		{"first", `{ users(first: 100) { nodes { id } } }`, nil, 101},
		{"first: 0", `{ users(first: 0) { nodes { id } totalCount } }`, nil, 2},
		{"last", `{ users(last: 7) { nodes { id } } }`, nil, 8},
		{"first together with last, which resolvers refuse", `{ users(first: 3, last: 7) { nodes { id } } }`, nil, 8},
		{"first by variable", `query ($n: Int) { users(first: $n) { nodes { id } } }`, map[string]any{"n": int64(9)}, 10},
		{"first: null", `{ users(first: null) { nodes { id } } }`, nil, 26},
		{"first by an absent variable", `query ($n: Int) { users(first: $n) { nodes { id } } }`, map[string]any{}, 26},
		{"first by a null variable", `query ($n: Int) { users(first: $n) { nodes { id } } }`, map[string]any{"n": nil}, 26},
		{"negative, which resolvers refuse", `{ users(first: -1) { nodes { id } } }`, nil, 1},
		{"beyond a page, which resolvers refuse", `{ users(first: 1000000) { nodes { id } } }`, nil, 101},
		{"2^31-1 by variable", `query ($n: Int) { users(first: $n) { nodes { id } } }`, map[string]any{"n": int64(math.MaxInt32)}, 101},
		{"pages multiply", `{ users(first: 10) { nodes { groups(first: 5) { nodes { id } } } } }`, nil, 1 + 10*(1+1+5)},
		{"a page within a page has its own size", `{ users(first: 10) { nodes { groups { nodes { id } } } } }`, nil, 1 + 10*(1+1+25)},
		{"lists without pages have declared sizes", `{ users(first: 10) { nodes { licenses { status } } } }`, nil, 1 + 10*(1+3)},
		{"aliases count each", `{ a: viewer { name } b: viewer { name } }`, nil, 2},
		{"fragments are followed", `{ users(first: 10) { ...F } } fragment F on UserConnection { nodes { ...G } } fragment G on User { groups(first: 2) { nodes { id } } }`, nil, 1 + 10*(1+1+2)},
		{"a fragment takes the page of its place", `{ a: users(first: 10) { ...F } b: users(first: 20) { ...F } } fragment F on UserConnection { nodes { id } }`, nil, 32},
		{"inline fragments are followed", `{ node(id: "x") { ... on Group { assignments { id } } } }`, nil, 3},
		{"what is skipped is free", `query ($no: Boolean!) { users @skip(if: true) { nodes { id } } viewer @include(if: $no) { name } }`, map[string]any{"no": false}, 0},
		{"what is included is not", `query ($yes: Boolean!) { users @skip(if: false) { nodes { id } } viewer @include(if: $yes) { name } }`, map[string]any{"yes": true}, 27},
		{"nodes by ids", `{ nodes(ids: ["a", "b", "c"]) { ... on User { groups(first: 1) { nodes { id } } } } }`, nil, 3 * 3},
		{"nodes by one id", `{ nodes(ids: "a") { id } }`, nil, 1},
		{"nodes by variable", `query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": ids(40)}, 40},
		{"nodes by too many ids, which resolvers refuse", `query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": ids(5000)}, 100},
		{"an operation's name exempts nothing", `query IntrospectionQuery { users { nodes { id } } }`, nil, 26},
		{"verification weighs", `{ verification { ok } }`, nil, 20_000},
		{"a mutation weighs", `mutation { __typename deleteUser(input: {id: "x"}) { changed } }`, nil, 500},
		{"results by input", `mutation ($i: AssignLicensesInput!) { assignLicenses(input: $i) { results { changed userErrors { code } } } }`,
			map[string]any{"i": map[string]any{"principalIds": ids(1000)}}, 500 + 1000*2},
		{"results by an input in the query", `mutation { assignLicenses(input: {principalIds: ["a", "b"]}) { results { changed } userErrors { code } } }`, nil, 503},
		{"results and groups of several changes", `mutation ($c: [GroupMembersChangeInput!]!) { changeGroupMembers(input: {changes: $c}) { results { changed } groups { id } } }`,
			map[string]any{"c": []any{map[string]any{"add": ids(3), "remove": ids(4)}, map[string]any{"add": ids(2)}}}, 500 + 9 + 2},
		{"results of one group", `mutation { addGroupMembers(input: {groupId: "g", memberIds: ["a", "b"]}) { groups { id } results { changed } } }`, nil, 503},
	} {
		if got := cost.Of(parse(t, c.query), c.vars).Cost; got != c.want {
			t.Errorf("%s: %s costs %d, want %d", c.name, c.query, got, c.want)
		}
	}
}

const fullPage = `query ($first: Int) {
  users(first: $first) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id displayName userPrincipalName
      licenses {
        status product { displayName }
        plans { enabled plan { displayName } enabledBy { kind group { displayName } path { displayName } } }
        sources { kind state since group { displayName } path { displayName } errors { code message remediation } }
      }
    }
  }
}`

func TestTheDefaultLimitsAdmitAFullPageOfUsersWithLicensesPlansAndSources(t *testing.T) {
	if err := refusal(t, fullPage, map[string]any{"first": int64(100)}); err != nil {
		t.Error(err)
	}
}

func TestTheDefaultLimitsAdmitIntrospectionAsPlaygroundsSendIt(t *testing.T) {
	text, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{string(text), introspection.Query} {
		if err := refusal(t, query, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestTheDefaultLimitsAdmitTheLargestBulkCallThatAsksForLittle(t *testing.T) {
	vars := map[string]any{"i": map[string]any{"principalIds": ids(20_000)}}
	const head = `mutation ($i: AssignLicensesInput!) { assignLicenses(input: $i) { changed userErrors { code } results { `
	if err := refusal(t, head+`principalId changed userErrors { code message } } } }`, vars); err != nil {
		t.Error(err)
	}
	if err := refusal(t, head+`principal { ... on User { licenses { status } } } } } }`, vars); err == nil {
		t.Error("the licenses of 20,000 users are admitted")
	}
}

func TestBeyondTheLimitsNothingRunsAndTheErrorSaysBoth(t *testing.T) {
	for _, c := range []struct{ name, query, message string }{
		{"cost", `{ users(first: 100) { nodes { groups(first: 100) { nodes { members(first: 100) { nodes { id } } } } } } }`,
			"the query costs 1,020,201, and the limit is 50,000: ask for fewer rows, or for fewer lists within lists"},
		{"verification three times", `{ a: verification { ok } b: verification { ok } c: verification { ok } }`, "costs 60,000"},
		{"more mutations than a hundred", `mutation {` + many("m%d: deleteUser(input: {id: \"x\"}) { changed } ", 101) + `}`, "101 aliases"},
		{"a fast growing chain of fragments", bomb(40), "the query costs more than a billion"},
		{"aliases", `{` + many("a%d: viewer { name } ", 101) + `}`, "the query has 101 aliases, and the limit is 100"},
		{"aliases in fragments", aliasBomb(40), "the query has more than a billion aliases"},
		{"depth", `{ node(id: "x") { ... on Group { ` + strings.Repeat("parentGroups(first: 1) { nodes { ", 10) + "id" + strings.Repeat("} }", 10) + `} } }`,
			"the query nests 22 fields within each other, and the limit is 20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := refusal(t, c.query, nil)
			if err == nil {
				t.Fatal("admitted")
			}
			if !strings.Contains(err.Message, c.message) || err.Extensions["code"] != "COST_EXCEEDED" {
				t.Errorf("%s, %v; want %q", err.Message, err.Extensions, c.message)
			}
			if errcode.GetErrorKind(gqlerror.List{err}) != errcode.KindProtocol {
				t.Error("a transport that asks would count it as an answer of the operation")
			}
		})
	}
}

// bomb asks for more users than there are people, through fragments that each spread the next
// one twice.
func bomb(levels int) string {
	var b strings.Builder
	b.WriteString(`{ node(id: "x") { ...F0 } }`)
	for i := range levels - 1 {
		fmt.Fprintf(&b, ` fragment F%d on Group { ...F%d ... on Group { ...F%d } }`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, ` fragment F%d on Group { members(first: 100) { nodes { licenses { plans { enabled } } } } }`, levels-1)
	return b.String()
}

func aliasBomb(levels int) string {
	var b strings.Builder
	b.WriteString(`{ viewer { ...F0 } }`)
	for i := range levels - 1 {
		fmt.Fprintf(&b, ` fragment F%d on Viewer { ...F%d ... on Viewer { ...F%d } }`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, ` fragment F%d on Viewer { x: name }`, levels-1)
	return b.String()
}

func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestLimitsCanBeChosen(t *testing.T) {
	op := &graphql.OperationContext{Operation: parse(t, `{ viewer { tenant { a: name } } }`)}
	for _, c := range []struct {
		limits  cost.Limits
		refused bool
	}{
		{cost.Limits{Cost: 2, Depth: 3, Aliases: 1}, false},
		{cost.Limits{Cost: 1}, true},
		{cost.Limits{Depth: 2}, true},
	} {
		err := cost.New(c.limits).MutateOperationContext(context.Background(), op)
		if (err != nil) != c.refused {
			t.Errorf("%+v: %v", c.limits, err)
		}
	}
}

type executable struct {
	graphql.ExecutableSchema
	schema *ast.Schema
}

func (e executable) Schema() *ast.Schema { return e.schema }

func TestEveryListOfTheSchemaHasADeclaredSize(t *testing.T) {
	schema := productSchema(t)
	if err := cost.New(cost.Limits{}).Validate(executable{schema: schema}); err != nil {
		t.Error(err)
	}
	schema.Types["Viewer"].Fields = append(schema.Types["Viewer"].Fields,
		&ast.FieldDefinition{Name: "tokens", Type: ast.NonNullListType(ast.NamedType("Viewer", nil), nil)})
	schema.Types["User"].Fields = nil
	err := cost.New(cost.Limits{}).Validate(executable{schema: schema})
	if err == nil || !strings.Contains(err.Error(), "Viewer.tokens has no declared size") ||
		!strings.Contains(err.Error(), "User.licenses is declared and not in the schema") {
		t.Error(err)
	}
}

// The declared sizes of introspection stand for the schema as it is: when it has grown by half,
// they are to be declared anew.
func TestTheDeclaredSizesOfIntrospectionAreNearTheSchema(t *testing.T) {
	schema := productSchema(t)
	var fields int
	for _, def := range schema.Types {
		if def.Kind == ast.Object || def.Kind == ast.Interface {
			fields += len(def.Fields)
		}
	}
	if n := len(schema.Types); n > 132*3/2 || fields > n*4*3/2 {
		t.Errorf("the schema has %d types with %d fields", n, fields)
	}
}

func BenchmarkCostOfAFullPage(b *testing.B) {
	op := parse(b, fullPage)
	vars := map[string]any{"first": int64(100)}
	b.ReportAllocs()
	for b.Loop() {
		cost.Of(op, vars)
	}
}
