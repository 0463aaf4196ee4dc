package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/access"
	"github.com/licensegraph/licensegraph/internal/cli"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/demo"
	"github.com/licensegraph/licensegraph/internal/id"
)

// outcome is what a run of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// program runs the program in this process.
func program(ctx context.Context, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := cli.Main(ctx, cli.Process{Args: args, Stdout: &stdout, Stderr: &stderr})
	return outcome{code, stdout.String(), stderr.String()}
}

// on runs the program on a database.
func on(t *testing.T, url string, args ...string) outcome {
	t.Helper()
	return program(t.Context(), append(args, "--database-url", url)...)
}

// done fails the test unless the program did what it was asked, silently.
func (o outcome) done(t *testing.T) outcome {
	t.Helper()
	if o.code != 0 || o.stderr != "" {
		t.Fatalf("exit code %d, stderr %q", o.code, o.stderr)
	}
	return o
}

// refused fails the test unless the program ended with a code and one line that holds texts.
func (o outcome) refused(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d", o.code, code)
	}
	if !strings.HasPrefix(o.stderr, "licensegraph: ") || strings.Count(o.stderr, "\n") != 1 {
		t.Errorf("stderr is not one line of the program: %q", o.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(o.stderr, text) {
			t.Errorf("stderr lacks %q: %s", text, o.stderr)
		}
	}
}

func eachURL(t *testing.T, url func(testing.TB, database.Dialect) string, test func(t *testing.T, url string)) {
	t.Helper()
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) { test(t, url(t, d)) })
	}
}

func TestWrongUsageExitsWith2AndSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"", []string{"demo", "licensegraph --help"}},
		{"bogus", []string{"bogus"}},
		{"verify --bogus", []string{"--bogus", "licensegraph verify --help"}},
		{"tenant create", []string{"--country", "licensegraph tenant create --help"}},
		{"tenant create --country NL", []string{"<name>"}},
		{"tenant create Acme", []string{"--country"}},
		{"tenant update", []string{"say what to change"}},
		{"tenant update Acme", []string{"say what to change", "--deleted-user-retention", "licensegraph tenant update --help"}},
		{"tenant update Acme --dry-run --acknowledge-losses 5", []string{"say what to change"}},
		{"tenant update Acme --grace=-1h", []string{`"-1h"`, "720h, 30d"}},
		{"tenant update Acme --suspension=soon", []string{`"soon"`}},
		{"tenant update Acme --deleted-user-retention=20001d", []string{`"20001d"`, "20000d"}},
		{"tenant update Acme --grace=1500ms", []string{`"1500ms"`, "whole seconds"}},
		{"tenant update Acme --loss-threshold=-1", []string{"--loss-threshold", "-1"}},
		{"tenant update Acme --loss-threshold=2147483648", []string{"2147483647"}},
		{"tenant update Acme --loss-threshold=many", []string{"many"}},
		{"tenant update Acme --country=NL --acknowledge-losses=-1", []string{"--acknowledge-losses"}},
		{"token create --tenant Acme", []string{"--role"}},
		{"token create --tenant Acme --role admin", []string{`"admin" is not a role`, "GLOBAL_ADMIN, LICENSE_ADMIN, USER_ADMIN and GLOBAL_READER"}},
		{"token create --tenant Acme --role GLOBAL_READER --expires soon", []string{`"soon"`, "90d"}},
		{"token create --tenant Acme --role GLOBAL_READER --expires 0d", []string{`"0d"`}},
		{"token create --tenant Acme --role GLOBAL_READER --expires -1h", []string{`-1h`}},
		{"catalog import", []string{"<file>"}},
		{"serve --listen 8080", []string{"HOST:PORT", `"8080"`}},
		{"serve --admin-listen 8081", []string{"--admin-listen", "HOST:PORT", `"8081"`}},
		{"serve --max-connections 1", []string{`"1"`, "2 or more"}},
		{"verify --log-level loud", []string{`"loud"`, "debug, info, warn or error"}},
		{"verify --log-format xml", []string{`"xml"`, "json or console"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			o := program(t.Context(), strings.Fields(c.args)...)
			o.refused(t, 2, c.want...)
			if o.stdout != "" {
				t.Errorf("stdout: %q", o.stdout)
			}
		})
	}
}

func TestWrongEnvironmentIsWrongUsageToo(t *testing.T) {
	t.Setenv("LICENSEGRAPH_LOG_LEVEL", "loud")
	program(t.Context(), "version").refused(t, 2, "LICENSEGRAPH_LOG_LEVEL", "loud")
}

func TestAVariableThatIsSetToNothingIsNotSet(t *testing.T) {
	for _, name := range []string{"DATABASE_URL", "LOG_LEVEL", "LOG_FORMAT", "LISTEN", "ADMIN_LISTEN", "MAX_CONNECTIONS"} {
		t.Setenv("LICENSEGRAPH_"+name, "")
	}
	t.Chdir(t.TempDir())
	program(t.Context(), "migrate", "up").done(t)
	if _, err := os.Stat("licensegraph.db"); err != nil {
		t.Error(err)
	}
	program(t.Context(), "serve", "--listen", "256.0.0.1:0").refused(t, 1, "256.0.0.1")
}

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	t.Setenv("LICENSEGRAPH_DATABASE_URL", "mysql://nowhere")
	program(t.Context(), "tenant", "list").refused(t, 1, "sqlite:PATH", "postgres://")
	on(t, dbtest.URL(t, database.SQLite), "tenant", "list").done(t)
}

func TestHelpIsThereAtEveryLevelWithExamples(t *testing.T) {
	for command, want := range map[string]string{
		"":               "licensegraph migrate up",
		"demo":           "licensegraph demo --data demo.db",
		"serve":          "licensegraph serve --listen",
		"migrate":        "Apply the migrations",
		"migrate up":     "licensegraph migrate up --database-url",
		"migrate status": "pending",
		"tenant":         "Create an organisation",
		"tenant create":  `licensegraph tenant create "Example Ltd" --country NL`,
		"tenant update":  "--suspension=TIME",
		"tenant list":    "id, country, the terms",
		"token":          "Create a token",
		"token create":   "licensegraph token create --tenant",
		"catalog":        "Make the catalogue",
		"catalog import": "--exclusions",
		"verify":         "licensegraph verify --tenant",
		"version":        "Print the version",
	} {
		t.Run(command, func(t *testing.T) {
			o := program(t.Context(), append(strings.Fields(command), "--help")...).done(t)
			for _, text := range []string{want, "--database-url", "LICENSEGRAPH_DATABASE_URL", "--log-level", "--log-format"} {
				if !strings.Contains(o.stdout, text) {
					t.Errorf("the help lacks %q:\n%s", text, o.stdout)
				}
			}
		})
	}
}

func TestCommandsThatTouchDataSayWhatToRunWhereTheDatabaseIsNotMigrated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "products.csv")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eachURL(t, dbtest.EmptyURL, func(t *testing.T, url string) {
		for _, args := range [][]string{
			{"tenant", "list"},
			{"tenant", "create", "Acme", "--country", "NL"},
			{"tenant", "update", "Acme", "--country", "NL"},
			{"token", "create", "--tenant", "Acme", "--role", "GLOBAL_ADMIN"},
			{"catalog", "import", file},
			{"verify"},
			{"serve", "--listen", "127.0.0.1:0"},
		} {
			t.Run(strings.Join(args[:min(2, len(args))], " "), func(t *testing.T) {
				o := on(t, url, args...)
				o.refused(t, 1, "run: licensegraph migrate up")
				if o.stdout != "" {
					t.Errorf("stdout: %q", o.stdout)
				}
			})
		}
	})
}

func TestMigrateUpAppliesWhatIsPendingAndSaysSo(t *testing.T) {
	eachURL(t, dbtest.EmptyURL, func(t *testing.T, url string) {
		before := on(t, url, "migrate", "status").done(t).stdout
		if !strings.HasPrefix(before, "pending 00001 initial\n") || strings.Contains(before, "applied") {
			t.Errorf("status before: %q", before)
		}
		up := on(t, url, "migrate", "up").done(t).stdout
		if want := strings.ReplaceAll(before, "pending", "applied"); up != want {
			t.Errorf("up: %q, want %q", up, want)
		}
		if after := on(t, url, "migrate", "status").done(t).stdout; after != up {
			t.Errorf("status after: %q", after)
		}
		if again := on(t, url, "migrate", "up").done(t).stdout; !strings.HasPrefix(again, "nothing to do") {
			t.Errorf("up again: %q", again)
		}
	})
}

func TestTenantCreatePrintsTheIDAloneAndListShowsIt(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		if out := on(t, url, "tenant", "list").done(t).stdout; out != "" {
			t.Errorf("list of nothing: %q", out)
		}
		key := strings.TrimSuffix(on(t, url, "tenant", "create", "Zeta & Zonen", "--country", "nl").done(t).stdout, "\n")
		if _, err := id.Parse(id.Tenant, key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
		on(t, url, "tenant", "create", "Alpha", "--country", "US").done(t)
		lines := strings.Split(on(t, url, "tenant", "list").done(t).stdout, "\n")
		const usual = "  loss-threshold=100  grace=720h  suspension=2160h  deleted-user-retention=720h  history-retention=0s  audit-retention=0s  "
		if len(lines) != 3 || !strings.HasSuffix(lines[0], "  US"+usual+"Alpha") || lines[1] != key+"  NL"+usual+"Zeta & Zonen" {
			t.Errorf("list: %q", lines)
		}
		on(t, url, "tenant", "create", "ALPHA", "--country", "US").refused(t, 1, `"ALPHA"`, "already")
		on(t, url, "tenant", "create", "Beta", "--country", "UK").refused(t, 1, "UK", "GB")
		on(t, url, "tenant", "create", " ", "--country", "NL").refused(t, 1, "name")
	})
}

func TestTokenCreatePrintsTheTokenAlone(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		args := []string{"token", "create", "--tenant", "alpha", "--role", "USER_ADMIN"}
		on(t, url, args...).refused(t, 1, `"alpha"`, "create one")
		on(t, url, "tenant", "create", "Alpha", "--country", "NL").done(t)
		on(t, url, "tenant", "create", "Beta", "--country", "NL").done(t)
		on(t, url, "token", "create", "--tenant", "Gamma", "--role", "USER_ADMIN").refused(t, 1, `"Gamma"`, `"Alpha", "Beta"`)
		on(t, url, append(args, "--expires", "2020-01-31")...).refused(t, 1, "2020-01-31")
		on(t, url, append(args, "--name", " ")...).refused(t, 1, "name")

		before := clock.Wall{}.Now()
		plain := verifyToken(t, url, on(t, url, args...).done(t).stdout)
		if plain.Name != "command line" || plain.ExpiresAt != nil || plain.Roles[0] != access.UserAdmin {
			t.Errorf("%+v", plain)
		}
		for expires, want := range map[string]clock.Instant{"2999-01-31": 0, "2999-01-31T12:00:00+01:00": 0, "90d": 90 * 86_400_000_000, "12h": 12 * 3_600_000_000} {
			a := verifyToken(t, url, on(t, url, append(args, "--expires", expires, "--name", "nightly job")...).done(t).stdout)
			switch {
			case a.Name != "nightly job" || a.ExpiresAt == nil:
				t.Errorf("%s: %+v", expires, a)
			case want == 0 && !strings.HasPrefix(a.ExpiresAt.String(), "2999-01-31T"):
				t.Errorf("%s: it ends at %s", expires, a.ExpiresAt)
			case want > 0 && (*a.ExpiresAt < before+want || *a.ExpiresAt > clock.Wall{}.Now()+want):
				t.Errorf("%s: it ends at %s", expires, a.ExpiresAt)
			}
		}
	})
}

func verifyToken(t *testing.T, url, printed string) *access.Access {
	t.Helper()
	token, ok := strings.CutSuffix(printed, "\n")
	if !ok || !strings.HasPrefix(token, "lgt_") {
		t.Fatalf("no token alone: %q", printed)
	}
	db, err := database.Open(t.Context(), url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tokens, err := access.New(access.Config{DB: db, Clock: clock.Wall{}, NewID: id.NewV7})
	if err != nil {
		t.Fatal(err)
	}
	a, err := tokens.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVerifyReportsWhatDoesNotHoldAndExitsWith1R17(t *testing.T) {
	eachURL(t, dbtest.URL, func(t *testing.T, url string) {
		on(t, url, "verify").done(t) // without a tenant nothing can be wrong
		db, err := database.Open(t.Context(), url, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		o, err := demo.Build(t.Context(), db, nil)
		if err != nil {
			t.Fatal(err)
		}
		on(t, url, "tenant", "create", "Alpha", "--country", "NL").done(t)
		clean := "Alpha: 0 users and 1 audit event checked, no problem\n"
		if out := on(t, url, "verify").done(t).stdout; !strings.HasPrefix(out, clean+o.Tenant.Name+": ") || !strings.HasSuffix(out, " audit events checked, no problem\n") {
			t.Errorf("clean: %q", out)
		}
		if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE seat_counters SET consumed = consumed + 1 WHERE consumed = 48`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		broken := on(t, url, "verify")
		broken.refused(t, 1, "1 problem found, in 1 of 2 organisations")
		if !strings.Contains(broken.stdout, "1 problem\n  R17 Visio Plan 2: ") || !strings.HasPrefix(broken.stdout, clean) {
			t.Errorf("report: %s", broken.stdout)
		}
		on(t, url, "verify", "--tenant", o.Tenant.Name).refused(t, 1, "1 problem")
		if out := on(t, url, "verify", "--tenant", "ALPHA").done(t).stdout; out != clean {
			t.Errorf("one tenant: %q", out)
		}
		on(t, url, "verify", "--tenant", "Gamma").refused(t, 1, `"Gamma"`, `"Alpha"`)
	})
}

func TestLongWorkShowsProgressOnATerminalAndStaysQuietInAPipe(t *testing.T) {
	url := dbtest.URL(t, database.SQLite)
	db, err := database.Open(t.Context(), url, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := demo.Build(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	for _, terminal := range []bool{true, false} {
		var stdout, stderr bytes.Buffer
		code := cli.Main(t.Context(), cli.Process{Args: []string{"verify", "--database-url", url}, Stdout: &stdout, Stderr: &stderr, Terminal: terminal})
		if shown := strings.Contains(stderr.String(), " audit events checked"); code != 0 || shown != terminal {
			t.Errorf("terminal %t: exit code %d, stderr %q", terminal, code, stderr.String())
		}
	}
}

func TestVersionIsTheBuildsElseDevel(t *testing.T) {
	for told, want := range map[string]string{"v1.2.3": "v1.2.3\n", "": "devel\n"} {
		var stdout bytes.Buffer
		code := cli.Main(t.Context(), cli.Process{Args: []string{"version"}, Stdout: &stdout, Stderr: &stdout, Version: told})
		if code != 0 || stdout.String() != want {
			t.Errorf("exit code %d, %q", code, stdout.String())
		}
	}
}

func TestAnInterruptedCommandSaysSoAndFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	program(ctx, "migrate", "up", "--database-url", dbtest.EmptyURL(t, database.SQLite)).refused(t, 1, "interrupted")
}

func TestAServerThatCannotListenSaysWhy(t *testing.T) {
	url := dbtest.URL(t, database.SQLite)
	on(t, url, "serve", "--listen", "127.0.0.1:1x").refused(t, 1, "1x")
	on(t, "postgres://nobody:sesame@127.0.0.1:1/none", "serve").refused(t, 1, "127.0.0.1:1")
	if o := on(t, "postgres://nobody:sesame@127.0.0.1:1/none", "serve"); strings.Contains(o.stderr, "sesame") {
		t.Errorf("a password is shown: %s", o.stderr)
	}
}
