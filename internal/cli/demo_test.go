package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/cli"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// running is a demo at work in this process.
type running struct {
	*testing.T
	stop   func() int // ends it in order; returns the exit code
	output string     // what it printed before it served
}

// output is written by the demo and read by the test.
type output struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes.String()
}

func startDemo(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr output
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, cli.Process{Args: append([]string{"demo"}, args...), Stdout: &stdout, Stderr: &stderr})
	}()
	d := &running{T: t, stop: sync.OnceValue(func() int { cancel(); return <-ended })}
	t.Cleanup(func() {
		if code := d.stop(); code != 0 || stderr.String() != "" {
			t.Errorf("exit code %d, stderr %q", code, stderr.String())
		}
	})
	for deadline := time.Now().Add(time.Minute); !strings.Contains(stdout.String(), "Ctrl-C"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) || len(ended) > 0 {
			t.Fatalf("the demo does not serve: %s%s", stdout.String(), stderr.String())
		}
	}
	d.output = stdout.String()
	return d
}

// find returns what a pattern's group matches in the output.
func (d *running) find(pattern string) string {
	d.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(d.output)
	if found == nil {
		d.Fatalf("%s is not in the output:\n%s", pattern, d.output)
	}
	return found[1]
}

func (d *running) graphql() string { return d.find(`(?m)^GraphQL +(http://127\.0\.0\.1:\d+/graphql)$`) }

func (d *running) token(role string) string { return d.find(`(?m)^` + role + ` (lgt_\w+)$`) }

// ask sends a query and returns the answer's body.
func (d *running) ask(token, query string) string {
	d.Helper()
	return ask(d.T, d.graphql(), token, query)
}

func ask(t *testing.T, url, token, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestDemoServesItsOrganisationToEachRoleAndLeavesNothingBehind(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	d := startDemo(t)
	for _, role := range []string{"GLOBAL_ADMIN", "LICENSE_ADMIN", "USER_ADMIN", "GLOBAL_READER"} {
		want := `{"data":{"viewer":{"roles":["` + role + `"],"tenant":{"name":"Vesterholt Instruments"}}}}`
		if got := strings.TrimSpace(d.ask(d.token(role), `{ viewer { roles tenant { name } } }`)); got != want {
			t.Errorf("%s: %s", role, got)
		}
	}
	if got := d.find(`(?m)^Playground (http://127\.0\.0\.1:\d+/#token=lgt_\w+)$`); !strings.HasSuffix(got, "="+d.token("GLOBAL_ADMIN")) {
		t.Errorf("playground: %s", got)
	}
	if !strings.Contains(d.ask(d.token("GLOBAL_ADMIN"), `{ verification { ok problems { message } } }`), `"ok":true`) {
		t.Error("the verification is not clean")
	}
	if code := d.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// what each example must show; the first three are those printed.
var shown = []struct{ operation, text string }{
	{"WhoHasWhatAndWhy", `"code":"MUTUALLY_EXCLUSIVE_VIOLATION"`},
	{"Seats", `"seats":{"total":48,"consumed":48,"reserved":0,"available":0,"waiting":10,"inError":10},"subscriptions":[{"status":"ENABLED","seats":48`},
	{"InError", `"code":"COUNT_VIOLATION"`},
	{"PlanByPlan", `"enabled":false,"enabledBy":[],"disabledBy":[],"withheldBy":[{"kind":"GROUP","group":{"displayName":"Project Managers"}`},
	{"MayUse", `{"allowed":false,"reason":"SOURCE_IN_ERROR"}`},
	{"Preview", `"dryRun":true,"impact":{"usersGaining":10,`},
}

func TestThePrintedQueriesAndThePlaygroundsTabsAreTheSameAndAnswer(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := startDemo(t)
	tabs := d.tabs()
	if len(tabs) != len(shown) {
		t.Fatalf("%d tabs", len(tabs))
	}
	for i, query := range tabs {
		answer := d.ask(d.token("GLOBAL_ADMIN"), query)
		if !strings.Contains(query, " "+shown[i].operation+" {") || !strings.Contains(answer, shown[i].text) || strings.Contains(answer, `"errors":[{"message"`) {
			t.Errorf("%s\n%s", query, answer)
		}
		if printed := strings.Contains(d.output, strings.TrimSpace(query)); printed != (i < 3) {
			t.Errorf("printed %t: %s", printed, query)
		}
	}
}

// The list of reasons is closed, and the organisation has somebody for each: in the error list,
// and in the printed query that asks what is in error.
func TestDemoHasALiveExampleOfEveryLicenseErrorCode(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := startDemo(t)
	token := d.token("GLOBAL_READER")
	var all struct {
		Data struct {
			Type struct{ EnumValues []struct{ Name string } } `json:"__type"`
		}
	}
	if err := json.Unmarshal([]byte(d.ask(token, `{ __type(name: "LicenseErrorCode") { enumValues { name } } }`)), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Data.Type.EnumValues) < 5 {
		t.Fatalf("%d codes", len(all.Data.Type.EnumValues))
	}
	printed := d.ask(token, d.tabs()[2])
	for _, code := range all.Data.Type.EnumValues {
		text := `"code":"` + code.Name + `"`
		if got := d.ask(token, `{ licenseErrors(filter: { codes: [`+code.Name+`] }, first: 1) { nodes { code } } }`); !strings.Contains(got, text) {
			t.Errorf("nobody bears %s: %s", code.Name, got)
		}
		if !strings.Contains(printed, text) {
			t.Errorf("the query that is printed does not list %s", code.Name)
		}
	}
}

// tabs are the queries in the playground's page.
func (d *running) tabs() []string {
	d.Helper()
	request, err := http.NewRequestWithContext(d.Context(), http.MethodGet, strings.TrimSuffix(d.graphql(), "graphql"), nil)
	if err != nil {
		d.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		d.Fatal(err)
	}
	found := regexp.MustCompile(`(?s)<script[^>]*type="application/json"[^>]*>(.*?)</script>`).FindSubmatch(page)
	if found == nil {
		d.Fatalf("no tabs in the page: %s", page)
	}
	var tabs []struct{ Query string }
	if err := json.Unmarshal(found[1], &tabs); err != nil {
		d.Fatal(err)
	}
	queries := make([]string, len(tabs))
	for i, tab := range tabs {
		queries[i] = tab.Query
	}
	return queries
}

func TestDemoKeepsItsOrganisationWithData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo.db")
	first := startDemo(t, "--data", path)
	const buy = `mutation { createUser(input: { userPrincipalName: "new@vesterholt.example", displayName: "New Person" }) { changed } }`
	if got := first.ask(first.token("USER_ADMIN"), buy); !strings.Contains(got, `"changed":true`) {
		t.Fatal(got)
	}
	first.stop()
	second := startDemo(t, "--data", path)
	if got := second.ask(second.token("GLOBAL_READER"), `{ users(search: "new") { totalCount } }`); !strings.Contains(got, `"totalCount":1`) {
		t.Error(got)
	}
	if got := second.ask(first.token("GLOBAL_READER"), `{ viewer { name } }`); !strings.Contains(got, `"demo GLOBAL_READER"`) {
		t.Errorf("a token of the first run: %s", got)
	}
}

func TestTwoDemosTakeTwoPortsAndKnowNothingOfEachOther(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a, b := startDemo(t), startDemo(t)
	if a.graphql() == b.graphql() {
		t.Fatal("one address")
	}
	if got := b.ask(a.token("GLOBAL_ADMIN"), `{ viewer { name } }`); !strings.Contains(got, "UNAUTHENTICATED") {
		t.Errorf("the token of one opens the other: %s", got)
	}
}

func TestDemoRefusesAFileOfAnotherDatabaseAndLeavesItAlone(t *testing.T) {
	for name, url := range map[string]string{"migrated": dbtest.URL(t, database.SQLite), "empty": dbtest.EmptyURL(t, database.SQLite)} {
		t.Run(name, func(t *testing.T) {
			before := on(t, url, "migrate", "status").done(t).stdout
			program(t.Context(), "demo", "--data", strings.TrimPrefix(url, "sqlite:")).refused(t, 1, "holds another database")
			if after := on(t, url, "migrate", "status").done(t).stdout; after != before {
				t.Errorf("it was migrated: %q", after)
			}
		})
	}
	program(t.Context(), "demo", "--data", filepath.Join(t.TempDir(), "no", "such.db")).refused(t, 1, "no folder")
}

func TestAnInterruptedDemoLeavesNoHalfOfAnOrganisation(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout bytes.Buffer
	code := cli.Main(ctx, cli.Process{
		Args:   []string{"demo", "--data", filepath.Join(folder, "demo.db")},
		Stdout: &stdout, Stderr: trigger{"people of Sales", cancel}, Terminal: true,
	})
	if code != 1 || stdout.Len() > 0 {
		t.Errorf("exit code %d, stdout %q", code, stdout.String())
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// trigger is a writer that does something when it is told a text.
type trigger struct {
	text string
	do   func()
}

func (t trigger) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(t.text)) {
		t.do()
	}
	return len(b), nil
}
