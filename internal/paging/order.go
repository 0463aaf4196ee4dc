package paging

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// Order is a total order of a list: by its columns one after the other, the last of which,
// an id, tells any two rows apart. Descending turns the whole of it round.
type Order struct {
	// Name is what cursors are bound to. It is unique among all lists and stays as it is, or
	// the cursors that clients keep stop working; it need not tell the direction.
	Name       string
	Columns    []Column
	Descending bool
}

// Column is one value that a list is ordered by, never null.
type Column struct {
	Expr string // SQL; unused by lists in memory
	Type Type
}

// Type is the type of a Column, and of its value in Go.
type Type byte

// The types of columns.
const (
	Text Type = iota // string
	Int              // int64 or clock.Instant
	ID               // uuid.UUID
	Bool             // bool; false before true
)

// maxCursor bounds the text of a cursor: four times the longest key that a name can have.
const maxCursor = 64 << 10

var encoding = base64.RawURLEncoding.Strict()

// tag names the order, with its direction, in cursors.
func (o Order) tag() string {
	if o.Descending {
		return o.Name + " desc"
	}
	return o.Name
}

// cursor returns the cursor of a row with the given values, or places of values (dest).
func (o Order) cursor(values []any) (string, error) {
	var room [256]byte
	text, err := appendJSON(append(room[:0], '['), o.tag())
	for _, v := range values {
		if err == nil {
			text, err = appendJSON(append(text, ','), v)
		}
	}
	if err != nil {
		return "", err
	}
	return encoding.EncodeToString(append(text, ']')), nil
}

// appendJSON appends a value of a column as JSON. Most are plain, and there is one in each row.
func appendJSON(text []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		if plain(v) {
			return append(append(append(text, '"'), v...), '"'), nil
		}
	case *string:
		return appendJSON(text, *v)
	case *int64:
		return strconv.AppendInt(text, *v, 10), nil
	case *bool:
		return strconv.AppendBool(text, *v), nil
	case uuid.UUID:
		return append(append(append(text, '"'), v.String()...), '"'), nil
	case *uuid.UUID:
		return appendJSON(text, *v)
	}
	more, err := json.Marshal(value)
	return append(text, more...), err
}

// plain tells whether JSON has a text as it is between quotes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || strings.IndexByte(`"\<>&`, c) >= 0 {
			return false
		}
	}
	return true
}

// values reads a cursor given for an argument; nil is none.
func (o Order) values(argument string, cursor *string) ([]any, error) {
	if cursor == nil {
		return nil, nil
	}
	refuse := func(message locale.Text) error {
		return fault.New(fault.BadUserInput, "%s is not a cursor of this list: %s.", argument, message).
			Fix("Pass a cursor that this list gave in the same order, as it was, or leave %s out.", argument).At(argument)
	}
	malformed := locale.T("it cannot be read")
	if len(*cursor) > maxCursor {
		return nil, refuse(malformed)
	}
	text, err := encoding.DecodeString(*cursor)
	if err != nil {
		return nil, refuse(malformed)
	}
	var parts []json.RawMessage
	var tag string
	if json.Unmarshal(text, &parts) != nil || len(parts) == 0 || json.Unmarshal(parts[0], &tag) != nil {
		return nil, refuse(malformed)
	}
	if tag != o.tag() {
		return nil, refuse(locale.T("it belongs to another list or order"))
	}
	if len(parts) != 1+len(o.Columns) {
		return nil, refuse(malformed)
	}
	values := make([]any, len(o.Columns))
	for i, c := range o.Columns {
		v, ok := c.Type.read(parts[1+i])
		if !ok {
			return nil, refuse(malformed)
		}
		values[i] = v
	}
	return values, nil
}

// read reads one value of a cursor.
func (t Type) read(text json.RawMessage) (any, bool) {
	if string(text) == "null" {
		return nil, false
	}
	switch t {
	case Text:
		var v string
		ok := json.Unmarshal(text, &v) == nil && utf8.ValidString(v) && !strings.ContainsRune(v, 0)
		return v, ok
	case Int:
		var v int64
		return v, json.Unmarshal(text, &v) == nil
	case ID:
		var v uuid.UUID
		return v, json.Unmarshal(text, &v) == nil
	case Bool:
		var v bool
		return v, json.Unmarshal(text, &v) == nil
	}
	return nil, false
}

// dest returns a place to scan a value into.
func (t Type) dest() any {
	switch t {
	case Text:
		return new(string)
	case Int:
		return new(int64)
	case ID:
		return new(uuid.UUID)
	default:
		return new(bool)
	}
}

// compare puts two rows with the given values in order.
func (o Order) compare(a, b []any) int {
	for i, c := range o.Columns {
		if d := c.Type.compare(a[i], b[i]); d != 0 {
			if o.Descending {
				return -d
			}
			return d
		}
	}
	return 0
}

func (t Type) compare(a, b any) int {
	switch t {
	case Text:
		x, _ := a.(string)
		y, _ := b.(string)
		return cmp.Compare(x, y)
	case Int:
		return cmp.Compare(integer(a), integer(b))
	case ID:
		x, _ := a.(uuid.UUID)
		y, _ := b.(uuid.UUID)
		return slices.Compare(x[:], y[:])
	default:
		x, _ := a.(bool)
		y, _ := b.(bool)
		switch {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	}
}

func integer(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case clock.Instant:
		return int64(v)
	}
	return 0
}
