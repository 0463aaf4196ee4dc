package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/bench"
	"github.com/licensegraph/licensegraph/internal/cli"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// TestMain is the program itself where bench starts it to send requests.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "bench-load" {
		os.Exit(cli.Main(context.Background(), cli.Process{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr}))
	}
	os.Exit(m.Run())
}

// benchRows are the rows of the tables that bench prints.
var benchRows = []string{
	"one-user", "check-plan", "users-page", "seats-page", "members-page",
	"add-member", "nest", "assign-everybody", "reassign", "swap", "remove", "assign-shared", "heal", "assign-users",
	"load a graph", "on disk", "heap in use", "resident", "verify (R17) at the end",
}

func TestBenchMeasuresEverythingAndLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	eachURL(t, dbtest.EmptyURL, func(t *testing.T, url string) {
		file := filepath.Join(t.TempDir(), "report.json")
		before := databases(t, url)
		o := on(t, url, "bench", "--users", "1000", "--duration", "20ms", "--rounds", "1", "--connections", "2", "--json", file).done(t)
		for _, row := range benchRows {
			if !strings.Contains(o.stdout, "\n"+row+" ") {
				t.Errorf("the tables lack %s", row)
			}
		}
		report := reportIn(t, file)
		for _, x := range report.Reads {
			if x.Rate <= 0 || x.StockRate <= 0 || x.DriverFloor <= 0 || x.OfFloor <= 0 || x.OfStock <= 0 || x.Statements <= 0 || x.Allocations <= 0 || x.AnswerBytes <= 0 || x.P99Micros < x.P50Micros {
				t.Errorf("%s: %+v", x.Name, x)
			}
			if (report.Machine.Database == string(database.Postgres)) != (x.PgbenchFloor > 0) {
				t.Errorf("%s: pgbench selects %f rows in a second", x.Name, x.PgbenchFloor)
			}
		}
		for _, x := range report.Writes {
			if x.Micros <= 0 || x.FloorBefore <= 0 || x.FloorAfter <= 0 || x.OfFloor <= 0 || x.Statements <= 0 || x.FloorRows <= 0 {
				t.Errorf("%s: %+v", x.Name, x)
			}
		}
		if report.Problems == nil || *report.Problems != 0 {
			t.Errorf("problems: %v", report.Problems)
		}
		if after := databases(t, url); after != before {
			t.Errorf("there was %q, and is now %q", before, after)
		}
		if t.Failed() {
			t.Log(o.stdout)
		}
	})
}

func reportIn(t *testing.T, file string) *bench.Report {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r bench.Report
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// databases are those that bench has made: files in the temporary folder, or databases on the
// server.
func databases(t *testing.T, url string) string {
	t.Helper()
	if strings.HasPrefix(url, "sqlite:") {
		files, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(files, " ")
	}
	db, err := database.Open(t.Context(), url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var b strings.Builder
	err = database.Each(t.Context(), db.Reader(), func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		fmt.Fprintf(&b, "%s ", name)
		return err
	}, `SELECT datname FROM pg_database WHERE datname LIKE 'licensegraph_bench%' ORDER BY datname`)
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBenchKeepsADatabaseAndMeasuresItAgainAsItWas(t *testing.T) {
	eachURL(t, dbtest.EmptyURL, func(t *testing.T, url string) {
		keep := "licensegraph_kept_" + strings.ToLower(strings.NewReplacer("/", "_").Replace(t.Name()))
		if strings.HasPrefix(url, "sqlite:") {
			keep = filepath.Join(t.TempDir(), "kept.db")
		} else {
			t.Cleanup(func() {
				if err := database.Drop(context.Background(), url, keep); err != nil {
					t.Error(err)
				}
			})
		}
		run := func(args ...string) outcome {
			return on(t, url, append([]string{"bench", "--users", "1000", "--duration", "10ms", "--rounds", "1", "--connections", "1", "--keep", keep}, args...)...)
		}
		run("--reuse").refused(t, 1, "there is no", "kept")
		run("--only", "check-plan", "--skip-verify").done(t)
		run("--only", "check-plan").refused(t, 1, "already", "--reuse")
		first := run("--reuse", "--only", "heal,add-member").done(t)
		if !strings.Contains(first.stdout, "\nheal ") || strings.Contains(first.stdout, "\nswap ") || !strings.Contains(first.stdout, "0 problems") {
			t.Errorf("%s", first.stdout)
		}
		again := run("--reuse", "--only", "heal").done(t)
		if !strings.Contains(again.stdout, " -196 ") { // one in five of 980 waits again
			t.Errorf("%s", again.stdout)
		}
		on(t, url, "bench", "--users", "2000", "--keep", keep, "--reuse").refused(t, 1, "2000 users", "does not hold")
	})
}

func TestBenchCleansUpWhenItIsInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	eachURL(t, dbtest.EmptyURL, func(t *testing.T, url string) {
		before := databases(t, url)
		ctx, cancel := context.WithCancel(t.Context())
		stderr := cancelAt{"users", cancel, new(bytes.Buffer)}
		code := cli.Main(ctx, cli.Process{Args: []string{"bench", "--users", "1000", "--database-url", url}, Stdout: stderr, Stderr: stderr, Terminal: true})
		if text := stderr.String(); code != 1 || !strings.HasSuffix(text, "interrupted\n") {
			t.Errorf("exit code %d: %q", code, text)
		}
		if after := databases(t, url); after != before {
			t.Errorf("there was %q, and is now %q", before, after)
		}
	})
}

// cancelAt cancels when a text is written.
type cancelAt struct {
	text   string
	cancel func()
	*bytes.Buffer
}

func (c cancelAt) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(c.text)) {
		c.cancel()
	}
	return c.Buffer.Write(b)
}

func TestBenchRefusesWhatCannotBeMeasured(t *testing.T) {
	for args, want := range map[string]string{
		"--users 999":       "1000 or more",
		"--only no-such":    `"no-such"`,
		"--reuse":           "--keep",
		"--duration 0s":     "more than 0",
		"--rounds=0":        "more than 0",
		"--connections=0":   "more than 0",
		"--only one-user,x": "check-plan",
	} {
		program(t.Context(), append([]string{"bench"}, strings.Fields(args)...)...).refused(t, 2, want, "licensegraph bench --help")
	}
	program(t.Context(), "bench", "--against", filepath.Join(t.TempDir(), "none.json")).refused(t, 1, "none.json")
	if o := program(t.Context(), "bench", "--help").done(t); !strings.Contains(o.stdout, "never touches data") || !strings.Contains(o.stdout, "--against") {
		t.Errorf("%s", o.stdout)
	}
}
