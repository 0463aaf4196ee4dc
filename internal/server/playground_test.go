package server_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/server"
)

func get(t *testing.T, h *harness, path string, headers ...string) answer {
	t.Helper()
	return h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil), append([]string{"Authorization", ""}, headers...)...)
}

func TestThePageIsPublicAndLoadsNothingFromElsewhere(t *testing.T) {
	h := newHarness(t)
	page := get(t, h, "/")
	if page.status != 200 || page.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", page.status, page.header)
	}
	policy := page.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "font-src data:", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %q: %s", part, policy)
		}
	}
	assets := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.text, -1)
	if len(assets) < 7 {
		t.Fatalf("%d assets", len(assets))
	}
	for _, m := range assets {
		a := get(t, h, "/"+m[1])
		if a.status != 200 || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", m[1], a.status, a.header)
		}
		if regexp.MustCompile(`url\(["']?(https?:)?//|@import|sourceMappingURL`).MatchString(a.text) {
			t.Errorf("%s refers to something elsewhere", m[1])
		}
	}
}

func TestExamplesBecomeTabsAndCannotBreakOutOfThePage(t *testing.T) {
	h := newHarness(t, func(c *server.Config) {
		c.Examples = []server.Example{
			{Title: "Who has what", Query: "\nquery Who { things { id } }\n", Variables: `{"a": "</script><script>alert(1)"}`},
		}
	})
	page := get(t, h, "/").text
	m := regexp.MustCompile(`(?s)id="tabs">(.*?)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no tabs in the page")
	}
	var tabs []struct{ Query, Variables string }
	decode(t, []byte(m[1]), &tabs)
	if len(tabs) != 1 || tabs[0].Query != "# Who has what\nquery Who { things { id } }\n" || !strings.Contains(tabs[0].Variables, "</script>") {
		t.Errorf("%+v", tabs)
	}
}

func TestAssetsAreServedByNameWithTheirLicences(t *testing.T) {
	h := newHarness(t)
	for _, name := range []string{"LICENSE-graphiql.txt", "LICENSE-react.txt", "LICENSE-react-dom.txt", "THIRD-PARTY.txt"} {
		if a := get(t, h, "/playground/"+name); a.status != 200 || !strings.Contains(a.text, "Permission is hereby granted") {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	for _, path := range []string{"/playground/page.html", "/playground/", "/playground/assets", "/playground/..%2fserver.go", "/playground/nothing.js"} {
		if a := get(t, h, path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	etag := get(t, h, "/playground/page.js").header.Get("ETag")
	if a := get(t, h, "/playground/page.js", "If-None-Match", etag); a.status != http.StatusNotModified {
		t.Errorf("revalidation: %d", a.status)
	}
}
