package graph_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
	"golang.org/x/tools/txtar"

	"github.com/licensegraph/licensegraph/graph/generated"
)

// TestScenariosSelectEveryField keeps the scenarios complete: each field of the schema stands in
// the request of some scenario.
func TestScenariosSelectEveryField(t *testing.T) {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	missing := map[string]bool{}
	for name, def := range schema.Types {
		if def.Kind != ast.Object || strings.HasPrefix(name, "__") {
			continue
		}
		for _, f := range def.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				missing[name+"."+f.Name] = true
			}
		}
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		script, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range script.Files {
			if !strings.HasSuffix(f.Name, ".graphql") {
				continue
			}
			doc, errs := gqlparser.LoadQueryWithRules(schema, string(f.Data), rules.NewDefaultRules())
			if errs != nil {
				t.Fatalf("%s, %s: %v", file, f.Name, errs)
			}
			for _, op := range doc.Operations {
				unmark(missing, op.SelectionSet)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("no scenario selects\n%s", strings.Join(slices.Sorted(maps.Keys(missing)), "\n"))
	}
}

func unmark(missing map[string]bool, set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			delete(missing, s.ObjectDefinition.Name+"."+s.Name)
			unmark(missing, s.SelectionSet)
		case *ast.InlineFragment:
			unmark(missing, s.SelectionSet)
		case *ast.FragmentSpread:
			unmark(missing, s.Definition.SelectionSet)
		}
	}
}
