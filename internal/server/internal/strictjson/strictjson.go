// Package strictjson reads JSON that comes from outside, and refuses what encoding/json lets
// pass: invalid UTF-8 and lone surrogate escapes (which it silently turns into U+FFFD), NUL
// characters, names that stand twice in an object, and nesting without a bound. Numbers keep
// their exact text. Errors say where and why, and never repeat the input.
package strictjson

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Parse reads exactly one JSON value, whose arrays and objects nest at most maxDepth deep.
// Objects become map[string]any, arrays []any (never nil), numbers json.Number. An error is
// always an *Error.
func Parse(data []byte, maxDepth int) (any, error) {
	p := parser{data: data, depth: maxDepth}
	p.space()
	if p.pos == len(p.data) {
		return nil, &Error{Kind: Empty, Offset: p.pos}
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos != len(p.data) {
		return nil, p.fail(Trailing)
	}
	return v, nil
}

// parser is at pos in data; depth is how much deeper it may still go.
type parser struct {
	data  []byte
	pos   int
	depth int
}

func (p *parser) value() (any, *Error) {
	switch c := p.peek(); c {
	case '{':
		return p.nested(p.object)
	case '[':
		return p.nested(p.array)
	case '"':
		return p.boxedString()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		if c == '-' || isDigit(c) {
			return p.number()
		}
		return nil, p.fail(Syntax)
	}
}

func (p *parser) nested(read func() (any, *Error)) (any, *Error) {
	if p.depth == 0 {
		return nil, p.fail(Depth)
	}
	p.depth--
	v, err := read()
	p.depth++
	return v, err
}

func (p *parser) object() (any, *Error) {
	p.pos++ // {
	m := map[string]any{}
	p.space()
	if p.take('}') {
		return m, nil
	}
	for {
		p.space()
		if p.peek() != '"' {
			return nil, p.fail(Syntax)
		}
		start := p.pos
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		if _, twice := m[name]; twice {
			return nil, (&Error{Kind: Duplicate, Offset: start}).within(name)
		}
		p.space()
		if !p.take(':') {
			return nil, p.fail(Syntax)
		}
		p.space()
		v, err := p.value()
		if err != nil {
			return nil, err.within(name)
		}
		m[name] = v
		p.space()
		if p.take('}') {
			return m, nil
		}
		if !p.take(',') {
			return nil, p.fail(Syntax)
		}
	}
}

func (p *parser) array() (any, *Error) {
	p.pos++ // [
	list := []any{}
	p.space()
	if p.take(']') {
		return list, nil
	}
	for {
		p.space()
		v, err := p.value()
		if err != nil {
			return nil, err.within(len(list))
		}
		list = append(list, v)
		p.space()
		if p.take(']') {
			return list, nil
		}
		if !p.take(',') {
			return nil, p.fail(Syntax)
		}
	}
}

func (p *parser) boxedString() (any, *Error) {
	s, err := p.string()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// string reads the string that starts at pos. Only strings with escapes are copied twice.
func (p *parser) string() (string, *Error) {
	p.pos++ // "
	start := p.pos
	var decoded []byte
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			s := p.data[start:p.pos]
			if decoded != nil {
				s = append(decoded, s...)
			}
			p.pos++
			return string(s), nil
		case c == '\\':
			decoded = append(decoded, p.data[start:p.pos]...)
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			decoded = utf8.AppendRune(decoded, r)
			start = p.pos
		case c == 0:
			return "", p.fail(NUL)
		case c < ' ':
			return "", p.fail(Syntax)
		case c < utf8.RuneSelf:
			p.pos++
		default:
			r, n := utf8.DecodeRune(p.data[p.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", p.fail(Encoding)
			}
			p.pos += n
		}
	}
	return "", p.fail(Syntax)
}

var escapes = map[byte]rune{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape reads the escape sequence at pos; a surrogate pair is one.
func (p *parser) escape() (rune, *Error) {
	if p.pos+1 >= len(p.data) {
		return 0, p.fail(Syntax)
	}
	if c := p.data[p.pos+1]; c != 'u' {
		r, known := escapes[c]
		if !known {
			return 0, p.fail(Syntax)
		}
		p.pos += 2
		return r, nil
	}
	r, ok := p.hex4(p.pos)
	switch {
	case !ok:
		return 0, p.fail(Syntax)
	case r == 0:
		return 0, p.fail(NUL)
	case !utf16.IsSurrogate(r):
		p.pos += 6
		return r, nil
	}
	if low, ok := p.hex4(p.pos + 6); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			p.pos += 12
			return pair, nil
		}
	}
	return 0, p.fail(Surrogate)
}

// hex4 decodes the six bytes \uXXXX at the offset.
func (p *parser) hex4(at int) (rune, bool) {
	if at+6 > len(p.data) || p.data[at] != '\\' || p.data[at+1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.data[at+2:at+6]), 16, 16)
	return rune(v), err == nil
}

// number reads a number of JSON's grammar and keeps its text.
func (p *parser) number() (any, *Error) {
	start := p.pos
	p.take('-')
	if !p.take('0') && p.digits() == 0 {
		return nil, p.fail(Syntax)
	}
	if p.take('.') && p.digits() == 0 {
		return nil, p.fail(Syntax)
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if p.digits() == 0 {
			return nil, p.fail(Syntax)
		}
	}
	return json.Number(p.data[start:p.pos]), nil
}

func (p *parser) digits() int {
	start := p.pos
	for isDigit(p.peek()) {
		p.pos++
	}
	return p.pos - start
}

func (p *parser) word(w string) *Error {
	if end := p.pos + len(w); end <= len(p.data) && string(p.data[p.pos:end]) == w {
		p.pos = end
		return nil
	}
	return p.fail(Syntax)
}

func (p *parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek returns the byte at pos, and 0, which starts nothing in JSON, at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.pos < len(p.data) && p.data[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) fail(k Kind) *Error { return &Error{Kind: k, Offset: p.pos} }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
