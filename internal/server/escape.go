package server

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/licensegraph/licensegraph/internal/locale"
	"github.com/licensegraph/licensegraph/internal/server/internal/strictjson"
)

// checkEscapes refuses string literals whose escapes stand for NUL or for half a surrogate
// pair, which the parser turns into U+FFFD.
func checkEscapes(query string) *gqlerror.Error {
	if !strings.Contains(query, `\u`) {
		return nil
	}
	at, reason := badEscape(query)
	if reason.IsZero() {
		return nil
	}
	before := query[:at]
	e := badInput("a string in the query holds %s", reason)
	e.Locations = []gqlerror.Location{{
		Line:   strings.Count(before, "\n") + 1,
		Column: len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1,
	}}
	return e
}

// badEscape finds the first such escape: its byte offset and what is wrong with it, or nothing.
// Comments and block strings have no escapes of this kind.
func badEscape(query string) (at int, reason locale.Text) {
	for i := 0; i < len(query); {
		rest := query[i:]
		switch {
		case rest[0] == '#':
			i += lineLength(rest)
		case strings.HasPrefix(rest, `"""`):
			i += blockLength(rest)
		case rest[0] == '"':
			n, reason := stringLength(rest)
			i += n
			if !reason.IsZero() {
				return i, reason
			}
		default:
			i++
		}
	}
	return 0, locale.Text{}
}

func lineLength(s string) int {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return i
	}
	return len(s)
}

// blockLength measures the block string at the start of s. Quotes in front of the closing three
// belong to it, as the parser has it.
func blockLength(s string) int {
	i := 3
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], `\"""`):
			i += 4
		case strings.HasPrefix(s[i:], `"""`):
			return i + len(s[i:]) - len(strings.TrimLeft(s[i:], `"`))
		default:
			i++
		}
	}
	return i
}

// stringLength measures the string at the start of s, up to its first bad escape if it has one.
func stringLength(s string) (n int, reason locale.Text) {
	i := 1
	for i < len(s) {
		switch s[i] {
		case '"':
			return i + 1, locale.Text{}
		case '\r', '\n':
			return i, locale.Text{} // unterminated, which is for the parser to say
		case '\\':
			length, reason := escapeLength(s[i:])
			if !reason.IsZero() {
				return i, reason
			}
			i += length
		default:
			i++
		}
	}
	return i, locale.Text{}
}

func escapeLength(s string) (n int, reason locale.Text) {
	if strings.HasPrefix(s, `\u{`) {
		end := strings.IndexByte(s, '}')
		if end > 0 && strings.Trim(s[3:end], "0") == "" && end > 3 {
			return 0, strictjson.NUL.Reason()
		}
		return 3, locale.Text{}
	}
	r, ok := hexEscape(s)
	switch {
	case !ok:
		return min(2, len(s)), locale.Text{}
	case r == 0:
		return 0, strictjson.NUL.Reason()
	case r < 0xd800 || r > 0xdfff:
		return 6, locale.Text{}
	}
	low, ok := hexEscape(s[6:])
	if r > 0xdbff || !ok || low < 0xdc00 || low > 0xdfff {
		return 0, strictjson.Surrogate.Reason()
	}
	return 12, locale.Text{}
}

// hexEscape decodes \uXXXX at the start of s.
func hexEscape(s string) (uint64, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[2:6], 16, 16)
	return v, err == nil
}
