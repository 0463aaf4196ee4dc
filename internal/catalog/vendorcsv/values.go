package vendorcsv

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

const (
	// MaxValueRunes is the longest value that is kept, in characters.
	MaxValueRunes = 255
	// maxKeyBytes bounds the compatibility form (NFKC, folded) of a value: it becomes an index
	// key, and a few characters expand to eighteen.
	maxKeyBytes = 4 * MaxValueRunes
)

// Clean returns a value as the import stores it: blanks of any kind become single spaces, those
// around the value go, and so do zero-width and control characters; what is not UTF-8 becomes
// U+FFFD; a value of more than MaxValueRunes characters is cut. Look-ups by label clean what
// they look for in the same way. Cleaning a clean value changes nothing.
func Clean(s string) string {
	clean, _ := tidy(s)
	return clean
}

// tidy cleans a value and returns the kinds of dirt that it had.
func tidy(s string) (string, []Kind) {
	if plain(s) {
		return s, nil
	}
	var kinds []Kind
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, string(utf8.RuneError))
		kinds = append(kinds, KindInvalidUTF8)
	}
	visible := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	if visible != s {
		kinds = append(kinds, KindControlCharacters)
	}
	spaced := textkey.Label(visible)
	if spaced != visible {
		kinds = append(kinds, KindBlanks)
	}
	short := strings.TrimRightFunc(cut(spaced), textkey.IsPadding)
	if short != spaced {
		kinds = append(kinds, KindOverlongValue)
	}
	return short, kinds
}

// plain holds for the values that need no repair, which are nearly all: short printable ASCII
// with single spaces inside.
func plain(s string) bool {
	if len(s) > MaxValueRunes {
		return false
	}
	last := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return s == "" || last != ' '
}

// cut returns the longest beginning of s within MaxValueRunes and maxKeyBytes.
func cut(s string) string {
	if len(s) <= MaxValueRunes/18 {
		return s
	}
	fold := cases.Fold()
	runes, key := 0, 0
	for i, r := range s {
		runes++
		key += len(fold.String(norm.NFKC.String(string(r))))
		if runes > MaxValueRunes || key > maxKeyBytes {
			return s[:i]
		}
	}
	return s
}

// parseUUID reads a hyphenated UUID of any letter case. The nil UUID is refused: exports use it
// for "none".
func parseUUID(s string) (uuid.UUID, error) {
	if s == "" {
		return uuid.Nil, fmt.Errorf("is empty")
	}
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.Nil, fmt.Errorf("%s is not a UUID", show(s))
	}
	if id == uuid.Nil {
		return uuid.Nil, fmt.Errorf("%s is the nil UUID, which names nothing", show(s))
	}
	return id, nil
}

// show quotes a value for a person: what cannot be seen is escaped, what is long is cut.
func show(s string) string {
	const longest = 80
	if utf8.RuneCountInString(s) > longest {
		return strconv.Quote(string([]rune(s)[:longest])) + "…"
	}
	return strconv.Quote(s)
}
