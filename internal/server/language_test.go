package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheServerSpeaksTheLanguageOfTheRequest(t *testing.T) {
	h := newHarness(t)
	for name, c := range map[string]struct {
		body    string
		headers []string
		english string
		dutch   string
	}{
		"no token":              {query("{ __typename }"), []string{"Authorization", ""}, "a token is required: send the header Authorization: Bearer TOKEN", "er is een token nodig: stuur de header Authorization: Bearer TOKEN mee"},
		"an unknown token":      {query("{ __typename }"), []string{"Authorization", "Bearer lgt_x"}, "the token is unknown, expired or revoked", "het token is onbekend, verlopen of ingetrokken"},
		"no database":           {query("{ __typename }"), []string{"Authorization", "Bearer lgt_down"}, "the token cannot be checked at the moment: try again", "het token is op dit moment niet te controleren: probeer het opnieuw"},
		"a panic":               {query("{ __typename }"), []string{"Authorization", "Bearer lgt_panic"}, "internal error", "interne fout"},
		"not JSON":              {"{", nil, "the body is not valid JSON (at byte 1)", "de inhoud is geen geldige JSON (bij byte 1)"},
		"a list":                {"[]", nil, "the body must be a JSON object with a query, not a list", "de inhoud moet een JSON-object met een query zijn, niet een lijst"},
		"a NUL in a variable":   {`{"query":"{ __typename }","variables":{"x":"\u0000"}}`, nil, "variable $x: it holds a NUL character (U+0000)", "variabele $x: bevat een NUL-teken (U+0000)"},
		"an unknown operation":  {`{"query":"query A { __typename } query B { __typename }"}`, nil, "the query holds several operations: operationName must say which one to run", "de query bevat meerdere operaties: operationName moet zeggen welke wordt uitgevoerd"},
		"a value of no type":    {`{"query":"query($n: Int!) { need(number: $n) }","variables":{"n":true}}`, nil, "variable $n: expected Int, a whole number from -2147483648 to 2147483647, got a boolean", "variabele $n: verwacht wordt Int, een geheel getal van -2147483648 tot en met 2147483647, maar het is een boolean"},
		"more errors than fit":  {query("{" + manyUnknown(21) + " }"), nil, "and 1 more error", "en nog 1 fout"},
		"the parser's own word": {query("{ unknown }"), nil, `Cannot query field "unknown" on type "Query".`, `Cannot query field "unknown" on type "Query".`},
	} {
		for language, want := range map[string]string{"en": c.english, "nl": c.dutch} {
			a := h.post(t, c.body, append([]string{"Accept-Language", language + "-XX, fr;q=0.5"}, c.headers...)...)
			if len(a.body.Errors) == 0 || a.body.Errors[len(a.body.Errors)-1].Message != want {
				t.Errorf("%s in %s: %s, want %q", name, language, a.text, want)
			}
			if got := a.header.Get("Content-Language"); got != language {
				t.Errorf("%s in %s: Content-Language: %s", name, language, got)
			}
		}
	}
}

func manyUnknown(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" unknown" + strings.Repeat("x", i))
	}
	return b.String()
}

func TestAnswersSayWhichLanguageTheyAreInAndThatItWasAskedFor(t *testing.T) {
	h := newHarness(t)
	for range 2 { // the second time the document is remembered
		for header, want := range map[string]string{"": "en", "nl": "nl", "fr": "en", "nl;q": "en", "nl-BE, en;q=0.9": "nl"} {
			a := h.post(t, query("{ __typename }"), "Accept-Language", header)
			if a.status != http.StatusOK || a.header.Get("Content-Language") != want {
				t.Errorf("%q: %d in %q, want %s", header, a.status, a.header.Get("Content-Language"), want)
			}
			if vary := strings.Join(a.header.Values("Vary"), ", "); !strings.Contains(vary, "Accept-Language") {
				t.Errorf("Vary: %s", vary)
			}
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader("{"))
	r.Header["Accept-Language"] = []string{"fr", "nl;q=0.5"}
	if a := h.send(t, r); a.header.Get("Content-Language") != "nl" || !strings.HasPrefix(a.body.Errors[0].Message, "de inhoud") {
		t.Errorf("two headers: %v %s", a.header, a.text)
	}
}
