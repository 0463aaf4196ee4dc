package strictjson

import (
	"fmt"
	"slices"
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

var reasons = map[Kind]string{
	Syntax:    "not valid JSON",
	Empty:     "empty",
	Trailing:  "more than one JSON value",
	Depth:     "nested too deeply",
	Encoding:  "text that is not valid UTF-8",
	Surrogate: `a lone surrogate escape (\ud800 to \udfff must come in pairs)`,
	NUL:       "a NUL character (U+0000)",
	Duplicate: "the same name twice in one object",
}

// Error says why, at which byte and at which path a text was refused.
type Error struct {
	Kind   Kind
	Offset int   // in bytes from the start of the text
	Path   []any // names (string) and indices (int) that lead to the place, outermost first
}

// Error returns one clause that holds nothing of the input.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (at byte %d)", reasons[e.Kind], e.Offset)
}

// Reason returns the clause without the place.
func (e *Error) Reason() string { return reasons[e.Kind] }

// within puts a name or an index in front of the path.
func (e *Error) within(step any) *Error {
	e.Path = slices.Insert(e.Path, 0, step)
	return e
}
