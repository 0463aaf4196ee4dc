package locale_test

import (
	"context"
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/locale"
)

func TestTheLanguageIsWhatTheClientPrefersMost(t *testing.T) {
	const en, nl = locale.English, locale.Dutch
	for header, want := range map[string]locale.Language{
		"":                           en,
		"nl":                         nl,
		"NL":                         nl,
		"nl-BE":                      nl,
		"nl-Latn-NL":                 nl,
		"en":                         en,
		"en-GB, nl;q=0.9":            en,
		"nl-NL,nl;q=0.9,en;q=0.8":    nl,
		"en;q=0.8, nl;q=0.9":         nl,
		"en;q=0.8,nl;q=0.801":        nl,
		"en;q=0.5,nl;q=0.5":          en, // equal: the first
		"nl;q=0.5,en;q=0.5":          nl,
		"nl ; q=1.000 , en":          nl,
		"nl;Q=0.5":                   nl,
		", ,nl,,":                    nl, // empty elements count for nothing
		"\tnl\t":                     nl,
		"fr":                         en, // unknown: the default
		"fr, nl;q=0.1":               nl,
		"de-DE, de;q=0.9, fr;q=0.8":  en,
		"nld":                        en, // another subtag, whatever it begins with
		"nlx-BE":                     en,
		"af":                         en, // near to Dutch is not Dutch
		"x-pirate":                   en,
		"*":                          en,
		"*, nl":                      en, // * is what nothing else names: English
		"*;q=0.5, nl":                nl,
		"en;q=0, *":                  nl, // anything but English
		"en;q=0, fr":                 en, // nothing is acceptable: the default
		"nl;q=0":                     en,
		"nl;q=0, nl-BE":              en, // Dutch is refused
		"nl-BE;q=0, nl":              nl, // a variety of it is
		"nl;q=0.000, en;q=0.1":       en,
		"nl;q=1.001":                 en, // malformed, from here on
		"nl;q=0.1234":                en,
		"nl;q=2":                     en,
		"nl;q=":                      en,
		"nl;q":                       en,
		"nl;":                        en,
		"nl;q=-1":                    en,
		"nl;q=.5":                    en,
		"nl;q=1e0":                   en,
		"nl;level=1":                 en,
		"nl;q=0.5;q=0.6":             en,
		"nl q=0.5":                   en,
		"nl-":                        en,
		"-nl":                        en,
		"nl--BE":                     en,
		"nl_BE":                      en,
		"nl*":                        en,
		"nl-waytoolongforit":         en,
		"1nl":                        en,
		"nl\x00":                     en,
		"é":                          en,
		"nl, \"":                     en, // one malformed element spoils the header
		strings.Repeat("fr,", 99):    en,
		strings.Repeat("nl,", 100):   nl,
		strings.Repeat("nl,", 10000): en,
	} {
		if got := locale.Negotiate([]string{header}); got != want {
			t.Errorf("%.60q: %s, want %s", header, got, want)
		}
	}
	if got := locale.Negotiate([]string{"fr, en;q=0.5", "nl;q=0.7"}); got != nl {
		t.Errorf("of two headers: %s", got)
	}
	if got := locale.Negotiate(nil); got != en {
		t.Errorf("of no header: %s", got)
	}
}

func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{"nl-NL,nl;q=0.9,en;q=0.8", "*;q=0,nl;q=0.001", ";,;", "nl;q=1."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := locale.Negotiate([]string{header})
		if got != locale.English && got != locale.Dutch {
			t.Fatalf("%q: %d", header, got)
		}
		if again := locale.Negotiate([]string{strings.ToUpper(header)}); strings.ToLower(header) == header && again != got {
			t.Fatalf("%q: %s, in capitals %s", header, got, again)
		}
	})
}

func TestAContextWithoutALanguageSpeaksEnglish(t *testing.T) {
	if got := locale.From(t.Context()); got != locale.English {
		t.Error(got)
	}
	if got := locale.From(locale.With(context.WithoutCancel(t.Context()), locale.Dutch)); got != locale.Dutch {
		t.Error(got)
	}
	if got := locale.T("and").In(locale.Language(200)); got != "and" {
		t.Errorf("a language that there is not says %q", got)
	}
}
