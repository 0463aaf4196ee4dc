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
	cases := []struct{ arg, typ, value, path string }{
		{"number", "Int", `"1"`, "v"},
		{"number", "Int", `1.5`, "v"},
		{"number", "Int", `2147483648`, "v"},
		{"number", "Int", `-2147483649`, "v"},
		{"number", "Int", `1e400`, "v"},
		{"number", "Int", `true`, "v"},
		{"number", "Int", `[1]`, "v"},
		{"number", "Int!", `null`, "v"},
		{"ratio", "Float", `"0.5"`, "v"},
		{"ratio", "Float", `1e400`, "v"},
		{"id", "ID", `1.5`, "v"},
		{"id", "ID", `{}`, "v"},
		{"id", "ID", `true`, "v"},
		{"text", "String", `1`, "v"},
		{"flag", "Boolean", `1`, "v"},
		{"flag", "Boolean", `"true"`, "v"},
		{"mood", "Mood", `"bad"`, "v"},
		{"mood", "Mood", `1`, "v"},
		{"list", "[Int!]", `[1,null]`, "v.1"},
		{"list", "[Int!]", `["1"]`, "v.0"},
		{"nested", "[[Int]]", `[[1],[2,"x"]]`, "v.1.1"},
		{"input", "WishInput", `"x"`, "v"},
		{"input", "WishInput", `{}`, "v.name"},
		{"input", "WishInput", `{"name":"a","secret":1}`, "v.secret"},
		{"input", "WishInput", `{"name":"a","seats":2147483648}`, "v.seats"},
		{"input", "WishInput", `{"name":"a","ids":["x",1.5]}`, "v.ids.1"},
		{"input", "WishInput", `{"name":"a","dryRun":null}`, "v.dryRun"},
		{"input", "WishInput", `{"name":"a","plans":{}}`, "v.plans"},
		{"input", "WishInput", `{"name":"a","plans":{"all":true,"only":[]}}`, "v.plans"},
		{"input", "WishInput", `{"name":"a","plans":{"all":null}}`, "v.plans.all"},
		{"input", "WishInput", `{"name":"a","plans":{"all":true,"only":null}}`, "v.plans"},
	}
	for _, c := range cases {
		t.Run(c.typ+" "+c.value, func(t *testing.T) {
			_, a := echoed(t, h, c.arg, c.typ, c.value)
			if a.status != http.StatusBadRequest || a.code(t) != "BAD_USER_INPUT" {
				t.Fatalf("%d %s", a.status, a.text)
			}
			e := a.body.Errors[0]
			if got := fmt.Sprint(e.Path...); got != fmt.Sprint(pathOf(c.path)...) {
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
