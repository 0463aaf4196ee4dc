package coerce

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// maxErrors is how many faults one answer lists: enough to mend an input in one go, too few for
// a small request to cause a large answer.
const maxErrors = 20

// place is where in a request a value stands: in a variable, or in an argument of a field or
// directive of the operation.
type place struct {
	variable string
	argument string
	of       string // what the argument belongs to: a field's name, or a directive's with its @
	steps    []any  // fields and indices within the variable or argument
	position *ast.Position
}

// at does something one step further into a value.
func (r *run) at(step any, do func()) {
	r.place.steps = append(r.place.steps, step)
	do()
	r.place.steps = r.place.steps[:len(r.place.steps)-1]
}

func (r *run) refuse(format string, args ...any) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, r.place.error(locale.T(format, args...)))
	}
}

// error names the place in the message, for people, and in the path and locations, for programs.
func (p *place) error(reason locale.Text) *gqlerror.Error {
	text := locale.T("%s: %s", p.text(), reason)
	e := &gqlerror.Error{
		Err:        text, // the server words it anew in the request's language
		Message:    text.String(),
		Extensions: map[string]any{"code": string(fault.BadUserInput)},
	}
	if p.variable != "" {
		e.Path = append(ast.Path{ast.PathName("variable"), ast.PathName(p.variable)}, path(p.steps)...)
	}
	if p.position != nil {
		e.Locations = []gqlerror.Location{{Line: p.position.Line, Column: p.position.Column}}
	}
	return e
}

// text is the place in words, such as: variable $input.add[0].plans.
func (p *place) text() locale.Text {
	if p.variable != "" {
		return locale.T("variable $%s", p.variable+stepsText(p.steps))
	}
	if p.of == "" {
		return locale.T("the default of variable $%s", p.argument+stepsText(p.steps))
	}
	return locale.T("argument %s of %s", p.argument+stepsText(p.steps), p.of)
}

func stepsText(steps []any) string {
	var b strings.Builder
	for _, step := range steps {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case string:
			b.WriteByte('.')
			b.WriteString(printable(s))
		}
	}
	return b.String()
}

func path(steps []any) ast.Path {
	var out ast.Path
	for _, step := range steps {
		switch s := step.(type) {
		case int:
			out = append(out, ast.PathIndex(s))
		case string:
			out = append(out, ast.PathName(printable(s)))
		}
	}
	return out
}

var name = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]{0,99}$`)

// printable is the name of a field, or a question mark for a text from outside that could not be
// one.
func printable(s string) string {
	if name.MatchString(s) {
		return s
	}
	return "?"
}
