package locale

import (
	"encoding/json"
	"testing"
)

func TestStoredWordsSayTheSameInEveryLanguage(t *testing.T) {
	for _, said := range []Text{T("%d more", 3), T("%s is malformed: %s.", `"a%sb"`, T("it cannot be read")), {}} {
		stored, err := json.Marshal(WordsOf(said))
		if err != nil {
			t.Fatal(err)
		}
		var read Words
		if err := json.Unmarshal(stored, &read); err != nil {
			t.Fatal(err)
		}
		for l := range Language(languages) {
			if got, want := read.Text().In(l), said.In(l); got != want {
				t.Errorf("%s: %q, want %q", l, got, want)
			}
		}
		if read.Text().IsZero() != said.IsZero() {
			t.Errorf("%q: zero is %t", said, read.Text().IsZero())
		}
	}
}

func TestWordsStoredBeforeThereWasALanguageAreEnglish(t *testing.T) {
	if got := (Words{"en": "a group"}).Text().In(Dutch); got != "a group" {
		t.Errorf("%q", got)
	}
}
