package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// lines decodes the log.
func (h *harness) lines(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(h.log.String()) {
		var m map[string]any
		decode(t, []byte(line), &m)
		out = append(out, m)
	}
	return out
}

func TestTheAccessLogTellsWhoDidWhatWithoutSecrets(t *testing.T) {
	h := newHarness(t)
	h.post(t, `{"query":"query WhoIs($v: String) { echo(text: $v) }","variables":{"v":"private"}}`, "X-Request-Id", "req-1")
	lines := h.lines(t)
	if len(lines) != 1 {
		t.Fatalf("%d lines: %s", len(lines), h.log)
	}
	for key, want := range map[string]any{
		"level": "info", "message": "request", "method": "POST", "path": "/graphql", "status": 200.0, "operation": "WhoIs",
		"operation_type": "query", "request_id": "req-1", "tenant": "tenant_1", "token_id": "token_1", "duration_ms": 0.0,
	} {
		if lines[0][key] != want {
			t.Errorf("%s: got %v, want %v", key, lines[0][key], want)
		}
	}
	h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/graphql?query={private}", nil))
	h.post(t, query("{ private }"))
	h.post(t, query("{ leaky }"))
	for _, secret := range []string{"private", goodToken, "Bearer"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, h.log)
		}
	}
}

func TestProbesAreQuietInTheLog(t *testing.T) {
	h := newHarness(t)
	h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/livez", nil))
	if lines := h.lines(t); len(lines) != 1 || lines[0]["level"] != "debug" {
		t.Errorf("%s", h.log)
	}
}

func TestTheRequestIdIsTakenOverIfSaneAndStandsEverywhere(t *testing.T) {
	h := newHarness(t)
	for given, taken := range map[string]bool{"trace:42/a": true, "": false, "a b": false, "<x>": false, strings.Repeat("x", 129): false} {
		h.log.Reset()
		a := h.post(t, query("{ nothing refused }"), "X-Request-Id", given)
		id := a.header.Get("X-Request-Id")
		if (id == given) != taken || id == "" {
			t.Errorf("given %q, got %q", given, id)
		}
		for _, e := range a.body.Errors {
			if e.Extensions["requestId"] != id {
				t.Errorf("an error has %v, not %q", e.Extensions["requestId"], id)
			}
		}
		if lines := h.lines(t); lines[0]["request_id"] != id {
			t.Errorf("the log has %v, not %q", lines[0]["request_id"], id)
		}
	}
}

func TestAPanicOutsideTheResolversIsInternalAndLeavesItsStackInTheLog(t *testing.T) {
	h := newHarness(t)
	a := h.post(t, query("{ __typename }"), "Authorization", "Bearer lgt_panic")
	if a.status != http.StatusInternalServerError || a.code(t) != "INTERNAL" || strings.Contains(a.text, "panicked") {
		t.Errorf("%d %s", a.status, a.text)
	}
	lines := h.lines(t)
	if len(lines) != 2 || lines[0]["panic"] != "the store of tokens panicked" || lines[0]["stack"] == "" || lines[1]["status"] != 500.0 {
		b, _ := json.Marshal(lines)
		t.Errorf("%s", b)
	}
}
