// Package locale tells people what happened in their language: which languages there are, which
// one a request asks for, and texts that are worded when somebody reads them.
//
// The English text of a message is its key: code says what it has to say once, in English, and
// [Text] finds the same sentence in another language. Codes, paths and facts are for programs and
// have no language.
package locale

import (
	"context"

	"golang.org/x/text/language"
)

// Language is a language that messages are written in. The zero value is English, the default.
type Language uint8

// The languages.
const (
	English Language = iota
	Dutch

	languages = iota
)

// tags are the languages by their names of BCP 47.
var tags = [languages]language.Tag{English: language.English, Dutch: language.Dutch}

// Tag returns the language's tag, which the rules of plurals go by.
func (l Language) Tag() language.Tag { return tags[l.known()] }

// String returns the language's subtag, as Content-Language bears it.
func (l Language) String() string { return l.Tag().String() }

// known is the language, English for one that there is not.
func (l Language) known() Language {
	if l >= languages {
		return English
	}
	return l
}

type contextKey struct{}

// With returns a context that carries the language of a request.
func With(ctx context.Context, l Language) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From returns the language that the context carries, else English.
func From(ctx context.Context) Language {
	l, _ := ctx.Value(contextKey{}).(Language)
	return l
}
