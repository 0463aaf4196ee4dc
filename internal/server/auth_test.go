package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/server"
)

func TestNobodyReachesGraphQLWithoutAToken(t *testing.T) {
	h := newHarness(t)
	introspection := query("{ __schema { queryType { name } } }")
	for name, header := range map[string]string{
		"no header":       "",
		"another scheme":  "Basic dXNlcjpwYXNz",
		"no token":        "Bearer ",
		"bare token":      goodToken,
		"unknown token":   "Bearer lgt_unknown",
		"token and more":  "Bearer " + goodToken + " x",
		"control byte":    "Bearer " + goodToken + "\x7f",
		"absurdly long":   "Bearer " + strings.Repeat("a", 5000),
		"token twice":     "Bearer " + goodToken + ", Bearer " + goodToken,
		"not even ASCII":  "Bearer é",
		"scheme run into": "Bearer" + goodToken,
	} {
		for _, r := range []*http.Request{
			httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(introspection)),
			httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/graphql?query={__typename}", nil),
			httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/graphql", nil),
			httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader("not even JSON")),
		} {
			a := h.send(t, r, "Authorization", header)
			if a.status != http.StatusUnauthorized || a.code(t) != "UNAUTHENTICATED" {
				t.Errorf("%s, %s: %d %s", name, r.Method, a.status, a.text)
			}
			if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") || a.body.Data != nil {
				t.Errorf("%s, %s: %v", name, r.Method, a.header)
			}
		}
	}
}

func TestTwoAuthorizationHeadersAreRefused(t *testing.T) {
	h := newHarness(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(query("{ __typename }")))
	r.Header["Authorization"] = []string{"Bearer " + goodToken, "Bearer " + goodToken}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
}

func TestTheSchemeIsReadInAnyLetterCase(t *testing.T) {
	h := newHarness(t)
	if a := h.post(t, query("{ __typename }"), "Authorization", "bearer  "+goodToken); a.status != 200 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestTokensThatCannotBeCheckedAreNotCalledWrong(t *testing.T) {
	h := newHarness(t, func(c *server.Config) { c.Limits.RequestTimeout = 20 * time.Millisecond })
	for _, token := range []string{"lgt_down", "lgt_slow"} {
		a := h.post(t, query("{ __typename }"), "Authorization", "Bearer "+token)
		if a.status != http.StatusServiceUnavailable || a.code(t) != "UNAVAILABLE" || strings.Contains(a.text, "refused") {
			t.Errorf("%s: %d %s", token, a.status, a.text)
		}
	}
	if !strings.Contains(h.log.String(), "connection refused") {
		t.Errorf("the cause is not in the log: %s", h.log)
	}
}
