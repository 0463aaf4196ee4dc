package textkey

import (
	"strings"
	"unicode"
)

// Label is a label without what cannot be seen: every run of blanks is one space, what has no
// width is gone, and so is padding around. The import stores labels so, and look-ups by label
// bring what they look for into the same form.
func Label(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	blank := false
	for _, r := range strings.TrimFunc(s, IsPadding) {
		switch {
		case isZeroWidth(r):
		case unicode.IsSpace(r):
			blank = true
		default:
			if blank {
				b.WriteByte(' ')
				blank = false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

// IsPadding holds for what has no meaning at the edges of a label. Joiners and direction marks
// may mean something inside a name, never around it.
func IsPadding(r rune) bool {
	return unicode.IsSpace(r) || isZeroWidth(r) || unicode.Is(unicode.Cf, r)
}

// isZeroWidth holds for characters that mean nothing anywhere in a label: the byte order mark,
// the zero-width space, the word joiner and the soft hyphen.
func isZeroWidth(r rune) bool {
	return r == '\ufeff' || r == '\u200b' || r == '\u2060' || r == '\u00ad'
}
