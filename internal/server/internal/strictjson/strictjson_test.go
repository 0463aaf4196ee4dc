package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/server/internal/strictjson"
)

const depth = 8

func TestValuesAreReadExactly(t *testing.T) {
	cases := map[string]any{
		`null`:                       nil,
		` true `:                     true,
		`"a\"\\\/\b\f\n\r\tz"`:       "a\"\\/\b\f\n\r\tz",
		`"\u00e9\ud83c\udfc3 é🏊"`:    "é🏃 é🏊",
		`"\ufffd"`:                   "\ufffd",
		`"\\ud800"`:                  `\ud800`,
		`12345678901234567890.10`:    json.Number("12345678901234567890.10"),
		`-0`:                         json.Number("-0"),
		`1e400`:                      json.Number("1e400"),
		`[]`:                         []any{},
		`[1,[ ],{"a":[null]}]`:       []any{json.Number("1"), []any{}, map[string]any{"a": []any{nil}}},
		"{\n\t\"a\" : 1,\r\"b\":{}}": map[string]any{"a": json.Number("1"), "b": map[string]any{}},
	}
	for text, want := range cases {
		got, err := strictjson.Parse([]byte(text), depth)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%s) = %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func TestRefusalsNameKindAndPath(t *testing.T) {
	cases := []struct {
		name, text string
		kind       strictjson.Kind
		path       []any
	}{
		{"nothing", ``, strictjson.Empty, nil},
		{"white space only", " \n", strictjson.Empty, nil},
		{"second value", `{} {}`, strictjson.Trailing, nil},
		{"text after the value", `{}x`, strictjson.Trailing, nil},
		{"cut off", `{"a":[1,`, strictjson.Syntax, []any{"a", 1}},
		{"trailing comma", `[1,]`, strictjson.Syntax, []any{1}},
		{"leading zero", `[01]`, strictjson.Syntax, nil},
		{"plus sign", `+1`, strictjson.Syntax, nil},
		{"bare fraction", `1.`, strictjson.Syntax, nil},
		{"bare exponent", `1e+`, strictjson.Syntax, nil},
		{"NaN", `NaN`, strictjson.Syntax, nil},
		{"half a word", `tru`, strictjson.Syntax, nil},
		{"unquoted name", `{a:1}`, strictjson.Syntax, nil},
		{"raw control character", "\"\x01\"", strictjson.Syntax, nil},
		{"unknown escape", `"\x41"`, strictjson.Syntax, nil},
		{"sign in an escape", `"\u+041"`, strictjson.Syntax, nil},
		{"byte order mark", "\ufeff{}", strictjson.Syntax, nil},
		{"too deep", strings.Repeat("[", depth+1), strictjson.Depth, []any{0, 0, 0, 0, 0, 0, 0, 0}},
		{"absurdly deep", strings.Repeat(`{"a":`, 1<<18), strictjson.Depth, []any{"a", "a", "a", "a", "a", "a", "a", "a"}},
		{"invalid UTF-8", "{\"v\":[\"\xff\"]}", strictjson.Encoding, []any{"v", 0}},
		{"overlong UTF-8", "\"\xc0\x80\"", strictjson.Encoding, nil},
		{"surrogate as UTF-8", "\"\xed\xa0\x80\"", strictjson.Encoding, nil},
		{"lone high surrogate", `{"v":{"in":"a\ud800b"}}`, strictjson.Surrogate, []any{"v", "in"}},
		{"lone low surrogate", `["\udc00"]`, strictjson.Surrogate, []any{0}},
		{"two high surrogates", `"\ud800\ud800"`, strictjson.Surrogate, nil},
		{"surrogate in a name", `{"\udfff":1}`, strictjson.Surrogate, nil},
		{"escaped NUL", `{"v":"\u0000"}`, strictjson.NUL, []any{"v"}},
		{"raw NUL", "\"a\x00\"", strictjson.NUL, nil},
		{"same name twice", `{"v":{"a":1,"\u0061":2}}`, strictjson.Duplicate, []any{"v", "a"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := strictjson.Parse([]byte(c.text), depth)
			var e *strictjson.Error
			if !errors.As(err, &e) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			if e.Kind != c.kind || !reflect.DeepEqual(e.Path, c.path) {
				t.Errorf("got kind %d (%v) at %v, want %d at %v", e.Kind, e, e.Path, c.kind, c.path)
			}
		})
	}
}

// FuzzParse holds the parser against encoding/json: what it accepts it reads alike, and what
// only encoding/json accepts is refused for one of the reasons of this package.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"query":"{ a }","variables":{"a":[1,2.5e3,null,true,"\ud83c\udfc3"]}}`,
		`"\ud800"`, `"\u0000"`, `{"a":1,"a":2}`, `[[[[[[[[[[]]]]]]]]]]`, "\"\xff\"", `{} {}`, `-0.0e-0`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := strictjson.Parse(data, depth)
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var want any
		valid := json.Valid(data) && dec.Decode(&want) == nil
		if err == nil {
			if !valid || !reflect.DeepEqual(got, want) {
				t.Fatalf("read %#v where encoding/json reads %#v (valid: %v)", got, want, valid)
			}
			return
		}
		var e *strictjson.Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(data) {
			t.Fatalf("error without a place: %v", err)
		}
		if syntax := e.Kind <= strictjson.Trailing; syntax && valid {
			t.Fatalf("refused valid JSON: %v", err)
		}
	})
}
