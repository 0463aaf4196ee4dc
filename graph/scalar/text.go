// Package scalar reads and writes the scalar values of the API as the GraphQL specification
// says: a value is refused, not bent, when it is of another kind than its type. Each scalar has
// one function that decides ([Int], [Float], [String], [Boolean], [ID], [DateTime]) and a pair
// Marshal…/Unmarshal… that binds it in gqlgen.yml. Errors say what was expected and what kind
// of value came instead, and never repeat the value.
package scalar

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// MarshalString writes a GraphQL String. Bytes that are not UTF-8 are written as U+FFFD, so
// that the answer is valid JSON whatever is stored.
func MarshalString(s string) graphql.Marshaler {
	return graphql.MarshalString(strings.ToValidUTF8(s, "\uFFFD"))
}

// MarshalText writes a text in the language of the request, as a GraphQL String. A text that is
// not asked for is not worded.
func MarshalText(t locale.Text) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(ctx context.Context, w io.Writer) error {
		MarshalString(t.In(locale.From(ctx))).MarshalGQL(w)
		return nil
	})
}

// UnmarshalText takes what [UnmarshalString] takes; such a text is the same in every language.
func UnmarshalText(_ context.Context, v any) (locale.Text, error) {
	given, err := String(v)
	return locale.T("%s", given), err
}

// UnmarshalString takes a string of valid UTF-8 without NUL.
func UnmarshalString(v any) (string, error) { return String(v) }

// MarshalBoolean writes a GraphQL Boolean.
func MarshalBoolean(b bool) graphql.Marshaler { return graphql.MarshalBoolean(b) }

// UnmarshalBoolean takes true and false.
func UnmarshalBoolean(v any) (bool, error) { return Boolean(v) }

// MarshalID writes a GraphQL ID, under the rule of [MarshalString].
func MarshalID(s string) graphql.Marshaler { return MarshalString(s) }

// UnmarshalID takes a string of valid UTF-8 without NUL, or a whole number.
func UnmarshalID(v any) (string, error) { return ID(v) }

// String is the specification's input coercion of String: strings only. NUL, which PostgreSQL
// cannot store, and bytes that are not UTF-8 are refused.
func String(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", locale.T("expected String, got %s", Describe(v))
	}
	return s, checkText("String", s)
}

// Boolean is the specification's input coercion of Boolean: true and false only.
func Boolean(v any) (bool, error) {
	b, ok := v.(bool)
	if !ok {
		return false, locale.T("expected Boolean, true or false, got %s", Describe(v))
	}
	return b, nil
}

// Describe names the kind of a value for a message, with its article: "a string", "null".
func Describe(v any) locale.Text {
	switch v.(type) {
	case nil:
		return locale.T("null")
	case string:
		return locale.T("a string")
	case bool:
		return locale.T("a boolean")
	case json.Number, float64, float32, int, int32, int64:
		return locale.T("a number")
	case []any:
		return locale.T("a list")
	case map[string]any:
		return locale.T("an object")
	}
	return locale.T("a value of another kind")
}

func checkText(kind, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return locale.T("expected %s, got a string with a NUL character (U+0000)", kind)
	}
	if !utf8.ValidString(s) {
		return locale.T("expected %s, got a string that is not valid UTF-8", kind)
	}
	return nil
}
