package scalar_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/licensegraph/licensegraph/graph/scalar"
	"github.com/licensegraph/licensegraph/internal/clock"
)

func TestIntTakesWholeNumbersOf32BitsAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		in   any
		want int32
		ok   bool
	}{
		{json.Number("0"), 0, true},
		{json.Number("-0"), 0, true},
		{json.Number("2147483647"), math.MaxInt32, true},
		{json.Number("-2147483648"), math.MinInt32, true},
		{json.Number("1.0"), 1, true},
		{json.Number("1e3"), 1000, true},
		{json.Number("2147483648"), 0, false},
		{json.Number("-2147483649"), 0, false},
		{json.Number("1.5"), 0, false},
		{json.Number("1e999"), 0, false},
		{json.Number("99999999999999999999"), 0, false},
		{int64(7), 7, true},
		{int64(1 << 31), 0, false},
		{7, 7, true},
		{int32(7), 7, true},
		{float64(7), 7, true},
		{7.5, 0, false},
		{float64(1 << 31), 0, false},
		{math.NaN(), 0, false},
		{math.Inf(1), 0, false},
		{"7", 0, false},
		{true, 0, false},
		{nil, 0, false},
		{[]any{1}, 0, false},
		{map[string]any{}, 0, false},
	} {
		got, err := scalar.Int(c.in)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("Int(%T %v) = %d, %v; want %d, accepted %v", c.in, c.in, got, err, c.want, c.ok)
		}
	}
}

func TestFloatTakesNumbersAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		in   any
		want float64
		ok   bool
	}{
		{json.Number("1.5"), 1.5, true},
		{json.Number("3"), 3, true},
		{int64(3), 3, true},
		{1.5, 1.5, true},
		{json.Number("1e999"), 0, false},
		{"1.5", 0, false},
		{true, 0, false},
		{nil, 0, false},
	} {
		got, err := scalar.Float(c.in)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("Float(%T %v) = %v, %v; want %v, accepted %v", c.in, c.in, got, err, c.want, c.ok)
		}
	}
}

func TestStringAndIDAndBooleanRefuseValuesOfOtherKinds(t *testing.T) {
	const (
		yes = true
		no  = false
	)
	for _, c := range []struct {
		in               any
		text, id, truths bool
	}{
		{"", yes, yes, no},
		{"zoë", yes, yes, no},
		{"\uFFFD", yes, yes, no},
		{"a\x00b", no, no, no},
		{"\xff", no, no, no},
		{json.Number("7"), no, yes, no},
		{json.Number("12345678901234567890"), no, yes, no},
		{json.Number("1.0"), no, yes, no},
		{json.Number("1.5"), no, no, no},
		{json.Number("1e30"), no, no, no},
		{json.Number("1e999"), no, no, no},
		{int64(7), no, yes, no},
		{float64(7), no, yes, no},
		{7.5, no, no, no},
		{true, no, no, yes},
		{false, no, no, yes},
		{nil, no, no, no},
		{[]any{}, no, no, no},
		{map[string]any{}, no, no, no},
	} {
		if _, err := scalar.String(c.in); (err == nil) != c.text {
			t.Errorf("String(%T %v): %v", c.in, c.in, err)
		}
		if _, err := scalar.ID(c.in); (err == nil) != c.id {
			t.Errorf("ID(%T %v): %v", c.in, c.in, err)
		}
		if _, err := scalar.Boolean(c.in); (err == nil) != c.truths {
			t.Errorf("Boolean(%T %v): %v", c.in, c.in, err)
		}
	}
}

func TestIDWritesWholeNumbersInDecimalDigits(t *testing.T) {
	for in, want := range map[any]string{
		json.Number("12345678901234567890"): "12345678901234567890",
		json.Number("1e3"):                  "1000",
		float64(4):                          "4",
		int64(-4):                           "-4",
		"007":                               "007",
	} {
		if got, err := scalar.ID(in); err != nil || got != want {
			t.Errorf("ID(%v) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestDateTimeTakesRFC3339OfAtMostMicroseconds(t *testing.T) {
	at := func(us int) clock.Instant {
		return clock.FromTime(time.Date(2026, 11, 25, 9, 30, 0, us*1000, time.UTC))
	}
	for in, want := range map[string]clock.Instant{
		"2026-11-25T09:30:00Z":             at(0),
		"2026-11-25T10:30:00+01:00":        at(0),
		"2026-11-25T09:30:00.5Z":           at(500000),
		"2026-11-25T09:30:00.000001Z":      at(1),
		"2026-11-25T10:30:00.123456+01:00": at(123456),
	} {
		if got, err := scalar.DateTime(in); err != nil || got != want {
			t.Errorf("DateTime(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []any{
		"", "now", "2026-11-25", "2026-11-25T09:30:00", "2026-11-25 09:30:00Z", "2026-11-25T09:30Z",
		"2026-11-25T9:30:00Z", "2026-11-25T09:30:00,5Z", "2026-11-25T09:30:00.1234567Z",
		"2026-11-25T09:30:00+25:00", "2026-11-25T09:30:00+24:00", "2026-11-25T09:30:00+00:60", "2026-02-30T09:30:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00",
		"10000-01-01T00:00:00Z", "2026-11-25T09:30:00Z ", "2026-11-25T09:30:60Z", json.Number("1795599000"), true, nil,
	} {
		if got, err := scalar.DateTime(in); err == nil {
			t.Errorf("DateTime(%v) = %v, want a refusal", in, got)
		}
	}
}

func TestErrorsNeverRepeatTheValue(t *testing.T) {
	const secret = "hunter2"
	for name, coerce := range map[string]func(any) error{
		"Int":      func(v any) error { _, err := scalar.Int(v); return err },
		"Float":    func(v any) error { _, err := scalar.Float(v); return err },
		"Boolean":  func(v any) error { _, err := scalar.Boolean(v); return err },
		"String":   func(v any) error { _, err := scalar.String(v); return err },
		"ID":       func(v any) error { _, err := scalar.ID(v); return err },
		"DateTime": func(v any) error { _, err := scalar.DateTime(v); return err },
	} {
		err := coerce(secret + "\x00")
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMarshalledValuesReadBackAsTheyWere(t *testing.T) {
	ctx := graphql.WithResponseContext(context.Background(), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	instant := clock.Instant(1795599000123450)
	for want, m := range map[string]graphql.Marshaler{
		`-7`:                           graphql.WrapContextMarshaler(ctx, scalar.MarshalInt(-7)),
		`2147483647`:                   graphql.WrapContextMarshaler(ctx, scalar.MarshalInt64(math.MaxInt32)),
		`8`:                            graphql.WrapContextMarshaler(ctx, scalar.MarshalInt32(8)),
		`1.5`:                          graphql.WrapContextMarshaler(ctx, scalar.MarshalFloat(1.5)),
		`true`:                         scalar.MarshalBoolean(true),
		"\"a\\\"\u2028\"":              scalar.MarshalString("a\"\u2028"),
		"\"\uFFFD!\"":                  scalar.MarshalID("\xff!"),
		`"` + instant.String() + `"`:   scalar.MarshalDateTime(instant),
		`"2026-11-25T09:30:00.12345Z"`: scalar.MarshalDateTime(instant),
		`"1970-01-01T00:00:00Z"`:       scalar.MarshalDateTime(0),
	} {
		var b strings.Builder
		m.MarshalGQL(&b)
		if b.String() != want || !utf8.ValidString(b.String()) {
			t.Errorf("wrote %s, want %s", b.String(), want)
		}
	}
	if errs := graphql.GetErrors(ctx); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestNumbersThatTheProtocolCannotCarryAreErrorsOfTheField(t *testing.T) {
	for _, m := range []graphql.ContextMarshaler{
		scalar.MarshalInt(1 << 31), scalar.MarshalInt64(math.MinInt32 - 1),
		scalar.MarshalFloat(math.Inf(1)), scalar.MarshalFloat(math.NaN()),
	} {
		var b strings.Builder
		if err := m.MarshalGQLContext(context.Background(), &b); err == nil || b.Len() > 0 {
			t.Errorf("wrote %q, %v; want an error", b.String(), err)
		}
	}
}

func TestUnmarshalFunctionsDecideAsTheScalarsDo(t *testing.T) {
	ctx := context.Background()
	if i, err := scalar.UnmarshalInt(ctx, json.Number("7")); i != 7 || err != nil {
		t.Error(i, err)
	}
	if i, err := scalar.UnmarshalInt32(ctx, json.Number("7")); i != 7 || err != nil {
		t.Error(i, err)
	}
	if i, err := scalar.UnmarshalInt64(ctx, json.Number("7")); i != 7 || err != nil {
		t.Error(i, err)
	}
	if f, err := scalar.UnmarshalFloat(ctx, json.Number("7")); f != 7 || err != nil {
		t.Error(f, err)
	}
	if _, err := scalar.UnmarshalString(json.Number("7")); err == nil {
		t.Error("a number is a String")
	}
	if _, err := scalar.UnmarshalID(true); err == nil {
		t.Error("a boolean is an ID")
	}
	if _, err := scalar.UnmarshalBoolean("true"); err == nil {
		t.Error("a string is a Boolean")
	}
	if _, err := scalar.UnmarshalDateTime("yesterday"); err == nil {
		t.Error("a word is a DateTime")
	}
}

func FuzzDateTime(f *testing.F) {
	f.Add("2026-11-25T09:30:00Z")
	f.Add("2026-11-25T10:30:00.123456+01:00")
	f.Fuzz(func(t *testing.T, s string) {
		i, err := scalar.DateTime(s)
		if err != nil {
			return
		}
		if again, err := scalar.DateTime(i.String()); err != nil || again != i {
			t.Errorf("%q is %s, which reads back as %s, %v", s, i, again, err)
		}
	})
}
