package server

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// Codes of top-level errors (extensions.code) that this package gives or knows.
const (
	codeUnauthenticated       = string(fault.Unauthenticated)
	codeForbidden             = string(fault.Forbidden)
	codeBadInput              = string(fault.BadUserInput)
	codeUnavailable           = string(fault.Unavailable)
	codeOutcomeUnknown        = string(fault.OutcomeUnknown)
	codeInternal              = string(fault.Internal)
	codeCostExceeded          = "COST_EXCEEDED"
	codeRateLimited           = "RATE_LIMITED"
	codePersistedNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
)

// problem is a request that ends before its operation runs: the HTTP status, headers that
// belong to it, and the errors.
type problem struct {
	status int
	header map[string]string
	errs   gqlerror.List
}

func refuse(status int, code, format string, args ...any) *problem {
	return &problem{status: status, errs: gqlerror.List{coded(code, format, args...)}}
}

func internalError() *problem {
	return &problem{status: http.StatusInternalServerError, errs: gqlerror.List{worded(codeInternal, internalMessage)}}
}

// badRequest is a request that is not a well-formed GraphQL request: 400 in every media type.
func badRequest(format string, args ...any) *problem {
	return refuse(http.StatusBadRequest, codeBadInput, format, args...)
}

// with adds a header.
func (p *problem) with(name, value string) *problem {
	if p.header == nil {
		p.header = map[string]string{}
	}
	p.header[name] = value
	return p
}

// requestErrors is a well-formed GraphQL request that was refused before it ran. The status
// follows from the first error whose code demands one; otherwise the media type decides.
func requestErrors(m mediaType, errs gqlerror.List) *problem {
	for _, e := range errs {
		if e.Extensions == nil {
			e.Extensions = map[string]any{}
		}
		switch e.Extensions["code"] {
		case nil, errcode.ParseFailed, errcode.ValidationFailed:
			e.Extensions["code"] = codeBadInput
		}
	}
	status := m.refusedStatus()
	for _, e := range errs {
		code, _ := e.Extensions["code"].(string)
		if s, ok := statusOf[code]; ok {
			status = s
			break
		}
	}
	return &problem{status: status, errs: errs}
}

// statusOf holds the codes whose status is the same in every media type, because they concern
// the caller or the server rather than the text of the request.
var statusOf = map[string]int{
	codeUnauthenticated: http.StatusUnauthorized,
	codeForbidden:       http.StatusForbidden,
	codeCostExceeded:    http.StatusBadRequest,
	codeRateLimited:     http.StatusTooManyRequests,
	codeUnavailable:     http.StatusServiceUnavailable,
	codeOutcomeUnknown:  http.StatusInternalServerError,
	codeInternal:        http.StatusInternalServerError,
}

func badInput(format string, args ...any) *gqlerror.Error {
	return coded(codeBadInput, format, args...)
}

func coded(code, format string, args ...any) *gqlerror.Error {
	return worded(code, locale.T(format, args...))
}

// worded is an error whose message is worded when it is written, in the request's language.
func worded(code string, text locale.Text) *gqlerror.Error {
	return &gqlerror.Error{Err: text, Message: text.String(), Extensions: map[string]any{"code": code}}
}

// variableError names the place in the variables twice: in the message for people, in the path
// for programs.
func variableError(path []any, reason locale.Text) *gqlerror.Error {
	var text strings.Builder
	at := ast.Path{ast.PathName("variable")}
	for i, step := range path {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", s)
			at = append(at, ast.PathIndex(s))
		case string:
			if i > 0 {
				text.WriteByte('.')
			}
			text.WriteString(printableName(s))
			at = append(at, ast.PathName(printableName(s)))
		}
	}
	e := badInput("variable $%s: it holds %s", text.String(), reason)
	e.Path = at
	return e
}

var graphqlName = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]{0,99}$`)

// printableName is the name of a field or variable, or a question mark for a text that could
// not be one: it came from outside.
func printableName(s string) string {
	if graphqlName.MatchString(s) {
		return s
	}
	return "?"
}
