package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
)

// From an empty database to answers, as README's "A server of your own" has it.
func TestAServerOfYourOwn(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			h := &host{url: dbtest.EmptyURL(t, d)}
			if _, stderr, code := h.run(t, "tenant", "list"); code != 1 || !strings.Contains(stderr, "run: licensegraph migrate up") {
				t.Errorf("not migrated: exit %d, %s", code, stderr)
			}
			h.must(t, "migrate", "up")
			h.must(t, "tenant", "create", "Example Ltd", "--country", "NL")
			h.token = h.must(t, "token", "create", "--tenant", "Example Ltd", "--role", "GLOBAL_ADMIN")
			file := h.file(t)
			h.must(t, "catalog", "import", file)
			if out := h.must(t, "catalog", "import", file); !strings.Contains(out, "nothing changes") {
				t.Errorf("the second import says %s", out)
			}
			_, url := h.serve(t)
			for _, step := range []struct{ query, want string }{
				{`mutation { createSubscription(input: { productId: "` + sku + `", seats: 1 }) { changed userErrors { message } } }`,
					`{"createSubscription":{"changed":true,"userErrors":[]}}`},
				{`mutation { createUser(input: { userPrincipalName: "a@example.com", displayName: "A", usageLocation: "NL", licenses: [{ productId: "` + sku + `" }] }) { changed userErrors { code } } }`,
					`{"createUser":{"changed":true,"userErrors":[]}}`},
				{`mutation { createUser(input: { userPrincipalName: "b@example.com", displayName: "B", usageLocation: "NL", licenses: [{ productId: "` + sku + `" }] }) { changed userErrors { code } } }`,
					`{"createUser":{"changed":false,"userErrors":[{"code":"COUNT_VIOLATION"}]}}`},
				{`{ users { nodes { displayName licenses { product { displayName } status } } } }`,
					`{"users":{"nodes":[{"displayName":"A","licenses":[{"product":{"displayName":"Suite"},"status":"ACTIVE"}]}]}}`},
				{`{ verification { ok } }`, `{"verification":{"ok":true}}`},
			} {
				data, err := h.ask(t.Context(), url, step.query, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := json.Marshal(data); err != nil || string(got) != step.want {
					t.Errorf("%s\n%s, want %s", step.query, got, step.want)
				}
			}
			if out := h.must(t, "verify"); !strings.HasPrefix(out, "Example Ltd: 1 user and ") || !strings.HasSuffix(out, " audit events checked, no problem") {
				t.Errorf("verify beside the server: %s", out)
			}
		})
	}
}

func TestWrongUsageExitsWith2AndRefusalsWith1(t *testing.T) {
	h := &host{url: dbtest.URL(t, database.SQLite)}
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
	if out, _, code := h.run(t, "version"); code != 0 || out != "v9.9.9\n" {
		t.Errorf("version: exit %d, %q", code, out)
	}
}
