package locale

import "strings"

// Negotiate chooses the language for the values of a request's Accept-Language headers, by
// RFC 9110 §12.5.4 and the look-up of RFC 4647 §3.4: nl-BE is satisfied by Dutch. The range of the
// highest quality that names a language of ours wins, of equal ones the first. What names none,
// and a header that is malformed, leaves the default: a message in another language is better
// than none.
func Negotiate(header []string) Language {
	ranges, ok := parse(strings.Join(header, ","))
	if !ok {
		return English
	}
	best, chosen := 0, English
	for _, r := range ranges {
		if l, ok := r.language(ranges); ok && r.quality > best {
			best, chosen = r.quality, l
		}
	}
	return chosen
}

// languageRange is one element of the header.
type languageRange struct {
	text    string // in lower case
	quality int    // in thousandths
}

// language is what a range names. A language that another range refuses by quality 0 is named by
// none; * names the first that no other range does.
func (r languageRange) language(all []languageRange) (Language, bool) {
	for l := range Language(languages) {
		name := l.String()
		named, refused := false, false
		for _, other := range all {
			named = named || within(other.text, name)
			refused = refused || other.text == name && other.quality == 0
		}
		switch {
		case refused:
		case within(r.text, name), r.text == "*" && !named:
			return l, true
		}
	}
	return English, false
}

// within tells whether a range is a language, or a variety of it.
func within(text, name string) bool {
	rest, ok := strings.CutPrefix(text, name)
	return ok && (rest == "" || rest[0] == '-')
}

// maxRanges is more than any client has reason to send.
const maxRanges = 100

// parse reads the header: ranges with commas between them, empty ones left out (RFC 9110 §5.6.1).
func parse(header string) ([]languageRange, bool) {
	var ranges []languageRange
	for element := range strings.SplitSeq(header, ",") {
		element = strings.Trim(element, " \t")
		if element == "" {
			continue
		}
		text, weight, weighted := strings.Cut(element, ";")
		r := languageRange{text: strings.ToLower(strings.TrimRight(text, " \t")), quality: 1000}
		if !isRange(r.text) || len(ranges) == maxRanges {
			return nil, false
		}
		if weighted {
			var ok bool
			if r.quality, ok = quality(strings.TrimLeft(weight, " \t")); !ok {
				return nil, false
			}
		}
		ranges = append(ranges, r)
	}
	return ranges, true
}

// isRange holds for a language-range of RFC 4647 §2.1 in lower case: letters, then letters and
// digits, in parts of 1 to 8 with hyphens between them; or an asterisk alone.
func isRange(text string) bool {
	if text == "*" {
		return true
	}
	for i, part := range strings.Split(text, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for _, c := range []byte(part) {
			if letter, digit := 'a' <= c && c <= 'z', '0' <= c && c <= '9'; !letter && (!digit || i == 0) {
				return false
			}
		}
	}
	return true
}

// quality reads a weight (RFC 9110 §12.4.2): q=0 to q=1 with at most three digits after the point.
func quality(text string) (thousandths int, ok bool) {
	name, value, _ := strings.Cut(text, "=")
	whole, fraction, _ := strings.Cut(value, ".")
	if !strings.EqualFold(name, "q") || len(fraction) > 3 || whole != "0" && whole != "1" {
		return 0, false
	}
	for _, c := range []byte(fraction + "000")[:3] {
		if c < '0' || c > '9' {
			return 0, false
		}
		thousandths = 10*thousandths + int(c-'0')
	}
	if whole == "1" {
		return 1000, thousandths == 0
	}
	return thousandths, true
}
