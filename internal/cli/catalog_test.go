package cli_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/cli"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

var updateCatalog = flag.Bool("update-catalog", false, "write the golden files of catalog import anew")

const files = "testdata/catalog/"

// importer runs catalog import against one database.
type importer struct {
	*testing.T
	db             *database.DB // beside the one that each command opens
	env            *cli.Env
	stdout, stderr bytes.Buffer
}

func eachImporter(t *testing.T, test func(i *importer)) {
	t.Helper()
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			url := dbtest.URL(t, d)
			open := func(ctx context.Context) (*database.DB, error) { return database.Open(ctx, url, database.Options{}) }
			db, err := open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			i := &importer{T: t, db: db}
			i.env = &cli.Env{
				Stdout: &i.stdout, Stderr: &i.stderr, Log: zerolog.Nop(), Open: open,
				Clock: clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)), NewID: id.NewV7,
			}
			test(i)
		})
	}
}

// run parses a command line and runs it.
func (i *importer) run(args ...string) error {
	i.Helper()
	i.stdout.Reset()
	i.stderr.Reset()
	var root struct {
		Catalog cli.CatalogCmd `cmd:""`
	}
	parser, err := kong.New(&root, kong.BindTo(i.Context(), (*context.Context)(nil)))
	if err != nil {
		i.Fatal(err)
	}
	command, err := parser.Parse(append([]string{"catalog", "import"}, args...))
	if err != nil {
		i.Fatal(err)
	}
	return command.Run(i.env)
}

func (i *importer) prints(name string, args ...string) {
	i.Helper()
	if err := i.run(args...); err != nil {
		i.Fatal(err)
	}
	path := filepath.Join("testdata", "catalog", name)
	if *updateCatalog {
		if err := os.WriteFile(path, i.stdout.Bytes(), 0o644); err != nil {
			i.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		i.Fatal(err)
	}
	if diff := cmp.Diff(string(want), i.stdout.String()); diff != "" {
		i.Errorf("%v prints (-want +got):\n%s", args, diff)
	}
	if i.stderr.Len() > 0 {
		i.Errorf("stderr got %q", i.stderr.String())
	}
}

func (i *importer) count(query string) (n int) {
	i.Helper()
	if err := i.db.Reader().QueryRowContext(i.Context(), query).Scan(&n); err != nil {
		i.Fatal(err)
	}
	return n
}

// organisation makes a tenant in which anna has both products, through the group everybody and
// directly, and ben has the first.
func (i *importer) organisation(name string) {
	i.Helper()
	must := func(err error) {
		i.Helper()
		if err != nil {
			i.Fatal(err)
		}
	}
	service, err := licensing.New(licensing.Config{DB: i.db, Clock: i.env.Clock, NewID: i.env.NewID})
	must(err)
	tenants, err := tenant.New(tenant.Config{DB: i.db, Clock: i.env.Clock, NewID: i.env.NewID})
	must(err)
	ctx := i.Context()
	made, err := tenants.Create(ctx, name, "NL")
	must(err)
	everybody, anna, ben := uuid.New(), uuid.New(), uuid.New()
	_, err = service.Change(ctx, made.ID, licensing.Options{Action: audit.UserCreate}, func(_ context.Context, d *licensing.Draft) error {
		d.CreateGroup(&principal.Group{ID: everybody, DisplayName: "Everybody", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
		for key, name := range map[uuid.UUID]string{anna: "anna", ben: "ben"} {
			location := "NL"
			d.CreateUser(&principal.User{ID: key, DisplayName: name, UserPrincipalName: name + "@example.com", UserType: principal.Member,
				UsageLocation: &location, AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			d.AddMember(everybody, key)
		}
		return nil
	})
	must(err)
	products := []uuid.UUID{uuid.MustParse("5c000001-0000-4000-8000-000000000001"), uuid.MustParse("5c000002-0000-4000-8000-000000000002")}
	for _, p := range products {
		seats := 5
		_, err := service.CreateSubscription(ctx, made.ID, licensing.CreateSubscriptionInput{Product: p, Seats: &seats})
		must(err)
	}
	for n, ref := range []licensing.PrincipalRef{{Kind: id.Group, ID: everybody}, {Kind: id.User, ID: anna}} {
		_, err := service.Assign(ctx, made.ID, licensing.AssignInput{
			Principals: []licensing.PrincipalRef{ref}, Add: []licensing.LicenseInput{{Product: products[n]}},
		})
		must(err)
	}
}

func TestCatalogImportPrintsRepairsDifferencesAndConsequences(t *testing.T) {
	eachImporter(t, func(i *importer) {
		i.prints("first.txt", files+"first.csv")
		i.prints("again.txt", files+"first.csv")
		i.organisation("Harbour Works")
		i.prints("next-dry.txt", files+"next.csv", "--exclusions", files+"exclusions.csv", "--dry-run")
		if revision := i.count(`SELECT revision FROM catalog`); revision != 1 {
			i.Errorf("the dry run left revision %d", revision)
		}
		i.prints("next.txt", files+"next.csv", "--exclusions="+files+"exclusions.csv")
		i.prints("next-again.txt", files+"next.csv", "--exclusions="+files+"exclusions.csv")
		if revision := i.count(`SELECT revision FROM catalog`); revision != 2 {
			i.Errorf("revision %d after two changes", revision)
		}
		if n := i.count(`SELECT count(*) FROM audit_events WHERE action = 'catalog.import' AND actor_kind = 'COMMAND' AND actor = 'catalog import'`); n != 1 {
			i.Errorf("%d events name the command", n)
		}
	})
}

// The second sheet withdraws a rule of each kind, changes one and adds one.
func TestCatalogImportPrintsRulesOfEveryKindR7R10R11(t *testing.T) {
	eachImporter(t, func(i *importer) {
		rules := func(n string) []string {
			return []string{files + "first.csv", "--dependencies=" + files + "dependencies-" + n + ".csv",
				"--locations=" + files + "locations-" + n + ".csv", "--automatic=" + files + "automatic-" + n + ".csv"}
		}
		i.prints("rules-1.txt", rules("1")...)
		i.organisation("Harbour Works")
		i.prints("rules-2-dry.txt", append(rules("2"), "--dry-run")...)
		if revision := i.count(`SELECT revision FROM catalog`); revision != 1 {
			i.Errorf("the dry run left revision %d", revision)
		}
		i.prints("rules-2.txt", rules("2")...)
		i.prints("rules-2-again.txt", rules("2")...)
		i.prints("rules-kept.txt", files+"first.csv") // what is not passed stays
		if revision := i.count(`SELECT revision FROM catalog`); revision != 2 {
			i.Errorf("revision %d after two changes", revision)
		}
	})
}

func TestCatalogImportAsksForLossesAboveTheThresholdR27(t *testing.T) {
	eachImporter(t, func(i *importer) {
		i.prints("first.txt", files+"first.csv")
		i.organisation("Harbour Works")
		if err := i.db.Write(i.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE tenants SET loss_threshold = 1`)
			return err
		}); err != nil {
			i.Fatal(err)
		}
		losing := []string{files + "first.csv", "--locations=" + files + "nowhere.csv"}
		for _, more := range [][]string{nil, {"--acknowledge-losses=1"}} {
			err := i.run(append(losing, more...)...)
			if err == nil || !strings.Contains(err.Error(), "Harbour Works: 2 users would lose a product") ||
				!strings.HasSuffix(err.Error(), "Nothing was imported. See who with --dry-run, then pass --acknowledge-losses 2.") || strings.Contains(err.Error(), "acknowledgeLosses") {
				i.Errorf("got %v", err)
			}
			if i.stdout.Len() > 0 {
				i.Errorf("stdout got %q", i.stdout.String())
			}
		}
		i.prints("losses-dry.txt", append(losing, "--dry-run")...)
		if revision := i.count(`SELECT revision FROM catalog`); revision != 1 {
			i.Errorf("revision %d", revision)
		}
		i.prints("losses.txt", append(losing, "--acknowledge-losses=2")...)
	})
}

func TestCatalogImportOnADryRunPrintsTheSameButTheLastLine(t *testing.T) {
	dry, real := readLines(t, "next-dry.txt"), readLines(t, "next.txt")
	last := len(real) - 1
	if diff := cmp.Diff(real[:last], dry[:len(dry)-1]); diff != "" {
		t.Errorf("(-import +dry run):\n%s", diff)
	}
	if dry[last] == real[last] || !strings.Contains(dry[last], "nothing was stored") {
		t.Errorf("the dry run ends with %q", dry[last])
	}
}

func readLines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(files + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func TestCatalogImportShowsProgressOnATerminalOnly(t *testing.T) {
	eachImporter(t, func(i *importer) {
		i.prints("first.txt", files+"first.csv") // a pipe: nothing on stderr
		i.organisation("Harbour Works")
		i.env.Terminal = true
		if err := i.run(files + "next.csv"); err != nil {
			i.Fatal(err)
		}
		got := i.stderr.String()
		if !strings.Contains(got, "organisation 1 of 1") || !strings.HasSuffix(got, "\r\x1b[K") || strings.Contains(got, "\n") {
			i.Errorf("progress is %q: one line that is erased at the end", got)
		}
		if strings.Contains(i.stdout.String(), "\r") {
			i.Error("progress is in the output")
		}
	})
}

func TestCatalogImportRefusesWithOneClearLine(t *testing.T) {
	eachImporter(t, func(i *importer) {
		i.prints("first.txt", files+"first.csv")
		for name, c := range map[string]struct {
			args []string
			says string
		}{
			"no such file":        {[]string{"testdata/none.csv"}, "testdata/none.csv: no such file"},
			"no such exclusions":  {[]string{files + "first.csv", "--exclusions=testdata/none.csv"}, "testdata/none.csv: no such file"},
			"a directory":         {[]string{"testdata"}, "testdata"},
			"files exchanged":     {[]string{files + "exclusions.csv"}, "the header lacks"},
			"a product twice":     {[]string{files + "first.csv", "--exclusions=" + files + "next.csv"}, "the header lacks Exclusion_Set"},
			"a file twice":        {[]string{files + "first.csv", "--exclusions=" + files + "exclusions.csv", "--dependencies=" + files + "exclusions.csv"}, "exclusions.csv: the file is given twice"},
			"no such rules":       {[]string{files + "first.csv", "--automatic=testdata/none.csv"}, "testdata/none.csv: no such file"},
			"rules exchanged":     {[]string{files + "first.csv", "--automatic=" + files + "locations-1.csv"}, "the header is that of a file of location rules"},
			"a cycle":             {[]string{files + "first.csv", "--dependencies=" + files + "cycle.csv"}, "prerequisites form a cycle: Lantern Mail (LANTERN_MAIL, 9a000001-0000-4000-8000-000000000001) needs Quay Mail ("},
			"contradictory rules": {[]string{files + "first.csv", "--exclusions=" + files + "contradictions.csv"}, "product Harbour Suite (HARBOUR, 5c000001-0000-4000-8000-000000000001) excludes itself"},
		} {
			err := i.run(c.args...)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				i.Errorf("%s: %v", name, err)
			}
			if i.stderr.Len() > 0 {
				i.Errorf("%s: stderr got %q", name, i.stderr.String())
			}
			listed := strings.Count(i.stdout.String(), "excludes itself")
			if want := map[bool]int{true: 2}[name == "contradictory rules"]; listed != want {
				i.Errorf("%s: stdout lists %d contradictions, want %d", name, listed, want)
			}
		}
		if revision := i.count(`SELECT revision FROM catalog`); revision != 1 {
			i.Errorf("revision %d", revision)
		}
	})
}

func TestCatalogImportNeedsAFile(t *testing.T) {
	var root struct {
		Catalog cli.CatalogCmd `cmd:""`
	}
	parser, err := kong.New(&root)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"catalog", "import"}, {"catalog", "import", "a.csv", "b.csv"}, {"catalog", "import", "a.csv", "--dry"},
		{"catalog", "import", "a.csv", "--acknowledge-losses=-1"}, {"catalog", "import", "a.csv", "--acknowledge-losses=many"}} {
		if _, err := parser.Parse(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
