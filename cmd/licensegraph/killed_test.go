package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// program builds the binary.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "licensegraph")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// host runs commands of the binary on one database.
type host struct {
	program, url string
	token        string
}

func (h *host) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), h.program, args...)
	cmd.Env = append(os.Environ(), "LICENSEGRAPH_DATABASE_URL="+h.url)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (h *host) must(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := h.run(t, args...)
	if code != 0 {
		t.Fatalf("%v: exit %d, %s", args, code, stderr)
	}
	return strings.TrimSpace(stdout)
}

// serve starts a server and returns it with the address of its API.
func (h *host) serve(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(h.program, "serve", "--listen", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = append(os.Environ(), "LICENSEGRAPH_DATABASE_URL="+h.url)
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(logs)
		for lines.Scan() {
			var line struct{ URL string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.URL != "" {
				select {
				case found <- line.URL:
				default:
				}
			}
		}
	}()
	select {
	case url := <-found:
		return cmd, strings.TrimSuffix(strings.TrimSuffix(url, "/"), "/graphql") + "/graphql"
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not say where it listens")
		return nil, ""
	}
}

// ask sends an operation; ctx may end it.
func (h *host) ask(ctx context.Context, url, query string, variables map[string]any) (map[string]any, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data   map[string]any
		Errors []any
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Errors) > 0 {
		return nil, fmt.Errorf("%s: %s", resp.Status, text)
	}
	return answer.Data, nil
}

const products = `Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names
Suite,SUITE,0b0b0b0b-0000-4000-8000-000000000001,MAIL,0c0c0c0c-0000-4000-8000-000000000001,Mail
Suite,SUITE,0b0b0b0b-0000-4000-8000-000000000001,DRIVE,0c0c0c0c-0000-4000-8000-000000000002,Drive
`

const sku = "0b0b0b0b-0000-4000-8000-000000000001"

// From an empty database to an answer, as README's "A server of your own" has it; then the
// server is killed in the middle of bulk assignments, and the state still holds (R17).
func TestServerOfYourOwnSurvivesBeingKilledDuringBulkAssignments(t *testing.T) {
	binary := program(t)
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			h := &host{program: binary, url: dbtest.EmptyURL(t, d)}
			if _, stderr, code := h.run(t, "tenant", "list"); code != 1 || !strings.Contains(stderr, "run: licensegraph migrate up") {
				t.Errorf("not migrated: exit %d, %s", code, stderr)
			}
			h.must(t, "migrate", "up")
			h.must(t, "tenant", "create", "Example Ltd", "--country", "NL")
			h.token = h.must(t, "token", "create", "--tenant", "Example Ltd", "--role", "GLOBAL_ADMIN")
			file := filepath.Join(t.TempDir(), "products.csv")
			if err := os.WriteFile(file, []byte(products), 0o600); err != nil {
				t.Fatal(err)
			}
			h.must(t, "catalog", "import", file)
			if out := h.must(t, "catalog", "import", file); !strings.Contains(out, "nothing changes") {
				t.Errorf("the second import says %s", out)
			}

			server, url := h.serve(t)
			mustAsk := func(query string, variables map[string]any) map[string]any {
				t.Helper()
				data, err := h.ask(t.Context(), url, query, variables)
				if err != nil {
					t.Fatal(err)
				}
				return data
			}
			mustAsk(`mutation($p: ID!) { createSubscription(input: { productId: $p, seats: 150 }) { changed userErrors { message } } }`, map[string]any{"p": sku})
			var users []string
			for n := range 200 {
				data := mustAsk(`mutation($n: String!) { createUser(input: { userPrincipalName: $n, displayName: $n }) { user { id } } }`,
					map[string]any{"n": fmt.Sprintf("user%d@example.com", n)})
				users = append(users, data["createUser"].(map[string]any)["user"].(map[string]any)["id"].(string))
			}
			const change = `mutation($u: [ID!]!, $add: [LicenseInput!], $remove: [ID!]) {
				assignLicenses(input: { principalIds: $u, add: $add, remove: $remove }) { changed } }`
			add := map[string]any{"u": users, "add": []any{map[string]any{"productId": sku}}}
			remove := map[string]any{"u": users, "remove": []string{sku}}
			for round := range 3 {
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					for n := range 1000 { // until the server is gone
						in := add
						if n%2 == 1 {
							in = remove
						}
						if _, err := h.ask(t.Context(), url, change, in); err != nil {
							return
						}
					}
				}()
				time.Sleep(time.Duration(150+70*round) * time.Millisecond)
				if err := server.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				<-stopped
				_ = server.Wait()
				if out, stderr, code := h.run(t, "verify"); code != 0 {
					t.Errorf("after being killed: exit %d\n%s%s", code, out, stderr)
				}
				server, url = h.serve(t)
			}
			if err := server.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := server.Wait(); err != nil {
				t.Errorf("SIGTERM: %v", err)
			}
		})
	}
}

func TestWrongUsageExitsWith2AndRefusalsWith1(t *testing.T) {
	h := &host{program: program(t), url: dbtest.URL(t, database.SQLite)}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{2, "unexpected argument", []string{"tenants"}},
		{2, "country", []string{"tenant", "create", "Example"}},
		{1, "ZZ", []string{"tenant", "create", "Example", "--country", "ZZ"}},
		{1, "Nobody", []string{"token", "create", "--tenant", "Nobody", "--role", "GLOBAL_ADMIN"}},
		{1, "missing.csv", []string{"catalog", "import", "missing.csv"}},
		{1, "postgres://", []string{"tenant", "list", "--database-url", "mysql://x"}},
	} {
		_, stderr, code := h.run(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: exit %d with %q, want %d naming %q", c.args, code, stderr, c.code, c.says)
		}
	}
	if out, _, code := h.run(t, "version"); code != 0 || strings.TrimSpace(out) == "" {
		t.Errorf("version: exit %d, %q", code, out)
	}
}
