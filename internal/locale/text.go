package locale

import (
	"fmt"
	"strings"
)

// Text is a sentence, or a piece of one, that is worded in the reader's language: an English
// format of package fmt, by which the catalogue finds it in other languages, and its arguments.
// Arguments that are Phrases are worded in the same language. The zero value is empty.
type Text struct {
	format string
	args   []any
}

// Phrase is what a language words: a Text, a List, or a word that a type has of its own.
type Phrase interface{ In(Language) string }

// T returns a text. The format must be a constant that the catalogue has in every language; a
// test holds that.
func T(format string, args ...any) Text {
	if false {
		_ = fmt.Sprintf(format, args...) // go vet then checks callers as it checks those of Sprintf
	}
	return Text{format: format, args: args}
}

// In words the text. Where the catalogue does not have it the English format serves.
func (t Text) In(l Language) string {
	if t.format == "" {
		return ""
	}
	format := t.format
	if w, ok := catalogue[l.known()][format]; ok {
		format = w.format(l, t.args)
	}
	if len(t.args) == 0 && !strings.Contains(format, "%") {
		return format
	}
	return fmt.Sprintf(format, worded(l, t.args)...)
}

// String is the text in English, for logs and commands.
func (t Text) String() string { return t.In(English) }

// Error is the text in English: a text is an error where an error has nothing but words.
func (t Text) Error() string { return t.String() }

// IsZero tells whether there is no text.
func (t Text) IsZero() bool { return t.format == "" }

// worded returns the arguments with phrases in a language.
func worded(l Language, args []any) []any {
	copied := false
	for i, arg := range args {
		phrase, ok := arg.(Phrase)
		if !ok {
			continue
		}
		if !copied {
			args, copied = append([]any(nil), args...), true
		}
		args[i] = phrase.In(l)
	}
	return args
}

// List is names in a row, with a word before the last: "a, b and c".
type List struct {
	items []any
	last  Text
}

// And lists what goes together.
func And[S ~string](items ...S) List { return listOf(items, T("and")) }

// Or lists alternatives.
func Or[S ~string](items ...S) List { return listOf(items, T("or")) }

// Names lists names with commas alone, and says how many more there are than those shown.
func Names(shown []string, more int) List {
	l := listOf(shown, Text{})
	if more > 0 {
		l.items = append(l.items, T("%d more", more))
	}
	return l
}

// Texts lists pieces of sentences with commas alone.
func Texts(texts []Text) List {
	l := List{}
	for _, t := range texts {
		l.items = append(l.items, t)
	}
	return l
}

func listOf[S ~string](items []S, last Text) List {
	l := List{last: last}
	for _, item := range items {
		l.items = append(l.items, string(item))
	}
	return l
}

// In words the list.
func (l List) In(lang Language) string {
	var b strings.Builder
	for i, item := range worded(lang, l.items) {
		switch {
		case i == 0:
		case i == len(l.items)-1 && !l.last.IsZero():
			b.WriteString(" " + l.last.In(lang) + " ")
		default:
			b.WriteString(", ")
		}
		fmt.Fprint(&b, item)
	}
	return b.String()
}

// String is the list in English.
func (l List) String() string { return l.In(English) }
