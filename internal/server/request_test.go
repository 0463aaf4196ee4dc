package server

import (
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"
)

// FuzzParseBody feeds the reader of request bodies anything at all: it answers with parameters
// that are fit for the executor, or with one well-made refusal.
func FuzzParseBody(f *testing.F) {
	for _, seed := range []string{
		`{"query":"{ a }","variables":{"v":[1,"\ud83c\udfc3",{"x":null}]},"operationName":"A","extensions":{}}`,
		`{"query":"{ a }","operationName":null}`,
		`{"extensions":{"persistedQuery":{}}}`,
		`[{"query":"{ a }"}]`, `{"query":1}`, `{"query":"\ud800"}`, `{"variables":{"v":"\u0000"}}`, `{"query":"{a}"}{}`, ``, `{{{{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, refusal := parseBody(body, 16)
		if (p == nil) == (refusal == nil) {
			t.Fatalf("both or neither: %v, %v", p, refusal)
		}
		if refusal != nil {
			if refusal.status != http.StatusBadRequest || len(refusal.errs) != 1 || refusal.errs[0].Extensions["code"] != codeBadInput {
				t.Fatalf("refusal %d %v", refusal.status, refusal.errs)
			}
			if m := refusal.errs[0].Message; !utf8.ValidString(m) || len(m) > 4096 {
				t.Fatalf("message %q", m)
			}
			return
		}
		if !json.Valid(body) || !utf8.ValidString(p.query) || p.query == "" && p.extensions["persistedQuery"] == nil {
			t.Fatalf("taken: %q as %#v", body, p)
		}
	})
}

// FuzzBadEscape holds the scan for escapes against itself: it ends, within the text.
func FuzzBadEscape(f *testing.F) {
	for _, seed := range []string{`{ a(b: "\u0000") }`, `"""\ud800"""`, `"\u{0`, `"\ud800\u`, `# "\ud800`, `"\`, `""""`, `"\""""`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if at, reason := badEscape(query); at < 0 || at > len(query) || !reason.IsZero() && at == len(query) {
			t.Fatalf("at %d of %d: %s", at, len(query), reason)
		}
	})
}
