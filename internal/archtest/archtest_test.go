// Package archtest holds the import floors of the program and the floors of the versions it
// requires.
package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/licensegraph/licensegraph"

// floors lists the packages from the top of the building to the ground. A package imports only
// packages of lower floors, and of its own line: a line is one subject, and packages of one
// floor on different lines do not know each other. The longest line that begins a package's
// path is its place.
var floors = [][]string{
	{"cmd/licensegraph"},
	{"internal/cli"},
	{"internal/demo", "internal/bench"},
	{"internal/server"},
	{"graph"},
	{"internal/whatif"},
	{"internal/directory", "internal/catalog", "internal/tenant", "internal/schedule", "internal/operation"},
	{"internal/licensing"},
	{"internal/licensing/tenantgraph", "internal/access"},
	{"internal/audit"},
	{"internal/engine", "internal/paging"},
	{"internal/database"},
	{"ent"},
	{"internal/country", "internal/textkey", "internal/principal", "internal/optional", "internal/requestid"},
	{"internal/id", "internal/clock", "internal/fault"},
	{"internal/locale"},
}

// apart stand beside the building: programs and helpers of tests, which nothing in it imports.
var apart = []string{
	"internal/tools", "internal/archtest", "internal/database/conformance", "internal/database/dbtest", "internal/database/scratch",
	"internal/database/schemadiff", "internal/licensing/oracle", "internal/server/internal/testschema", "ent/enttest",
}

// reserved says which packages may import something from outside: those at its paths and no other.
var reserved = map[string][]string{
	"github.com/99designs/gqlgen":  {"graph", "internal/server", "internal/cli", "cmd/licensegraph"},
	"github.com/vektah/gqlparser":  {"graph", "internal/server", "internal/cli", "cmd/licensegraph"},
	"net/http":                     {"graph", "internal/server", "internal/bench", "internal/cli", "cmd/licensegraph"},
	"github.com/alecthomas/kong":   {"internal/cli", "cmd/licensegraph"},
	"github.com/pressly/goose":     {"internal/database"},
	"ariga.io/atlas":               {"ent"},
	"entgo.io/ent":                 {"ent", "internal/database", "internal/directory", "internal/catalog", "internal/tenant", "internal/licensing", "internal/access", "internal/audit", "internal/paging"},
	module + "/ent":                {"ent", "internal/database", "internal/directory", "internal/catalog", "internal/tenant", "internal/licensing", "internal/access", "internal/audit", "internal/paging"},
	"go.jetify.com/typeid":         {"internal/id"},
	"github.com/lib/pq":            {"internal/database"},
	"modernc.org/sqlite":           {"internal/database"},
	"pgregory.net/rapid":           {},
	"testing":                      {},
	"github.com/gorilla/websocket": {},
}

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// list runs go list on the whole program, what it stands on included.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	lookAtSources(t)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", module+"/...").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go list: %v\n%s", err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]pkg)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
}

// lookAtSources makes the go command see what this test depends on, so that it does not repeat
// a remembered result when the sources have changed: it notes the files that a test looks at,
// but not those that go list reads.
func lookAtSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".go" {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// within tells whether a package is at a path or below it. A major version does not count.
func within(pkg, path string) bool {
	return pkg == path || strings.HasPrefix(pkg, path+"/")
}

func isApart(pkg string) bool {
	return slices.ContainsFunc(apart, func(a string) bool { return within(pkg, a) })
}

// place finds the floor and the line of a package.
func place(pkg string) (floor int, line string, ok bool) {
	for i, lines := range floors {
		for _, l := range lines {
			if within(pkg, l) && len(l) > len(line) {
				floor, line, ok = i, l, true
			}
		}
	}
	return floor, line, ok
}

// allowed tells whether one package of the module may import another.
func allowed(from, to string) error {
	if isApart(from) {
		return nil
	}
	if isApart(to) {
		return fmt.Errorf("%s imports %s, which is for tests and tools", from, to)
	}
	floor, line, ok := place(from)
	if !ok {
		return fmt.Errorf("%s has no floor: give it one in archtest", from)
	}
	below, other, ok := place(to)
	if !ok {
		return fmt.Errorf("%s has no floor: give it one in archtest", to)
	}
	if below > floor || line == other {
		return nil
	}
	return fmt.Errorf("%s imports %s, which is not below it", from, to)
}

func TestPackagesImportOnlyDownwards(t *testing.T) {
	for path, p := range list(t) {
		from, ours := strings.CutPrefix(path, module+"/")
		if !ours {
			continue
		}
		for _, i := range p.Imports {
			if to, ours := strings.CutPrefix(i, module+"/"); ours {
				if err := allowed(from, to); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestTheEngineIsPure(t *testing.T) {
	all := list(t)
	engine := all[module+"/internal/engine"]
	if len(engine.Deps) == 0 {
		t.Fatal("there is no engine")
	}
	for _, dep := range engine.Deps {
		if !all[dep].Standard {
			t.Errorf("the engine depends on %s, which is not of the standard library", dep)
		}
	}
	for _, impure := range []string{"context", "crypto/rand", "database/sql", "io", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "time"} {
		if slices.Contains(engine.Imports, impure) {
			t.Errorf("the engine imports %s: it has no clock, no chance, no input and no output", impure)
		}
	}
}

func TestOutsideLibrariesStayWhereTheyBelong(t *testing.T) {
	for path, p := range list(t) {
		from, ours := strings.CutPrefix(path, module+"/")
		if !ours || isApart(from) {
			continue
		}
		for _, i := range p.Imports {
			for library, places := range reserved {
				if within(i, library) && !slices.ContainsFunc(places, func(p string) bool { return within(from, p) }) {
					t.Errorf("%s imports %s, which is reserved for %v", from, i, places)
				}
			}
		}
	}
}

// TestTheRulesRefuseWhatTheyForbid tries the rules themselves.
func TestTheRulesRefuseWhatTheyForbid(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"graph", "internal/directory", true},
		{"graph/loaders", "graph/model", true},
		{"internal/directory", "graph/model", false},
		{"internal/directory", "internal/catalog", false},
		{"internal/catalog/vendorcsv", "internal/catalog", true},
		{"internal/licensing", "internal/licensing/tenantgraph", true},
		{"internal/licensing/tenantgraph", "internal/licensing", false},
		{"internal/licensing", "internal/engine", true},
		{"internal/database", "internal/licensing", false},
		{"internal/directory", "internal/database/dbtest", false},
		{"internal/unknown", "internal/id", false},
		{"ent/schema", "internal/clock", true},
		{"internal/clock", "ent", false},
	} {
		if err := allowed(test.from, test.to); (err == nil) != test.want {
			t.Errorf("%s → %s: %v", test.from, test.to, err)
		}
	}
}
