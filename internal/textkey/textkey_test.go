package textkey_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

func TestFoldIgnoresCaseAndForm(t *testing.T) { // R18
	for _, same := range [][]string{
		{"anna", "Anna", "ANNA", "ＡＮＮＡ"},
		{"strasse", "Straße", "STRASSE", "straẞe"},
		{"é", "É", "e\u0301", "E\u0301"},
		{"fi", "ﬁ", "FI", "Fi"},
		{"σοφοσ", "Σοφος", "ΣΟΦΟΣ"},
		{"i̇stanbul", "İstanbul", "I\u0307STANBUL"},
		{"ᾳ", "ᾼ"},
		{"", ""},
	} {
		for _, s := range same {
			if got, want := textkey.Fold(s), textkey.Fold(same[0]); got != want {
				t.Errorf("Fold(%q) = %q, but Fold(%q) = %q", s, got, same[0], want)
			}
		}
	}
	if textkey.Fold("Anna") == textkey.Fold("Änna") {
		t.Error("different letters have one key")
	}
}

func TestFoldIsStableForEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsGraphic(r) { // unassigned, or without any mapping
			continue
		}
		// Alone, and where a mark before or after it may move or join.
		for _, s := range []string{string(r), "a\u0345" + string(r) + "\u0301", string(r) + "\u0345"} {
			checkFold(t.Errorf, s)
		}
	}
}

func TestFoldIgnoresTheCaseOfEveryLetter(t *testing.T) { // R18
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if other := unicode.SimpleFold(r); other != r && textkey.Fold(string(r)) != textkey.Fold(string(other)) {
			t.Errorf("Fold(%+q) = %+q, but Fold(%+q) = %+q", r, textkey.Fold(string(r)), other, textkey.Fold(string(other)))
		}
	}
}

func TestFoldIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkFold(t.Errorf, rapid.String().Draw(t, "s")) })
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "Straße", "e\u0301\u0345", "\xff", "\u03f4\u0345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkFold(t.Errorf, s) })
}

func checkFold(errorf func(string, ...any), s string) {
	once := textkey.Fold(s)
	if twice := textkey.Fold(once); twice != once {
		errorf("Fold(%+q) = %+q, folded again %+q", s, once, twice)
	}
	if utf8.ValidString(s) && !norm.NFKC.IsNormalString(once) {
		errorf("Fold(%+q) = %+q is not NFKC", s, once)
	}
}

func TestWordsOfNames(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{"Anna Berg"}, "anna berg"},
		{[]string{"Jean-Luc O'Brien"}, "brien jean jean-luc luc o o'brien"},
		{[]string{"Anna Berg", "anna.berg@example.com"}, "anna anna.berg anna.berg@example.com berg com example example.com"},
		{[]string{"  (Sales)  &  Co.  "}, "co sales"},
		{[]string{"王小明"}, "王小明"},
		{[]string{"अनुष्का"}, "अनुष्का"},
		{[]string{"Anna ANNA ａｎｎａ"}, "anna"},
		{[]string{"", " \t", "---"}, ""},
	} {
		if got := strings.Join(textkey.Words(test.names...), " "); got != test.want {
			t.Errorf("Words(%q) = %q, want %q", test.names, got, test.want)
		}
	}
}

func TestWhatIsTypedFindsTheName(t *testing.T) {
	words := textkey.Words("Anna-Maria van den Berg", "anna.berg@example.com")
	for typed, found := range map[string]bool{
		"a": true, "ANNA": true, "anna-": true, "anna-m": true, "maria": true, "berg": true, "van b": true,
		"anna.b@exa": false, "anna.berg@exa": true, "example.c": true, "(berg)": true, "annas": false, "erg": false,
	} {
		all := true
		for _, term := range textkey.Terms(typed) {
			all = all && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, term) })
		}
		if all != found {
			t.Errorf("typing %q finds the name: %v, want %v", typed, all, found)
		}
	}
	if terms := textkey.Terms(" -- !"); len(terms) != 0 {
		t.Errorf("signs alone make the terms %q", terms)
	}
}

func TestWordsAndTermsAreCutAlike(t *testing.T) {
	long := strings.Repeat("ab", 200)
	words, terms := textkey.Words(long), textkey.Terms(long)
	if len(words) != 1 || len(words[0]) != textkey.MaxWord || !slices.Equal(words, terms) {
		t.Errorf("words %q, terms %q", words, terms)
	}
}

func TestSearchKeyHasABlankBeforeEachWord(t *testing.T) {
	if got := textkey.SearchKey("Sales (West)"); got != " sales west" {
		t.Errorf("SearchKey = %q", got)
	}
	if got := textkey.SearchKey("!"); got != "" {
		t.Errorf("SearchKey of signs = %q", got)
	}
}

func TestPrefixEndEndsThePrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix, rest := rapid.String().Draw(t, "prefix"), rapid.String().Draw(t, "rest")
		other := rapid.String().Draw(t, "other")
		end := textkey.PrefixEnd(prefix)
		if key := prefix + rest; key < prefix || key >= end && !strings.HasPrefix(rest, string(unicode.MaxRune)) {
			t.Errorf("%q is outside %q to %q", key, prefix, end)
		}
		if other >= prefix && other < end && !strings.HasPrefix(other, prefix) {
			t.Errorf("%q is inside %q to %q", other, prefix, end)
		}
	})
}
