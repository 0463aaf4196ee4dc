package strictjson

import (
	"slices"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// Kind is why a text was refused.
type Kind int

// The kinds of refusal.
const (
	Syntax    Kind = iota // not JSON
	Empty                 // nothing but white space
	Trailing              // more after the value
	Depth                 // nested too deeply
	Encoding              // bytes that are not UTF-8
	Surrogate             // an escape that is half a surrogate pair
	NUL                   // the character U+0000, raw or escaped
	Duplicate             // a name that stands twice in one object
)

var reasons = map[Kind]locale.Text{
	Syntax:    locale.T("not valid JSON"),
	Empty:     locale.T("empty"),
	Trailing:  locale.T("more than one JSON value"),
	Depth:     locale.T("nested too deeply"),
	Encoding:  locale.T("text that is not valid UTF-8"),
	Surrogate: locale.T(`a lone surrogate escape (\ud800 to \udfff must come in pairs)`),
	NUL:       locale.T("a NUL character (U+0000)"),
	Duplicate: locale.T("the same name twice in one object"),
}

// Error says why, at which byte and at which path a text was refused.
type Error struct {
	Kind   Kind
	Offset int   // in bytes from the start of the text
	Path   []any // names (string) and indices (int) that lead to the place, outermost first
}

// Reason returns one clause that holds nothing of the input.
func (k Kind) Reason() locale.Text { return reasons[k] }

// Text returns the reason with the place.
func (e *Error) Text() locale.Text { return locale.T("%s (at byte %d)", e.Kind.Reason(), e.Offset) }

// Error returns the reason with the place, in English.
func (e *Error) Error() string { return e.Text().String() }

// within puts a name or an index in front of the path.
func (e *Error) within(step any) *Error {
	e.Path = slices.Insert(e.Path, 0, step)
	return e
}
