// Package textkey makes the keys under which texts are compared, ordered and searched.
//
// Keys are compared byte by byte on both databases (COLLATE "C" on PostgreSQL). They are never
// shown: the text itself is stored as given, beside its key.
package textkey

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the key of a text: texts that differ only in letter case or in compatibility
// forms have the same one (R18). It is NFKC and full case folding, repeated until nothing
// changes, so that folding a key gives the key itself.
func Fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	fold := cases.Fold()
	for range maxRounds {
		folded := norm.NFKC.String(strings.Map(cherokee, fold.String(norm.NFKC.String(s))))
		if folded == s {
			break
		}
		s = folded
	}
	return s
}

// maxRounds is more than any text needs. It is odd, so that a pair of characters that fold to
// each other would fail the test of stability.
const maxRounds = 7

// cherokee completes the folding of Cherokee letters, which Unicode folds to the older capital
// ones (CaseFolding.txt) and cases.Fold turns into each other.
func cherokee(r rune) rune {
	switch {
	case r >= 0xab70 && r <= 0xabbf:
		return r - 0xab70 + 0x13a0
	case r >= 0x13f8 && r <= 0x13fd:
		return r - 8
	}
	return r
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// MaxWord is the number of characters to which words and terms are cut, so that an index can
// hold them.
const MaxWord = 64

// Words returns the distinct folded words of names, sorted: every run of letters, numbers and
// marks. What has signs between such runs, like jean-luc, o'brien or anna.berg@example.com, is
// a word as a whole too, and so is each side of an @, so that what people type as the beginning
// of a name is the beginning of a word.
func Words(names ...string) []string {
	var words []string
	for _, name := range names {
		for _, token := range strings.Fields(Fold(name)) {
			words = appendWord(words, token)
			for side := range strings.SplitSeq(token, "@") {
				words = appendWord(words, side)
			}
			for run := range strings.FieldsFuncSeq(token, isSign) {
				words = appendWord(words, run)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// Terms returns the distinct folded beginnings of words that a search asks for, sorted: a name
// matches when each term is a prefix of one of its Words. A text without a letter, number or
// mark has none.
func Terms(search string) []string {
	var terms []string
	for token := range strings.FieldsSeq(Fold(search)) {
		terms = appendWord(terms, token)
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// SearchKey returns the Words of names in one text, a blank before each: it contains a blank
// followed by a term exactly where a word begins with the term.
func SearchKey(names ...string) string {
	var b strings.Builder
	for _, word := range Words(names...) {
		b.WriteByte(' ')
		b.WriteString(word)
	}
	return b.String()
}

// PrefixEnd returns the end of the range of keys that begin with a prefix: all of them are at
// least the prefix and less than its end.
func PrefixEnd(prefix string) string { return prefix + string(unicode.MaxRune) }

// appendWord appends what is left of a word without the signs around it, cut to MaxWord.
func appendWord(words []string, word string) []string {
	word = strings.TrimFunc(word, isSign)
	if word == "" {
		return words
	}
	n := 0
	for i := range word {
		if n == MaxWord {
			return append(words, word[:i])
		}
		n++
	}
	return append(words, word)
}

func isSign(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) }
