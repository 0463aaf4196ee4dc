package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/licensegraph/licensegraph/internal/fault"
)

// fail prints an error on one line and returns the exit code.
func fail(w io.Writer, err error, code int) int {
	fmt.Fprintf(w, "licensegraph: %s\n", oneLine(err))
	return code
}

// oneLine is what went wrong and what to do about it. The operator, unlike a client of the API,
// is told the cause too.
func oneLine(err error) string {
	text := describe(err)
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

func describe(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var parts []string
		for _, e := range joined.Unwrap() {
			parts = append(parts, describe(e))
		}
		return strings.Join(parts, "; ")
	}
	text := err.Error()
	f, ok := fault.As(err)
	if !ok {
		return text
	}
	if f.Cause != nil && !f.Code.IsUserError() {
		text += " (" + f.Cause.Error() + ")"
	}
	if f.Remediation != "" {
		text += " " + f.Remediation
	}
	return text
}
