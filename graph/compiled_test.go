package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/graph/compiled"
	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Every query of the tests in this package is run by gqlgen's own execution as well and must be
// answered alike (world.askAs). This one makes up more of them, out of everything that the
// schema has.
func TestQueriesAreAnsweredAsByStockExecution(t *testing.T) {
	each(t, func(w *world) {
		w.staff(12)
		w.seats("addon", 3)
		w.assign("addon", "green")
		w.names["operation"] = id.Format(id.Operation, uuid.Max) // of nothing
		w.do(`mutation { deleteUser(input: { id: "{{user005}}" }) { userErrors { code message } } }`, nil)
		g := &queryMaker{w: w, schema: w.api.Schema.Schema()}
		ctx := graphql.StartOperationTrace(access.With(w.t.Context(), &access.Access{TenantID: w.tenants["acme"], Roles: []access.Role{access.GlobalReader}}))
		answered, failed := 0, 0
		compare := func(t *rapid.T, query string, variables map[string]any) {
			stock, _ := w.run(ctx, w.stock, query, variables)
			if own, _ := w.run(ctx, w.executor, query, variables); own != stock {
				t.Fatalf("%s\n%v\ngqlgen: %s\nplan:   %s", query, variables, stock, own)
			}
			if answered++; strings.Contains(stock, `"errors"`) {
				failed++
			}
		}
		rapid.Check(w.t.(*testing.T), func(t *rapid.T) {
			for range 5 {
				query, variables := g.query(t)
				compare(t, query, variables)
				compare(t, query, others(variables)) // the plan of the first time must not be that of the second
			}
		})
		w.t.Logf("%d queries, %d of them with errors", answered, failed)
		if 2*failed > answered {
			w.t.Error("most queries fail: the values made up are too often refused for the others to say much")
		}
	})
}

// others are other values of the same variables.
func others(variables map[string]any) map[string]any {
	changed := map[string]any{}
	for name, value := range variables {
		switch v := value.(type) {
		case bool:
			value = !v
		case int:
			value = v + 1
		}
		changed[name] = value
	}
	return changed
}

// queryMaker makes up queries that are valid for the schema, but for the values of arguments,
// which may be refused.
type queryMaker struct {
	w      *world
	schema *ast.Schema

	t         *rapid.T
	size      int
	variables map[string]any
	declared  []string
	fragments []string
	on        string // the field whose arguments are made up
	wrong     bool   // values that are refused may stand in the query
}

func (m *queryMaker) query(t *rapid.T) (string, map[string]any) {
	m.t, m.size, m.variables, m.declared, m.fragments = t, 0, map[string]any{}, nil, nil
	m.wrong = m.chance(15)
	selection := m.selection(m.schema.Query, 0)
	head := "query"
	if len(m.declared) > 0 {
		head += "(" + strings.Join(m.declared, ", ") + ")"
	}
	return head + " " + selection + "\n" + strings.Join(m.fragments, "\n"), m.variables
}

func (m *queryMaker) chance(percent int) bool {
	return rapid.IntRange(0, 99).Draw(m.t, "chance") < percent
}

const deepest = 7

// selection selects some fields of a type; each under a name of its own, so that none conflict.
func (m *queryMaker) selection(of *ast.Definition, depth int) string {
	var parts []string
	fields := slices.DeleteFunc(slices.Clone(of.Fields), func(f *ast.FieldDefinition) bool {
		return strings.HasPrefix(f.Name, "__") || f.Name == "verification" || // reads the clock twice
			depth >= deepest && m.schema.Types[f.Type.Name()].IsCompositeType()
	})
	n := rapid.IntRange(1, 3).Draw(m.t, "fields")
	for range n {
		if m.size > 60 || len(fields) == 0 || m.chance(8) {
			parts = append(parts, m.named("__typename"))
			continue
		}
		parts = append(parts, m.field(rapid.SampledFrom(fields).Draw(m.t, "field"), depth))
	}
	if of.IsAbstractType() {
		for _, possible := range m.schema.GetPossibleTypes(of) {
			if m.chance(60) {
				parts = append(parts, "... on "+possible.Name+m.condition()+" "+m.selection(possible, depth+1))
			}
		}
	}
	set := "{ " + strings.Join(parts, " ") + " }"
	if depth > 0 && m.chance(15) {
		name := fmt.Sprint("F", len(m.fragments))
		m.fragments = append(m.fragments, "") // its number is taken
		m.fragments[len(m.fragments)-1] = "fragment " + name + " on " + of.Name + " " + set
		return "{ ..." + name + m.condition() + " " + m.named("__typename") + " }"
	}
	return set
}

func (m *queryMaker) named(field string) string {
	m.size++
	return fmt.Sprintf("f%d: %s", m.size, field)
}

func (m *queryMaker) field(f *ast.FieldDefinition, depth int) string {
	text := m.named(f.Name)
	m.on = f.Name
	var args []string
	backward := m.chance(20)
	for _, a := range f.Arguments {
		wanted := 40
		switch a.Name { // whose values are mostly refused, or together with another one
		case "after", "before", "userPrincipalName", "skuPartNumber":
			wanted = m.ifWrong(10, 0)
		case "last":
			wanted = m.ifWrong(30, map[bool]int{true: 80}[backward])
		case "first":
			wanted = m.ifWrong(40, map[bool]int{false: 40}[backward])
		case "id":
			wanted = m.ifWrong(80, 100)
		}
		if a.Type.NonNull && a.DefaultValue == nil || m.chance(wanted) {
			args = append(args, a.Name+": "+m.value(a))
		}
	}
	if len(args) > 0 {
		text += "(" + strings.Join(args, ", ") + ")"
	}
	text += m.condition()
	if def := m.schema.Types[f.Type.Name()]; def.IsCompositeType() {
		text += " " + m.selection(def, depth+1)
	}
	return text
}

// ifWrong returns one percentage for queries with values that may be refused, another for others.
func (m *queryMaker) ifWrong(wrong, right int) int {
	if m.wrong {
		return wrong
	}
	return right
}

// condition is now and then an @include or @skip, by a literal or by a variable.
func (m *queryMaker) condition() string {
	if !m.chance(10) {
		return ""
	}
	name, value := rapid.SampledFrom([]string{"include", "skip"}).Draw(m.t, "directive"), m.chance(50)
	if m.chance(30) {
		return fmt.Sprintf(" @%s(if: %v)", name, value)
	}
	return fmt.Sprintf(" @%s(if: %s)", name, m.variable("Boolean!", value))
}

func (m *queryMaker) variable(of string, value any) string {
	name := fmt.Sprint("v", len(m.declared))
	m.declared = append(m.declared, "$"+name+": "+of)
	m.variables[name] = value
	return "$" + name
}

// value makes up a value of an argument, one that cannot be among others.
func (m *queryMaker) value(a *ast.ArgumentDefinition) string {
	def := m.schema.Types[a.Type.Name()]
	var literal string
	var value any
	switch {
	case def.Kind == ast.Enum:
		return rapid.SampledFrom(def.EnumValues).Draw(m.t, "enum").Name
	case def.Kind == ast.InputObject:
		return m.input(def)
	case def.Name == "ID":
		ids := []string{"user000", "user001", "user005", "red", "all", "suite", "tool", "mail", "acme", "suite-seats"}
		for kind, of := range map[string][]string{
			"user": {"user000", "user001", "user005"}, "group": {"red", "all"}, "product": {"suite", "tool", "addon"}, "plan": {"mail", "new"},
		} {
			if strings.HasPrefix(a.Name, kind) || a.Name == "id" && m.on == kind {
				ids = of
			}
		}
		if m.on == "operation" {
			ids = []string{"operation"}
		}
		value = m.w.names[rapid.SampledFrom(ids).Draw(m.t, "id")]
		if m.chance(m.ifWrong(15, 0)) {
			value = "nonsense"
		}
		literal = fmt.Sprintf("%q", value)
	case def.Name == "Int":
		value = rapid.IntRange(0, 4).Draw(m.t, "int")
		if m.chance(m.ifWrong(10, 0)) {
			value = -1
		}
		literal = fmt.Sprint(value)
	case def.Name == "Boolean":
		value = m.chance(50)
		literal = fmt.Sprint(value)
	case def.Name == "DateTime":
		value = "2026-11-25T09:00:00Z"
		literal = fmt.Sprintf("%q", value)
	case a.Name == "usageLocations" && !m.wrong:
		value, literal = "NL", `"NL"`
	default:
		value = rapid.SampledFrom([]string{"", "user", "Suite", "x"}).Draw(m.t, "text")
		literal = fmt.Sprintf("%q", value)
	}
	if a.Type.Elem != nil {
		return "[" + literal + "]"
	}
	if m.chance(40) {
		return m.variable(a.Type.String(), value)
	}
	return literal
}

func (m *queryMaker) input(def *ast.Definition) string {
	var fields []string
	for _, f := range def.Fields {
		if f.Type.NonNull && f.DefaultValue == nil || m.chance(30) {
			fields = append(fields, f.Name+": "+m.value(&ast.ArgumentDefinition{Name: f.Name, Type: f.Type}))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// What is asked often must not fall back to gqlgen unnoticed.
func TestQueriesHavePlans(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, database.SQLite, database.Options{}), nil)
	schema, ok := w.api.Schema.(*compiled.Schema)
	if !ok {
		t.Fatalf("the API's schema is %T", w.api.Schema)
	}
	missing := schema.Unplanned()
	if want := []string{"Query.__schema", "Query.__type"}; !slices.Equal(missing, want) {
		t.Errorf("no plan can have %v, want %v alone", missing, want)
	}
}
