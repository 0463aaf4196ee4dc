package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
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

// TestScenariosNameEveryRule keeps a scenario for each rule: -run 'TestScenarios/.*R10' runs
// what is known of R10 here.
func TestScenariosNameEveryRule(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, file := range files {
		for _, rule := range regexp.MustCompile(`R[0-9]+`).FindAllString(filepath.Base(file), -1) {
			named[rule] = true
		}
	}
	for n := 1; n <= 28; n++ {
		if rule := fmt.Sprintf("R%d", n); !named[rule] {
			t.Errorf("no scenario bears %s in its name", rule)
		}
	}
}

// TestScenariosShowEveryCode keeps every code of the closed lists in the answer of some scenario.
func TestScenariosShowEveryCode(t *testing.T) {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	missing := map[string]bool{}
	for _, list := range []string{"UserErrorCode", "LicenseErrorCode"} {
		for _, code := range schema.Types[list].EnumValues {
			missing[list+"."+code.Name] = true
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
			var answer any
			if !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			if err := json.Unmarshal(f.Data, &answer); err != nil {
				t.Fatalf("%s, %s: %v", file, f.Name, err)
			}
			unmarkCodes(missing, answer, "")
		}
	}
	if len(missing) > 0 {
		t.Errorf("no scenario answers\n%s", strings.Join(slices.Sorted(maps.Keys(missing)), "\n"))
	}
}

// unmarkCodes takes the codes of an answer out of those missing; within is the field that the
// value belongs to.
func unmarkCodes(missing map[string]bool, value any, within string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			unmarkCodes(missing, item, within)
		}
	case map[string]any:
		list := "LicenseErrorCode"
		if within == "userErrors" {
			list = "UserErrorCode"
		}
		delete(missing, fmt.Sprintf("%s.%v", list, v["code"]))
		for field, item := range v {
			unmarkCodes(missing, item, field)
		}
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
