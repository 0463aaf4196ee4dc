package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/server"
)

func TestAQueryIsAnsweredInTheMediaTypeThatTheClientPrefers(t *testing.T) {
	h := newHarness(t)
	cases := map[string]string{
		"":                                  "application/json",
		"*/*":                               "application/json",
		"application/*":                     "application/json",
		"application/json":                  "application/json",
		"application/graphql-response+json": "application/graphql-response+json",
		"application/graphql-response+json, application/json;q=0.9":                 "application/graphql-response+json",
		"application/json;q=0.9, application/graphql-response+json":                 "application/graphql-response+json",
		"application/json, application/graphql-response+json":                       "application/json",
		"application/graphql-response+json;charset=utf-8":                           "application/graphql-response+json",
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8":           "application/json",
		"application/json;q=0, */*":                                                 "application/graphql-response+json",
		"application/json;q=5, application/graphql-response+json;q=0.1":             "application/graphql-response+json",
		"application/json;q=nonsense, application/graphql-response+json;q=0.000001": "application/graphql-response+json",
	}
	for accept, want := range cases {
		a := h.post(t, query("{ things { name inner { id } } }"), "Accept", accept)
		if got := a.header.Get("Content-Type"); a.status != 200 || got != want+"; charset=utf-8" {
			t.Errorf("Accept %q: %d %s", accept, a.status, got)
		}
		want := `{"things":[{"inner":{"id":"3"},"name":"first"},{"inner":null,"name":"\u003csecond\u003e \u0026 last"}]}`
		if string(a.body.Data) != want || len(a.body.Errors) > 0 {
			t.Errorf("Accept %q: %s", accept, a.text)
		}
	}
}

func TestMediaTypesThatTheServerDoesNotSpeakAreRefused(t *testing.T) {
	h := newHarness(t)
	for _, accept := range []string{
		"text/html", "application/json;q=0", "application/json; charset=latin1",
		"application/json;q=0, application/graphql-response+json;q=0, */*", "nonsense",
	} {
		if a := h.post(t, query("{ __typename }"), "Accept", accept); a.status != http.StatusNotAcceptable || a.code(t) != "BAD_USER_INPUT" {
			t.Errorf("Accept %q: %d %s", accept, a.status, a.text)
		}
	}
	for _, contentType := range []string{
		"", "text/plain", "application/graphql", "application/json; charset=utf-16", "multipart/form-data; boundary=x",
		"application/x-www-form-urlencoded", "application/jsonx", ";;",
	} {
		a := h.post(t, query("{ __typename }"), "Content-Type", contentType)
		if a.status != http.StatusUnsupportedMediaType || a.code(t) != "BAD_USER_INPUT" {
			t.Errorf("Content-Type %q: %d %s", contentType, a.status, a.text)
		}
	}
	if a := h.post(t, query("{ __typename }"), "Content-Encoding", "gzip"); a.status != http.StatusUnsupportedMediaType {
		t.Errorf("compressed: %d %s", a.status, a.text)
	}
	for _, contentType := range []string{"application/json; charset=UTF-8", "Application/JSON"} {
		if a := h.post(t, query("{ __typename }"), "Content-Type", contentType); a.status != 200 {
			t.Errorf("Content-Type %q: %d %s", contentType, a.status, a.text)
		}
	}
}

func TestBodiesThatAreNoGraphQLRequestAre400(t *testing.T) {
	cases := []struct{ name, body, says string }{
		{"empty", "", "empty"},
		{"white space", " \n ", "empty"},
		{"cut off", `{"query":"{ __typename }"`, "not valid JSON"},
		{"not JSON", `query { __typename }`, "not valid JSON"},
		{"array", `[{"query":"{ __typename }"}]`, "a list"},
		{"string", `"{ __typename }"`, "a string"},
		{"null", `null`, "null"},
		{"second value", `{"query":"{ __typename }"} {"query":"{ __typename }"}`, "more than one JSON value"},
		{"nested absurdly", `{"query":"{ __typename }","variables":{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}}`, "nested too deeply"},
		{"no query", `{"variables":{}}`, `"query" is missing`},
		{"empty query", `{"query":""}`, `"query" is missing`},
		{"null query", `{"query":null}`, `"query" is missing`},
		{"query a number", `{"query":1}`, `"query" must be a string, not a number`},
		{"operationName a list", `{"query":"{ __typename }","operationName":[]}`, `"operationName" must be a string, not a list`},
		{"variables a string", `{"query":"{ __typename }","variables":"{}"}`, `"variables" must be an object, not a string`},
		{"variables a list", `{"query":"{ __typename }","variables":[]}`, `"variables" must be an object, not a list`},
		{"extensions true", `{"query":"{ __typename }","extensions":true}`, `"extensions" must be an object, not a boolean`},
		{"query twice", `{"query":"{ __typename }","query":"{ things { id } }"}`, "same name twice"},
		{"invalid UTF-8", "{\"query\":\"{ echo(text: \\\"\xff\\\") }\"}", "not valid UTF-8"},
		{"NUL in the query", `{"query":"{ echo(text: \"\u0000\") }"}`, "NUL"},
		{"lone surrogate in the query", `{"query":"{ echo(text: \"\ud800\") }"}`, "surrogate"},
	}
	h := newHarness(t)
	for _, c := range cases {
		for _, accept := range []string{"application/json", "application/graphql-response+json"} {
			t.Run(c.name+" as "+accept, func(t *testing.T) {
				a := h.post(t, c.body, "Accept", accept)
				if a.status != http.StatusBadRequest || a.code(t) != "BAD_USER_INPUT" {
					t.Fatalf("%d %s", a.status, a.text)
				}
				if m := a.body.Errors[0].Message; !strings.Contains(m, c.says) || strings.Contains(a.text, "__typename") {
					t.Errorf("message %q", m)
				}
				if a.body.Data != nil {
					t.Errorf("a data entry: %s", a.text)
				}
			})
		}
	}
}

func TestBodiesBeyondTheLimitAre413WhereverTheExcessStands(t *testing.T) {
	const limit = 1000
	h := newHarness(t, func(c *server.Config) { c.Limits.BodyBytes = limit })
	good := query("{ __typename }")
	pad := func(n int) string { return strings.Repeat(" ", n) }
	over := map[string]string{
		"in the query":         query("{ __typename #" + pad(limit) + "\n}"),
		"in a variable":        request("{ __typename }", map[string]any{"a": pad(limit)}),
		"in trailing space":    good + pad(limit),
		"in leading space":     pad(limit) + good,
		"in a second value":    good + `"` + pad(limit) + `"`,
		"after an error":       "]" + pad(limit),
		"by one byte of space": good + pad(limit+1-len(good)),
		"in endless nesting":   strings.Repeat("[", limit*2),
	}
	for name, body := range over {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
			if chunked {
				r.ContentLength = -1
			}
			if a := h.send(t, r); a.status != http.StatusRequestEntityTooLarge || a.code(t) != "BAD_USER_INPUT" {
				t.Errorf("%s (chunked: %v): %d %s", name, chunked, a.status, a.text)
			}
		}
	}
	if a := h.post(t, good+pad(limit-len(good))); a.status != 200 {
		t.Errorf("at the limit: %d %s", a.status, a.text)
	}
}

func TestMemoryStaysFlatHoweverMuchIsSent(t *testing.T) {
	h := newHarness(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
	endless := &endlessReader{}
	r.Body, r.ContentLength = endless, -1
	if a := h.send(t, r); a.status != http.StatusRequestEntityTooLarge {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if endless.read > 4<<20 {
		t.Errorf("%d bytes were read", endless.read)
	}
}

func TestABodyThatAnnouncesToBeTooLongIsNotRead(t *testing.T) {
	h := newHarness(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
	endless := &endlessReader{}
	r.Body, r.ContentLength = endless, 1<<40
	if a := h.send(t, r); a.status != http.StatusRequestEntityTooLarge || endless.read > 0 {
		t.Fatalf("%d after %d bytes", a.status, endless.read)
	}
}

type endlessReader struct{ read int }

func (e *endlessReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func (e *endlessReader) Close() error { return nil }

func TestRefusedDocumentsAre400WithoutDataOr200InPlainJSON(t *testing.T) {
	cases := []struct{ name, body, says string }{
		{"syntax", query("{"), "Expected Name"},
		{"unknown field", query("{ nothing }"), `Cannot query field "nothing"`},
		{"no operation", query("fragment F on Query { __typename }"), "no operation"},
		{"comment only", query("# nothing"), "no operation"},
		{"several operations without a name", query("query A { __typename } query B { __typename }"), "operationName must say"},
		{"unknown operation", `{"query":"query A { __typename }","operationName":"secret"}`, "names no operation"},
		{"string for an Int", query(`{ need(number: "1") }`), "Int cannot represent"},
		{"fraction for an Int", query(`{ need(number: 1.5) }`), "Int cannot represent"},
		{"2^31 for an Int", query(`{ need(number: 2147483648) }`), `argument number`},
		{"2^31 deep inside", query(`{ echo(input: {name: "a", seats: 2147483648}) }`), `argument input.seats`},
		{"-2^31-1 in a list", query(`{ echo(list: [1, -2147483649]) }`), `argument list[1]`},
		{"2^31 as a default", query(`query ($n: Int = 2147483648) { echo(number: $n) }`), `the default of variable $n`},
		{"2^31 in a fragment", query(`query { ...F } fragment F on Query { echo(number: 2147483648) }`), `argument number`},
		{"object for an ID", query(`{ echo(id: {}) }`), "ID"},
		{"object for an enum", query(`{ echo(mood: {}) }`), "Mood"},
		{"two fields of a one-of", query(`{ echo(input: {name: "a", plans: {all: true, only: []}}) }`), "exactly one key"},
		{"escaped NUL", query(`{ echo(text: "a\u0000b") }`), "NUL"},
		{"braced NUL", query(`{ echo(text: "a\u{00}b") }`), "NUL"},
		{"escaped lone surrogate", query(`{ echo(text: "\ud83c") }`), "lone surrogate"},
		{"escaped high surrogate and a letter", query(`{ echo(text: "\ud83c\u0041") }`), "lone surrogate"},
		{"escaped pair the wrong way round", query(`{ echo(text: "\udfc3\ud83c") }`), "lone surrogate"},
		{"persisted query", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"abc"}}}`, "PersistedQueryNotSupported"},
		{"persisted query with its text", `{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1}}}`, "PersistedQueryNotSupported"},
	}
	h := newHarness(t)
	for _, c := range cases {
		for accept, status := range map[string]int{"application/graphql-response+json": 400, "application/json": 200} {
			t.Run(c.name+" as "+accept, func(t *testing.T) {
				a := h.post(t, c.body, "Accept", accept)
				if a.status != status || !strings.Contains(a.body.Errors[0].Message, c.says) || strings.Contains(a.text, "secret") {
					t.Errorf("%d %s", a.status, a.text)
				}
				want := "BAD_USER_INPUT"
				if strings.HasPrefix(c.name, "persisted") {
					want = "PERSISTED_QUERY_NOT_SUPPORTED"
				}
				if got := a.code(t); got != want || a.body.Data != nil {
					t.Errorf("code %s, data %s", got, a.body.Data)
				}
			})
		}
	}
}

func TestEscapesThatStandForCharactersAreTaken(t *testing.T) {
	h := newHarness(t)
	for literal, want := range map[string]string{
		`"\ud83c\udfc3"`:      "🏃",
		`"\u{1F3C3}"`:         "🏃",
		`"\\ud800"`:           `\ud800`,
		`"\u00e9"`:            "é",
		`"""\ud800"""`:        `\ud800`,
		`"""a \""" \ud800"""`: `a """ \ud800`,
		"\"a\") # \"\\ud800\" \n b: echo(text: \"c\"": "a",
	} {
		a := h.post(t, query("{ echo(text: "+literal+") }"))
		var data struct{ Echo string }
		decode(t, a.body.Data, &data)
		var args struct{ Text string }
		decode(t, []byte(data.Echo), &args)
		if args.Text != want {
			t.Errorf("%s: got %q, want %q (%s)", literal, args.Text, want, a.text)
		}
	}
}

func TestLargeAndManyErrorsAreCutShort(t *testing.T) {
	h := newHarness(t)
	a := h.post(t, query("{ "+strings.Repeat("x", 5000)+" }"))
	if len(a.text) > 1000 {
		t.Errorf("an answer of %d bytes", len(a.text))
	}
	var fields strings.Builder
	for i := range 500 {
		fmt.Fprintf(&fields, "x%d ", i)
	}
	a = h.post(t, query("{ "+fields.String()+" }"))
	if n := len(a.body.Errors); n != 21 || !strings.Contains(a.body.Errors[20].Message, "480 more") {
		t.Errorf("%d errors: %s", n, a.text)
	}
}

func TestQueriesWithTooManyTokensCostTooMuchInEveryMediaType(t *testing.T) {
	h := newHarness(t, func(c *server.Config) { c.Limits.QueryTokens = 100 })
	for _, accept := range []string{"application/json", "application/graphql-response+json"} {
		a := h.post(t, query("{ "+strings.Repeat("__typename ", 100)+" }"), "Accept", accept)
		if a.status != http.StatusBadRequest || a.code(t) != "COST_EXCEEDED" {
			t.Errorf("%d %s", a.status, a.text)
		}
	}
}

func TestQueriesThatRepeatTheirFieldsCostTooMuchToValidate(t *testing.T) {
	h := newHarness(t)
	repeated := strings.Repeat("things { id } ", 102)
	for name, q := range map[string]string{
		"plainly":             "{ " + repeated + "}",
		"below":               "{ things { inner { " + strings.Repeat("id ", 102) + "} } }",
		"in inline fragments": "{ " + strings.Repeat("... { things { id } } ", 102) + "}",
		"in a fragment":       "{ ...F } fragment F on Query { " + repeated + "}",
	} {
		if a := h.post(t, query(q)); a.status != http.StatusBadRequest || a.code(t) != "COST_EXCEEDED" {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	var aliased strings.Builder
	for i := range 500 {
		fmt.Fprintf(&aliased, "a%d: things { id name } ", i)
	}
	if a := h.post(t, query("{ "+aliased.String()+"}")); a.status != 200 {
		t.Errorf("aliased: %d %s", a.status, a.text)
	}
}

func TestAnEmptyOperationNameIsNone(t *testing.T) {
	h := newHarness(t)
	if a := h.post(t, `{"query":"query A { __typename }","operationName":""}`); a.status != 200 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestDeferredFragmentsComeWithTheWholeAnswer(t *testing.T) {
	var seen *graphql.OperationContext
	h := newHarness(t, func(c *server.Config) { c.Extensions = []graphql.HandlerExtension{operationReader{&seen}} })
	a := h.post(t, query(`{ things { id ... @defer { name } ...F @defer(label: "f") } } fragment F on Thing { inner { ... @defer { id } } }`))
	if want := `{"things":[{"id":"1","inner":{"id":"3"},"name":"first"},`; a.status != 200 || !strings.HasPrefix(string(a.body.Data), want) {
		t.Errorf("%d %s", a.status, a.text)
	}
	for _, f := range graphql.CollectFields(seen, seen.Operation.SelectionSet, []string{"Query"}) {
		for _, inner := range graphql.CollectFields(seen, f.Selections, []string{"Thing"}) {
			if inner.IsDeferred() {
				t.Errorf("%s is still deferred", inner.Name)
			}
		}
	}
}

func TestGETIsForQueriesOnly(t *testing.T) {
	h := newHarness(t)
	get := func(params ...string) answer {
		values := url.Values{}
		for i := 0; i < len(params); i += 2 {
			values.Add(params[i], params[i+1])
		}
		return h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/graphql?"+values.Encode(), nil))
	}
	if a := get("query", "query A($n: Int!) { need(number: $n) }", "variables", `{"n":7}`, "operationName", "A", "extensions", "{}"); a.status != 200 || !strings.Contains(a.text, `7`) {
		t.Errorf("a query: %d %s", a.status, a.text)
	}
	if a := get("query", "{ __typename }", "variables", "", "operationName", "", "extensions", "null"); a.status != 200 {
		t.Errorf("empty parameters: %d %s", a.status, a.text)
	}
	for name, params := range map[string][]string{
		"no query":            {"variables", "{}"},
		"query twice":         {"query", "{ __typename }", "query", "{ __typename }"},
		"variables a list":    {"query", "{ __typename }", "variables", "[]"},
		"variables malformed": {"query", "{ __typename }", "variables", "{"},
		"invalid UTF-8":       {"query", "{ echo(text: \"\xff\") }"},
		"NUL":                 {"query", "{ echo(text: \"\x00\") }"},
		"lone surrogate":      {"query", "{ __typename }", "variables", `{"a":"\ud800"}`},
	} {
		if a := get(params...); a.status != http.StatusBadRequest || a.code(t) != "BAD_USER_INPUT" {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	if a := h.send(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/graphql?query=%zz", nil)); a.status != http.StatusBadRequest {
		t.Errorf("malformed escape: %d %s", a.status, a.text)
	}
	a := get("query", "mutation { bump }")
	if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" || h.schema.Count() != 0 {
		t.Errorf("a mutation: %d, Allow %q, ran %d times", a.status, a.header.Get("Allow"), h.schema.Count())
	}
}

func TestOtherMethodsAreNotAllowed(t *testing.T) {
	h := newHarness(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodHead} {
		r := httptest.NewRequestWithContext(t.Context(), method, "/graphql", strings.NewReader(query("{ __typename }")))
		a := h.send(t, r)
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: %d, Allow %q", method, a.status, a.header.Get("Allow"))
		}
	}
}

func TestErrorsOfResolversStandBesideTheData(t *testing.T) {
	h := newHarness(t)
	a := h.post(t, query("{ refused ok: __typename }"))
	if a.status != 200 || a.code(t) != "FORBIDDEN" || string(a.body.Data) != `{"ok":"Query","refused":null}` {
		t.Errorf("%d %s", a.status, a.text)
	}
	if a := h.post(t, query("{ panics }")); a.status != 200 || a.code(t) != "INTERNAL" {
		t.Errorf("a panic: %d %s", a.status, a.text)
	}
	a = h.post(t, query("{ leaky }"))
	if a.code(t) != "INTERNAL" || strings.Contains(a.text, "hunter2") {
		t.Errorf("an error without a code: %s", a.text)
	}
}

func TestExtensionsThatRefuseDecideCodeAndStatus(t *testing.T) {
	for code, status := range map[string]int{
		"COST_EXCEEDED": 400, "RATE_LIMITED": 429, "UNAVAILABLE": 503, "FORBIDDEN": 403, "INTERNAL": 500, "": 200,
	} {
		h := newHarness(t, func(c *server.Config) {
			c.Extensions = []graphql.HandlerExtension{refuser{code}}
		})
		a := h.post(t, query("{ __typename }"), "Accept", "application/json")
		want := code
		if want == "" {
			want = "BAD_USER_INPUT"
		}
		if a.status != status || a.code(t) != want || a.body.Data != nil {
			t.Errorf("%q: %d %s", code, a.status, a.text)
		}
	}
}

// refuser is an extension that refuses every operation with a code, or without one.
type refuser struct{ code string }

func (refuser) ExtensionName() string                   { return "Refuser" }
func (refuser) Validate(graphql.ExecutableSchema) error { return nil }

func (r refuser) MutateOperationContext(context.Context, *graphql.OperationContext) *gqlerror.Error {
	e := &gqlerror.Error{Message: "refused"}
	if r.code != "" {
		e.Extensions = map[string]any{"code": r.code}
	}
	return e
}

func TestAnExtensionThatAnswersWithErrorsInsteadOfRunningDecidesTheStatus(t *testing.T) {
	h := newHarness(t, func(c *server.Config) { c.Extensions = []graphql.HandlerExtension{interceptor{}} })
	if a := h.post(t, query("{ __typename }")); a.status != http.StatusForbidden || a.code(t) != "FORBIDDEN" || a.body.Data != nil {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// interceptor is an extension that answers in place of the schema.
type interceptor struct{}

func (interceptor) ExtensionName() string                   { return "Interceptor" }
func (interceptor) Validate(graphql.ExecutableSchema) error { return nil }

func (interceptor) InterceptOperation(context.Context, graphql.OperationHandler) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{
		{Message: "closed", Extensions: map[string]any{"code": "FORBIDDEN"}},
	}})
}

func TestResolversSeeNoHeaders(t *testing.T) {
	var seen *graphql.OperationContext
	h := newHarness(t, func(c *server.Config) { c.Extensions = []graphql.HandlerExtension{operationReader{&seen}} })
	h.post(t, query("{ __typename }"), "Accept-Language", "nl", "Cookie", "a=b")
	if len(seen.Headers) > 0 {
		t.Errorf("%v", seen.Headers)
	}
}

// operationReader is an extension that shows what an operation was prepared to.
type operationReader struct{ into **graphql.OperationContext }

func (operationReader) ExtensionName() string                   { return "OperationReader" }
func (operationReader) Validate(graphql.ExecutableSchema) error { return nil }

func (r operationReader) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	*r.into = op
	return nil
}

func TestARequestThatTakesTooLongEnds(t *testing.T) {
	h := newHarness(t, func(c *server.Config) { c.Limits.RequestTimeout = 20 * time.Millisecond })
	a := h.post(t, query("{ waits }"))
	if a.status != http.StatusOK || a.code(t) != "INTERNAL" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestARequestThatEndedBeforeItRanIsUnavailable(t *testing.T) {
	h := newHarness(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(query("mutation { bump }")))
	if a := h.send(t, r); a.status != http.StatusServiceUnavailable || a.code(t) != "UNAVAILABLE" || h.schema.Count() != 0 {
		t.Errorf("%d %s", a.status, a.text)
	}
}
