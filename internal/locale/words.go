package locale

// Words are a phrase as every language words it: what is left of a text that is stored, when
// the program that reads it may no longer have its format.
type Words map[string]string // by the language's subtag

// WordsOf words a phrase in every language.
func WordsOf(p Phrase) Words {
	w := Words{}
	for l := range Language(languages) {
		w[l.String()] = p.In(l)
	}
	return w
}

// In returns the phrase in a language, in English where it was stored before there was that one.
func (w Words) In(l Language) string {
	if words, ok := w[l.String()]; ok {
		return words
	}
	return w[English.String()]
}

// Text makes a text of the words; the zero text of none.
func (w Words) Text() Text {
	if w.In(English) == "" {
		return Text{}
	}
	return Text{format: "%s", args: []any{w}}
}
