package locale

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// verb finds the verbs of a format, with the argument's place where it is given.
var verb = regexp.MustCompile(`%(?:\[(\d+)\])?([a-z%])`)

// verbs returns which argument is written by which verb, and how often.
func verbs(format string) map[string]int {
	found := map[string]int{}
	next := 1
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		found[fmt.Sprintf("%d:%s", next, m[2])]++
		next++
	}
	return found
}

// spelled returns a wording with one form chosen everywhere.
func (w wording) spelled(form int) string {
	var b strings.Builder
	for _, p := range w {
		b.WriteString(p.text)
		if p.forms != nil {
			b.WriteString(p.forms[form])
		}
	}
	return b.String()
}

func TestWordingsHaveTheVerbsOfTheirFormats(t *testing.T) {
	for l, wordings := range catalogue {
		for format, w := range wordings {
			for form := range 2 {
				if got, want := verbs(w.spelled(form)), verbs(format); !maps.Equal(got, want) {
					t.Errorf("%s: %q has the verbs %v, want %v", Language(l), w.spelled(form), got, want)
				}
			}
		}
	}
}

func TestChoicesAreByANumberOfTheFormat(t *testing.T) {
	for l, wordings := range catalogue {
		for format, w := range wordings {
			for _, p := range w {
				if p.forms != nil && (len(p.forms) != 2 || verbs(format)[fmt.Sprintf("%d:d", p.arg+1)] == 0) {
					t.Errorf("%s: a choice of %q is not between two forms by a number", Language(l), format)
				}
				if regexp.MustCompile(`\{\d|\|`).MatchString(p.text) {
					t.Errorf("%s: a choice of %q is not closed, or not one: %q", Language(l), format, p.text)
				}
			}
		}
	}
}

func TestTheEnglishFormatIsItsOwnPlural(t *testing.T) {
	for format, w := range catalogue[English] {
		if got := w.spelled(1); got != format {
			t.Errorf("the plural of %q is %q", format, got)
		}
		if w.spelled(0) == format {
			t.Errorf("the singular of %q is no other", format)
		}
	}
}

// TestWhatHasASingularInEnglishHasOneInDutch guards against one language being forgotten.
func TestWhatHasASingularInEnglishHasOneInDutch(t *testing.T) {
	for format := range english {
		if w := catalogue[Dutch][format]; w.spelled(0) == w.spelled(1) {
			t.Errorf("%q has one form in Dutch", format)
		}
	}
}

func TestEveryWordingIsWellFormedForEveryNumber(t *testing.T) {
	for l := range Language(languages) {
		for _, format := range slices.Concat(slices.Collect(maps.Keys(english)), slices.Collect(maps.Keys(dutch))) {
			for _, n := range []int{0, 1, 2, 21, 20_000} {
				args := make([]any, 0, 8)
				for place := range verbs(format) {
					at, v, _ := strings.Cut(place, ":")
					i, _ := strconv.Atoi(at)
					for len(args) < i {
						args = append(args, "x")
					}
					if v == "d" {
						args[i-1] = n
					}
				}
				if text := T(format, args...).In(l); strings.Contains(text, "%!") || strings.ContainsAny(text, "|") || text == "" {
					t.Errorf("%s: %q of %d is %q", l, format, n, text)
				}
			}
		}
	}
}

func TestSentencesEndAlike(t *testing.T) {
	for format, text := range dutch {
		if strings.HasSuffix(format, ".") != strings.HasSuffix(text, ".") {
			t.Errorf("%q and %q do not end alike", format, text)
		}
	}
}
