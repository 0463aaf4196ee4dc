package scalar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/internal/locale"
)

// MarshalInt writes a GraphQL Int. A value beyond 32 bits is an error of the field, as the
// specification asks: clients in other languages would read another number.
func MarshalInt(i int) graphql.ContextMarshaler { return marshalInt(int64(i)) }

// MarshalInt32 writes a GraphQL Int.
func MarshalInt32(i int32) graphql.ContextMarshaler { return marshalInt(int64(i)) }

// MarshalInt64 writes a GraphQL Int, under the rule of [MarshalInt].
func MarshalInt64(i int64) graphql.ContextMarshaler { return marshalInt(i) }

// UnmarshalInt takes a number without a fraction from -2^31 to 2^31-1.
func UnmarshalInt(_ context.Context, v any) (int, error) {
	i, err := Int(v)
	return int(i), err
}

// UnmarshalInt32 takes what [UnmarshalInt] takes.
func UnmarshalInt32(_ context.Context, v any) (int32, error) { return Int(v) }

// UnmarshalInt64 takes what [UnmarshalInt] takes.
func UnmarshalInt64(_ context.Context, v any) (int64, error) {
	i, err := Int(v)
	return int64(i), err
}

// MarshalFloat writes a GraphQL Float. Infinity and NaN are errors of the field: JSON has no
// such numbers.
func MarshalFloat(f float64) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return errors.New("the number is not finite and cannot be written as a Float")
		}
		_, err := io.WriteString(w, strconv.FormatFloat(f, 'g', -1, 64))
		return err
	})
}

// UnmarshalFloat takes any number within the range of a 64-bit float.
func UnmarshalFloat(_ context.Context, v any) (float64, error) { return Float(v) }

// Int is the specification's input coercion of Int. A number without a fraction is accepted
// whatever its spelling (1, 1.0, 1e3), because JSON knows but one kind of number and some
// languages write all of them with a point; a string, a fraction and 2^31 are not.
func Int(v any) (int32, error) {
	want := locale.T("expected Int, a whole number from -2147483648 to 2147483647")
	switch v := v.(type) {
	case int:
		return int32Of(int64(v), want)
	case int32:
		return v, nil
	case int64:
		return int32Of(v, want)
	case float64:
		return int32OfFloat(v, want)
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 32); err == nil {
			return int32(i), nil
		}
		f, err := v.Float64()
		if err != nil {
			return 0, locale.T("%s, got a number beyond that", want)
		}
		return int32OfFloat(f, want)
	}
	return 0, locale.T("%s, got %s", want, Describe(v))
}

// Float is the specification's input coercion of Float: any number, whole ones included.
func Float(v any) (float64, error) {
	switch v := v.(type) {
	case int:
		return float64(v), nil
	case int32:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0, locale.T("expected Float, got a number beyond the range of 64 bits")
		}
		return f, nil
	}
	return 0, locale.T("expected Float, a number, got %s", Describe(v))
}

// ID is the specification's input coercion of ID: a string or a whole number. A number comes
// out in decimal digits.
func ID(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, checkText("ID", v)
	case int:
		return strconv.Itoa(v), nil
	case int32:
		return strconv.Itoa(int(v)), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return idOfFloat(v)
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return v.String(), nil
		}
		f, err := v.Float64()
		if err != nil {
			return "", errFraction
		}
		return idOfFloat(f)
	}
	return "", locale.T("expected ID, a string or a whole number, got %s", Describe(v))
}

var errFraction = locale.T("expected ID, a string or a whole number, got a fraction or a number too large to be exact")

func idOfFloat(f float64) (string, error) {
	const exact = 1 << 53 // beyond it several integers share one float
	if f != math.Trunc(f) || math.Abs(f) >= exact {
		return "", errFraction
	}
	return strconv.FormatInt(int64(f), 10), nil
}

func int32Of(i int64, want locale.Text) (int32, error) {
	if i < math.MinInt32 || i > math.MaxInt32 {
		return 0, locale.T("%s, got a number beyond that", want)
	}
	return int32(i), nil
}

func int32OfFloat(f float64, want locale.Text) (int32, error) {
	switch {
	case f < math.MinInt32 || f > math.MaxInt32 || math.IsNaN(f):
		return 0, locale.T("%s, got a number beyond that", want)
	case f != math.Trunc(f):
		return 0, locale.T("%s, got a fraction", want)
	}
	return int32(f), nil
}

func marshalInt(i int64) graphql.ContextMarshaler {
	return graphql.ContextWriterFunc(func(_ context.Context, w io.Writer) error {
		if i < math.MinInt32 || i > math.MaxInt32 {
			return fmt.Errorf("%d is beyond the 32 bits of an Int", i)
		}
		_, err := io.WriteString(w, strconv.FormatInt(i, 10))
		return err
	})
}
