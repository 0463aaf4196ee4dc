package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/server/internal/strictjson"
)

// params are the parameters of a GraphQL request, checked for shape but not for content.
type params struct {
	query         string
	operationName string
	variables     map[string]any
	extensions    map[string]any
}

// readRequest reads the parameters from a GET or POST request.
func readRequest(w http.ResponseWriter, r *http.Request, l Limits) (*params, *problem) {
	if r.Method == http.MethodGet {
		return readURL(r.URL.RawQuery, l.JSONDepth)
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, refuse(http.StatusUnsupportedMediaType, codeBadInput,
			"the Content-Type must be application/json, in UTF-8").with("Accept-Post", "application/json")
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, codeBadInput,
			"compressed bodies are not supported").with("Accept-Encoding", "identity")
	}
	body, p := readBody(w, r, l.BodyBytes)
	if p != nil {
		return nil, p
	}
	return parseBody(body, l.JSONDepth)
}

// readBody reads at most limit bytes, so that a body that is longer, wherever its excess stands
// and whatever it consists of, costs no more than one that is not.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *problem) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	var excess *http.MaxBytesError
	switch {
	case errors.As(err, &excess):
		return nil, tooLarge(limit)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, badRequest("the body ended too early")
	case err != nil:
		return nil, refuse(http.StatusRequestTimeout, codeBadInput, "the body did not arrive in time")
	}
	return buf.Bytes(), nil
}

func tooLarge(limit int64) *problem {
	return refuse(http.StatusRequestEntityTooLarge, codeBadInput, "the body is larger than %d bytes", limit)
}

// parseBody reads the parameters from a JSON body.
func parseBody(body []byte, depth int) (*params, *problem) {
	v, err := strictjson.Parse(body, depth)
	if err != nil {
		return nil, malformed(locale.T("the body"), err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, badRequest("the body must be a JSON object with a query, not %s", kindOf(v))
	}
	var p params
	for _, field := range []struct {
		name string
		text *string
	}{{"query", &p.query}, {"operationName", &p.operationName}} {
		switch v := m[field.name].(type) {
		case nil:
		case string:
			*field.text = v
		default:
			return nil, badRequest("%q must be a string, not %s", field.name, kindOf(v))
		}
	}
	for _, field := range []struct {
		name string
		into *map[string]any
	}{{"variables", &p.variables}, {"extensions", &p.extensions}} {
		switch v := m[field.name].(type) {
		case nil:
		case map[string]any:
			*field.into = v
		default:
			return nil, badRequest("%q must be an object, not %s", field.name, kindOf(v))
		}
	}
	return p.checked()
}

// readURL reads the parameters from the query of a URL.
func readURL(rawQuery string, depth int) (*params, *problem) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, badRequest("the query string of the URL is malformed")
	}
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		switch text := values.Get(name); {
		case len(values[name]) > 1:
			return nil, badRequest("%q stands more than once in the URL", name)
		case !utf8.ValidString(text):
			return nil, badRequest("%q holds text that is not valid UTF-8", name)
		case strings.ContainsRune(text, 0):
			return nil, badRequest("%q holds a NUL character (U+0000)", name)
		}
	}
	p := params{query: values.Get("query"), operationName: values.Get("operationName")}
	var problem *problem
	if p.variables, problem = readURLObject(values, "variables", depth); problem != nil {
		return nil, problem
	}
	if p.extensions, problem = readURLObject(values, "extensions", depth); problem != nil {
		return nil, problem
	}
	return p.checked()
}

func readURLObject(values url.Values, name string, depth int) (map[string]any, *problem) {
	text := values.Get(name)
	if text == "" {
		return nil, nil // absent, as in a form that was left empty
	}
	v, err := strictjson.Parse([]byte(text), depth)
	var e *strictjson.Error
	if errors.As(err, &e) {
		e.Path = append([]any{name}, e.Path...)
		return nil, malformed(locale.T("%q", name), e)
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	default:
		return nil, badRequest("%q must be a JSON object, not %s", name, kindOf(v))
	}
}

// checked refuses what cannot be executed whatever the schema. A query by its hash alone is a
// request well formed, which gets its own code so that clients fall back to the full text.
func (p *params) checked() (*params, *problem) {
	if p.query == "" && p.extensions["persistedQuery"] == nil {
		return nil, badRequest(`"query" is missing or empty`)
	}
	return p, nil
}

// malformed describes text that is not acceptable JSON. Where the fault lies within a variable
// the error names the variable.
func malformed(what locale.Text, err error) *problem {
	var e *strictjson.Error
	if !errors.As(err, &e) {
		return badRequest("%s is %s", what, strictjson.Syntax.Reason())
	}
	if len(e.Path) > 1 && e.Path[0] == "variables" && e.Kind >= strictjson.Encoding {
		return &problem{
			status: http.StatusBadRequest,
			errs:   gqlerror.List{variableError(e.Path[1:], e.Kind.Reason())},
		}
	}
	switch e.Kind {
	case strictjson.Empty, strictjson.Syntax, strictjson.Depth:
		return badRequest("%s is %s", what, e.Text())
	}
	if len(e.Path) > 0 {
		what = locale.T("%q", printableName(fmt.Sprint(e.Path[0])))
	}
	return badRequest("%s holds %s", what, e.Text())
}

// kindOf says in words what kind of JSON value was found.
func kindOf(v any) locale.Text {
	switch v.(type) {
	case nil:
		return locale.T("null")
	case string:
		return locale.T("a string")
	case json.Number:
		return locale.T("a number")
	case bool:
		return locale.T("a boolean")
	case []any:
		return locale.T("a list")
	default:
		return locale.T("an object")
	}
}
