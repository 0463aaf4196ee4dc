package locale

import (
	"reflect"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
)

// catalogue holds, per language, the wordings by their English formats. English has only those
// that depend on a number.
var catalogue = [languages]map[string]wording{English: compiled(english), Dutch: compiled(dutch)}

func compiled(source map[string]string) map[string]wording {
	m := make(map[string]wording, len(source))
	for key, text := range source {
		m[key] = compile(text)
	}
	return m
}

// wording is a format of package fmt in pieces: texts, and between them choices by a number.
// In the source a choice is {N:one|other}, where N is the place of an argument, counted from 1,
// and what follows are the forms for the language's cardinal categories, in CLDR's order.
type wording []piece

type piece struct {
	text  string
	arg   int      // of a choice: the argument's index
	forms []string // of a choice
}

// compile reads a wording. What is not a choice stays text.
func compile(source string) wording {
	var w wording
	for source != "" {
		before, rest, found := strings.Cut(source, "{")
		inside, after, closed := strings.Cut(rest, "}")
		number, forms, isChoice := strings.Cut(inside, ":")
		n, err := strconv.Atoi(number)
		if !found || !closed || !isChoice || err != nil || n < 1 {
			return append(w, piece{text: source})
		}
		w = append(w, piece{text: before}, piece{arg: n - 1, forms: strings.Split(forms, "|")})
		source = after
	}
	return w
}

// format returns the format for the arguments' numbers.
func (w wording) format(l Language, args []any) string {
	if len(w) == 1 && w[0].forms == nil {
		return w[0].text
	}
	var b strings.Builder
	for _, p := range w {
		if p.forms == nil {
			b.WriteString(p.text)
			continue
		}
		form := len(p.forms) - 1 // other
		if n, ok := number(args, p.arg); ok && form > 0 && singular(l, n) {
			form = 0
		}
		b.WriteString(p.forms[form])
	}
	return b.String()
}

// singular tells whether a number takes the category "one", which is first of the two that the
// languages here have; "other" is last in every language.
func singular(l Language, n int64) bool {
	if n < 0 {
		n = -n // CLDR's rules go by the absolute value
	}
	small := int(min(n, 1_000_000_000)) // no rule of these languages looks at more
	return plural.Cardinal.MatchPlural(l.Tag(), small, 0, 0, 0, 0) == plural.One
}

func number(args []any, i int) (int64, bool) {
	if i >= len(args) {
		return 0, false
	}
	switch v := reflect.ValueOf(args[i]); {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(min(v.Uint(), 1<<62)), true
	}
	return 0, false
}
