package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/rs/zerolog"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/server"
	"github.com/licensegraph/licensegraph/internal/server/internal/testschema"
)

const goodToken = "lgt_good"

type callerKey struct{}

// harness is a server over the test schema, with what it logs.
type harness struct {
	*server.Server
	schema *testschema.Schema
	log    *bytes.Buffer
}

// config returns a complete configuration and the harness that it will fill.
func config(t *testing.T) (server.Config, *harness) {
	t.Helper()
	schema, err := testschema.New()
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{schema: schema, log: &bytes.Buffer{}}
	return server.Config{
		Schema:       schema,
		Authenticate: authenticate,
		Identify: func(ctx context.Context) server.Identity {
			return server.Identity{Tenant: "tenant_1", Token: ctx.Value(callerKey{}).(string)}
		},
		ErrorPresenter: present,
		Recover: func(context.Context, any) error {
			return &gqlerror.Error{Message: "something broke", Extensions: map[string]any{"code": "INTERNAL"}}
		},
		Logger:  zerolog.New(h.log),
		Clock:   clock.NewManual(time.Unix(0, 0)),
		Ready:   func(context.Context) error { return nil },
		Version: "1.2.3",
	}, h
}

func authenticate(ctx context.Context, token string) (context.Context, error) {
	switch token {
	case goodToken:
		return context.WithValue(ctx, callerKey{}, "token_1"), nil
	case "lgt_down":
		return nil, fault.Wrap(errors.New("connection refused"), fault.Unavailable, "no database")
	case "lgt_slow":
		<-ctx.Done()
		return nil, ctx.Err()
	case "lgt_panic":
		panic("the store of tokens panicked")
	}
	return nil, errors.New("no such token")
}

// present passes errors with a code on and leaves the others as they are, bare.
func present(_ context.Context, err error) *gqlerror.Error {
	var e *gqlerror.Error
	if errors.As(err, &e) {
		return e
	}
	return &gqlerror.Error{Message: err.Error()}
}

func newHarness(t *testing.T, change ...func(*server.Config)) *harness {
	t.Helper()
	cfg, h := config(t)
	for _, c := range change {
		c(&cfg)
	}
	srv, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = srv
	return h
}

// post sends a body as an authenticated GraphQL request; headers come in pairs and replace, or
// with an empty value remove, the ordinary ones.
func (h *harness) post(t *testing.T, body string, headers ...string) answer {
	t.Helper()
	return h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body)), headers...)
}

func (h *harness) send(t *testing.T, r *http.Request, headers ...string) answer {
	t.Helper()
	r.Header.Set("Authorization", "Bearer "+goodToken)
	if r.Method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/graphql-response+json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return read(t, w.Result())
}

// answer is a response, decoded where it is JSON.
type answer struct {
	status int
	header http.Header
	text   string
	body   struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message    string         `json:"message"`
			Path       []any          `json:"path"`
			Locations  []any          `json:"locations"`
			Extensions map[string]any `json:"extensions"`
		} `json:"errors"`
	}
}

func read(t *testing.T, resp *http.Response) answer {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &a.body); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return a
}

// code is the code of the only error.
func (a answer) code(t *testing.T) string {
	t.Helper()
	if len(a.body.Errors) != 1 {
		t.Fatalf("want one error, got %d: %s", len(a.body.Errors), a.text)
	}
	code, _ := a.body.Errors[0].Extensions["code"].(string)
	return code
}

func query(q string) string { return request(q, nil) }

func request(q string, variables any) string {
	b, _ := json.Marshal(map[string]any{"query": q, "variables": variables})
	return string(b)
}

func TestNewRefusesMissingDependenciesByName(t *testing.T) {
	cases := map[string]func(*server.Config){
		"Schema":         func(c *server.Config) { c.Schema = nil },
		"Authenticate":   func(c *server.Config) { c.Authenticate = nil },
		"ErrorPresenter": func(c *server.Config) { c.ErrorPresenter = nil },
		"Recover":        func(c *server.Config) { c.Recover = nil },
		"Clock":          func(c *server.Config) { c.Clock = nil },
		"Ready":          func(c *server.Config) { c.Ready = nil },
		"RequestTimeout": func(c *server.Config) { c.Limits.RequestTimeout = time.Hour },
		"negative":       func(c *server.Config) { c.Limits.BodyBytes = -1 },
		"nil":            func(c *server.Config) { c.Extensions = []graphql.HandlerExtension{nil} },
		"nothing":        func(c *server.Config) { c.Extensions = []graphql.HandlerExtension{hookless{}} },
		"unfit":          func(c *server.Config) { c.Extensions = []graphql.HandlerExtension{unfit{}} },
		"variables":      func(c *server.Config) { c.Examples = []server.Example{{Query: "{ a }", Variables: "{"}} },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			cfg, _ := config(t)
			change(&cfg)
			if _, err := server.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want an error that says %q", err, name)
			}
		})
	}
}

type hookless struct{}

func (hookless) ExtensionName() string                   { return "Hookless" }
func (hookless) Validate(graphql.ExecutableSchema) error { return nil }

type unfit struct{ refuser }

func (unfit) Validate(graphql.ExecutableSchema) error { return errors.New("unfit") }

func TestReservedPathsAreNotFoundWithAReason(t *testing.T) {
	h := newHarness(t)
	for _, path := range []string{"/app", "/app/users", "/docs", "/docs/"} {
		a := h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if a.status != http.StatusNotFound || !strings.Contains(a.text, "reserved for the") {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	if a := h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/else", nil)); a.status != http.StatusNotFound {
		t.Errorf("/else: %d", a.status)
	}
}

func TestProbesTellLifeAndReadinessWithoutReasons(t *testing.T) {
	var notReady error
	h := newHarness(t, func(c *server.Config) { c.Ready = func(context.Context) error { return notReady } })
	probe := func(path string) answer {
		return h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil), "Authorization", "")
	}
	if a := probe("/livez"); a.status != 200 || !strings.Contains(a.text, `"alive"`) || !strings.Contains(a.text, "1.2.3") {
		t.Errorf("livez: %d %s", a.status, a.text)
	}
	if a := probe("/readyz"); a.status != 200 || !strings.Contains(a.text, `"ready"`) {
		t.Errorf("readyz: %d %s", a.status, a.text)
	}
	notReady = errors.New("migrations are not at head")
	a := probe("/readyz")
	if a.status != http.StatusServiceUnavailable || strings.Contains(a.text, "migrations") {
		t.Errorf("readyz when not ready: %d %s", a.status, a.text)
	}
	if !strings.Contains(h.log.String(), "migrations are not at head") {
		t.Errorf("the reason is not in the log: %s", h.log)
	}
}

func TestEveryResponseBearsSecurityHeaders(t *testing.T) {
	h := newHarness(t)
	for _, path := range []string{"/", "/graphql", "/livez", "/nothing", "/playground/page.js"} {
		a := h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		for _, name := range []string{
			"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "X-Request-Id",
		} {
			if a.header.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		if a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: CORS is open", path)
		}
	}
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
}
