package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

const sources = "../../../graph/schema/*.graphqls"

func writeFiles(t *testing.T, files map[string]string) (pattern string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "*.graphqls")
}

func TestComposeMergesExtensionsAndPutsRootTypesFirst(t *testing.T) {
	pattern := writeFiles(t, map[string]string{
		"a.graphqls": `extend type Query { "An apple." apple: Apple } "An apple." type Apple { "Its id." id: ID! }`,
		"b.graphqls": `"Changes." type Mutation  "Reads." type Query { "A pear." pear: String }  extend type Mutation { "Eats." eat: Int }`,
	})
	got, err := compose(pattern)
	if err != nil {
		t.Fatal(err)
	}
	const want = header + `
"""
Reads.
"""
type Query {
  """
  A pear.
  """
  pear: String
  """
  An apple.
  """
  apple: Apple
}

"""
Changes.
"""
type Mutation {
  """
  Eats.
  """
  eat: Int
}

"""
An apple.
"""
type Apple {
  """
  Its id.
  """
  id: ID!
}
`
	if string(got) != want {
		t.Errorf("composed:\n%s\nwant:\n%s", got, want)
	}
}

func TestComposeRefusesInvalidSDLAndAPatternWithoutFiles(t *testing.T) {
	pattern := writeFiles(t, map[string]string{"a.graphqls": `type Query { apple: Apple }`})
	if _, err := compose(pattern); err == nil || !strings.Contains(err.Error(), "Apple") {
		t.Errorf("a field of an undefined type: %v", err)
	}
	if _, err := compose(filepath.Join(t.TempDir(), "*.graphqls")); err == nil {
		t.Error("a pattern without files is accepted")
	}
}

func TestCheckFailsOnDriftAndPassesAfterWriting(t *testing.T) {
	pattern := writeFiles(t, map[string]string{"a.graphqls": `type Query { apple: String }`})
	out := filepath.Join(t.TempDir(), "schema.graphql")
	if err := run(pattern, out, true); err == nil {
		t.Error("check passes without a file")
	}
	if err := run(pattern, out, false); err != nil {
		t.Fatal(err)
	}
	if err := run(pattern, out, true); err != nil {
		t.Errorf("check after writing: %v", err)
	}
	if err := os.WriteFile(out, []byte("type Query { pear: String }"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(pattern, out, true); err == nil {
		t.Error("check passes on drift")
	}
}

func TestTheComposedSchemaIsUpToDate(t *testing.T) {
	if err := run(sources, "../../../schema.graphql", true); err != nil {
		t.Error(err)
	}
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	for _, place := range undescribed(loadSchema(t)) {
		t.Errorf("%s has no description", place)
	}
}

func TestAnInputFieldWithADefaultIsNonNull(t *testing.T) {
	for _, def := range loadSchema(t).Types {
		if def.Kind != ast.InputObject {
			continue
		}
		for _, f := range def.Fields {
			if f.DefaultValue != nil && !f.Type.NonNull {
				t.Errorf("%s.%s has a default and may be null", def.Name, f.Name)
			}
		}
	}
}

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := read(sources)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(files...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func undescribed(schema *ast.Schema) []string {
	var places []string
	note := func(description, place string) {
		if strings.TrimSpace(description) == "" {
			places = append(places, place)
		}
	}
	for _, def := range schema.Types {
		if def.BuiltIn {
			continue
		}
		note(def.Description, def.Name)
		for _, v := range def.EnumValues {
			note(v.Description, def.Name+"."+v.Name)
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			note(f.Description, def.Name+"."+f.Name)
			for _, a := range f.Arguments {
				note(a.Description, def.Name+"."+f.Name+"("+a.Name+":)")
			}
		}
	}
	return places
}
