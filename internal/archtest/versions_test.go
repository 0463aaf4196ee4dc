package archtest

import (
	"os"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// versions are the oldest that are known to be right; exact ones are marked.
var versions = map[string]struct {
	version string
	exact   bool // generated code and measurements belong to this version
}{
	"github.com/99designs/gqlgen":      {"v0.17.98", true},
	"github.com/vektah/gqlparser/v2":   {"v2.5.64", true},
	"entgo.io/ent":                     {"v0.14.5", true},
	"github.com/lib/pq":                {"v1.12.3", false}, // earlier ones keep broken connections
	"github.com/rs/zerolog":            {"v1.35.1", false},
	"modernc.org/sqlite":               {"v1.62.0", false},
	"github.com/pressly/goose/v3":      {"v3.29.0", false},
	"github.com/alecthomas/kong":       {"v1.17.0", false},
	"github.com/vikstrous/dataloadgen": {"v0.0.10", false},
	"go.jetify.com/typeid":             {"v1.3.0", false},
	"github.com/google/uuid":           {"v1.6.0", false}, // the first with UUIDv7
	"golang.org/x/text":                {"v0.44.0", false},
	"pgregory.net/rapid":               {"v1.3.0", false},
}

func TestRequiredVersionsAreRecentEnough(t *testing.T) {
	content, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		t.Fatal(err)
	}
	required := make(map[string]string)
	for _, r := range file.Require {
		required[r.Mod.Path] = r.Mod.Version
	}
	for _, r := range file.Replace {
		t.Errorf("%s is replaced", r.Old.Path)
	}
	for path, want := range versions {
		switch have := required[path]; {
		case have == "":
			t.Errorf("%s is not required", path)
		case semver.Compare(have, want.version) < 0:
			t.Errorf("%s is required at %s, want at least %s", path, have, want.version)
		case want.exact && have != want.version:
			t.Errorf("%s is required at %s, want exactly %s", path, have, want.version)
		}
	}
}
