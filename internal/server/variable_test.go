package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// echoed sends one variable of the field echo and returns what arrived at the resolver.
func echoed(t *testing.T, h *harness, arg, typ, value string) (string, answer) {
	t.Helper()
	body := fmt.Sprintf(`{"query":"query ($v: %s) { echo(%s: $v) }","variables":{"v":%s}}`, typ, arg, value)
	a := h.post(t, body)
	if a.status != http.StatusOK {
		return "", a
	}
	var data struct{ Echo string }
	decode(t, a.body.Data, &data)
	var args map[string]json.RawMessage
	decode(t, []byte(data.Echo), &args)
	return string(args[arg]), a
}

func TestVariablesArriveExactly(t *testing.T) {
	h := newHarness(t)
	cases := []struct{ arg, typ, value, want string }{
		{"number", "Int", `2147483647`, `2147483647`},
		{"number", "Int", `-2147483648`, `-2147483648`},
		{"number", "Int", `1.0`, `1`},
		{"number", "Int", `2e3`, `2000`},
		{"number", "Int", `null`, `null`},
		{"ratio", "Float", `0.5`, `0.5`},
		{"ratio", "Float", `7`, `7`},
		{"id", "ID", `"user_1"`, `"user_1"`},
		{"id", "ID", `12345678901234567890123`, `"12345678901234567890123"`},
		{"text", "String", `"🏃\ud83c\udfc3\\u0000"`, `"🏃🏃\\u0000"`},
		{"text", "String", `""`, `""`},
		{"flag", "Boolean", `false`, `false`},
		{"mood", "Mood", `"BAD"`, `"BAD"`},
		{"list", "[Int!]", `[1,2]`, `[1,2]`},
		{"list", "[Int!]", `3`, `[3]`},
		{"list", "[Int!]", `[]`, `[]`},
		{"nested", "[[Int]]", `[[1,null],null,2]`, `[[1,null],null,[2]]`},
		{"when", "DateTime", `"2026-01-01T00:00:00Z"`, `"2026-01-01T00:00:00Z"`},
		{"when", "DateTime", `12345678901234567890.5`, `12345678901234567890.5`},
		{"input", "WishInput", `{"name":"a"}`, `{"name":"a"}`},
		{"input", "WishInput", `{"name":"a","seats":null,"ids":["x",2],"plans":{"only":[]}}`, `{"ids":["x","2"],"name":"a","plans":{"only":[]},"seats":null}`},
		{"input", "WishInput", `{"name":"a","plans":null}`, `{"name":"a","plans":null}`},
	}
	for _, c := range cases {
		if got, a := echoed(t, h, c.arg, c.typ, c.value); got != c.want {
			t.Errorf("%s %s: got %s, want %s (%s)", c.typ, c.value, got, c.want, a.text)
		}
	}
}

func TestVariablesAreCoercedAsStrictlyAsLiterals(t *testing.T) {
	h := newHarness(t)
	cases := []struct{ arg, typ, value, path, says string }{
		{"number", "Int", `"1"`, "v", "Int cannot be a string"},
		{"number", "Int", `1.5`, "v", "Int cannot be a fraction"},
		{"number", "Int", `2147483648`, "v", "an Int lies between"},
		{"number", "Int", `-2147483649`, "v", "an Int lies between"},
		{"number", "Int", `1e400`, "v", "an Int lies between"},
		{"number", "Int", `true`, "v", "Int cannot be a boolean"},
		{"number", "Int", `[1]`, "v", "Int cannot be a list"},
		{"number", "Int!", `null`, "v", "null is not allowed"},
		{"ratio", "Float", `"0.5"`, "v", "Float cannot be a string"},
		{"ratio", "Float", `1e400`, "v", "beyond the range"},
		{"id", "ID", `1.5`, "v", "not a fraction"},
		{"id", "ID", `{}`, "v", "ID cannot be an object"},
		{"id", "ID", `true`, "v", "ID cannot be a boolean"},
		{"text", "String", `1`, "v", "String cannot be a number"},
		{"flag", "Boolean", `1`, "v", "Boolean cannot be a number"},
		{"flag", "Boolean", `"true"`, "v", "Boolean cannot be a string"},
		{"mood", "Mood", `"bad"`, "v", "one of GOOD, BAD"},
		{"mood", "Mood", `1`, "v", "one of GOOD, BAD"},
		{"list", "[Int!]", `[1,null]`, "v.1", "null is not allowed"},
		{"list", "[Int!]", `["1"]`, "v.0", "Int cannot be a string"},
		{"nested", "[[Int]]", `[[1],[2,"x"]]`, "v.1.1", "Int cannot be a string"},
		{"input", "WishInput", `"x"`, "v", "WishInput is an input object"},
		{"input", "WishInput", `{}`, "v.name", "a value of type String! is required"},
		{"input", "WishInput", `{"name":"a","secret":1}`, "v.secret", "no such field"},
		{"input", "WishInput", `{"name":"a","seats":2147483648}`, "v.seats", "an Int lies between"},
		{"input", "WishInput", `{"name":"a","ids":["x",1.5]}`, "v.ids.1", "not a fraction"},
		{"input", "WishInput", `{"name":"a","dryRun":null}`, "v.dryRun", "null is not allowed"},
		{"input", "WishInput", `{"name":"a","plans":{}}`, "v.plans", "exactly one"},
		{"input", "WishInput", `{"name":"a","plans":{"all":true,"only":[]}}`, "v.plans", "exactly one"},
		{"input", "WishInput", `{"name":"a","plans":{"all":null}}`, "v.plans.all", "null is not allowed"},
		{"input", "WishInput", `{"name":"a","plans":{"all":true,"only":null}}`, "v.plans", "exactly one"},
	}
	for _, c := range cases {
		t.Run(c.typ+" "+c.value, func(t *testing.T) {
			_, a := echoed(t, h, c.arg, c.typ, c.value)
			if a.status != http.StatusBadRequest || a.code(t) != "BAD_USER_INPUT" {
				t.Fatalf("%d %s", a.status, a.text)
			}
			e := a.body.Errors[0]
			if got := fmt.Sprint(e.Path...); got != fmt.Sprint(pathOf(c.path)...) || !strings.Contains(e.Message, c.says) {
				t.Errorf("%q at %v", e.Message, e.Path)
			}
			if !strings.Contains(e.Message, "$v") {
				t.Errorf("the variable is not named: %q", e.Message)
			}
		})
	}
}

// pathOf is the path of an error as JSON has it.
func pathOf(dotted string) []any {
	path := []any{"variable"}
	for step := range strings.SplitSeq(dotted, ".") {
		if strings.Trim(step, "0123456789") == "" {
			var n float64
			_, _ = fmt.Sscan(step, &n)
			path = append(path, n)
			continue
		}
		path = append(path, step)
	}
	return path
}

func TestAMissingVariableIsRefusedAndADefaultTakesItsPlace(t *testing.T) {
	h := newHarness(t)
	if a := h.post(t, request("query ($n: Int!) { need(number: $n) }", map[string]any{"other": 1})); a.code(t) != "BAD_USER_INPUT" || !strings.Contains(a.text, "$n") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if a := h.post(t, request("query ($n: Int! = 5) { need(number: $n) }", map[string]any{})); a.status != 200 || !strings.Contains(a.text, "5") {
		t.Errorf("%d %s", a.status, a.text)
	}
}

func TestTextThatWouldBeChangedSilentlyIsRefusedByVariable(t *testing.T) {
	h := newHarness(t)
	for name, c := range map[string]struct{ value, says string }{
		"lone surrogate": {`"a\ud800"`, "lone surrogate"},
		"NUL":            {`"a\u0000"`, "NUL"},
		"invalid UTF-8":  {"\"\xff\"", "UTF-8"},
		"name twice":     {`{"seats":1,"seats":2}`, "same name twice"},
	} {
		body := `{"query":"query ($v: WishInput) { echo(input: $v) }","variables":{"v":{"ids":["x",` + c.value + `]}}}`
		a := h.post(t, body, "Accept", "application/json")
		if a.status != http.StatusBadRequest || a.code(t) != "BAD_USER_INPUT" {
			t.Fatalf("%s: %d %s", name, a.status, a.text)
		}
		if m := a.body.Errors[0].Message; !strings.Contains(m, c.says) || !strings.Contains(m, "variable $v.ids[1]") {
			t.Errorf("%s: %q", name, m)
		}
	}
}

func TestManyBadVariablesGiveFewErrors(t *testing.T) {
	h := newHarness(t)
	bad := make([]string, 1000)
	a := h.post(t, request("query ($l: [Int!]) { echo(list: $l) }", map[string]any{"l": bad}))
	if len(a.body.Errors) != 20 {
		t.Errorf("%d errors", len(a.body.Errors))
	}
}
