package locale

import (
	"slices"
	"testing"
)

// example is a text and what is said of it.
type example struct {
	format         string
	args           []any
	english, dutch string
}

// plurals has every format whose words depend on a number.
var plurals = []example{
	{"%d users would lose a product; up to %d may without being asked.", []any{1, 0},
		"1 user would lose a product; up to 0 may without being asked.",
		"1 gebruiker zou een product verliezen; tot en met 0 mag dat zonder bevestiging."},
	{"%d users would lose a product; up to %d may without being asked.", []any{101, 100},
		"101 users would lose a product; up to 100 may without being asked.",
		"101 gebruikers zouden een product verliezen; tot en met 100 mag dat zonder bevestiging."},
	{"%d users would lose a product and not get the one that this call adds in its place.", []any{1},
		"1 user would lose a product and not get the one that this call adds in its place.",
		"1 gebruiker zou een product verliezen zonder het product te krijgen dat deze aanroep ervoor in de plaats toevoegt."},
	{"%s would have %d seats, and %d are consumed.", []any{"Suite", int64(1), int64(2)},
		"Suite would have 1 seat, and 2 are consumed.",
		"Suite zou 1 licentieplaats hebben, en er zijn er 2 in gebruik."},
	{"%s would have %d seats, and %d are consumed.", []any{"Suite", int64(0), int64(1)},
		"Suite would have 0 seats, and 1 is consumed.",
		"Suite zou 0 licentieplaatsen hebben, en er is er 1 in gebruik."},
	{"Free %d seats first, or pass allowOverAllocation: true; holders then keep theirs and newcomers wait.", []any{1},
		"Free 1 seat first, or pass allowOverAllocation: true; holders then keep theirs and newcomers wait.",
		"Maak eerst 1 licentieplaats vrij, of geef allowOverAllocation: true door; houders behouden dan hun plaats en nieuwkomers wachten."},
	{"No seat of %s is free: %d of %d are taken.", []any{"Suite", 1, 1},
		"No seat of Suite is free: 1 of 1 is taken.", "Er is geen licentieplaats van Suite vrij: 1 van de 1 is bezet."},
	{"No seat of %s is free: %d of %d are taken.", []any{"Suite", 21, 20},
		"No seat of Suite is free: 21 of 20 are taken.", "Er is geen licentieplaats van Suite vrij: 21 van de 20 zijn bezet."},
	{"No seat of %s is free: %d seats are suspended or locked out.", []any{"Suite", 1},
		"No seat of Suite is free: 1 seat is suspended or locked out.",
		"Er is geen licentieplaats van Suite vrij: 1 licentieplaats is opgeschort of geblokkeerd."},
	{"No seat of %s is free: %d seats are suspended or locked out.", []any{"Suite", 2},
		"No seat of Suite is free: 2 seats are suspended or locked out.",
		"Er is geen licentieplaats van Suite vrij: 2 licentieplaatsen zijn opgeschort of geblokkeerd."},
	{"This is the last live subscription of %s: %d users would lose it, and the assignments to %d groups would be in error.", []any{"Suite", 1, 2},
		"This is the last live subscription of Suite: 1 user would lose it, and the assignments to 2 groups would be in error.",
		"Dit is het laatste lopende abonnement op Suite: 1 gebruiker zou het product verliezen, en de toewijzingen aan 2 groepen zouden een fout krijgen."},
	{"This is the last live subscription of %s: %d users would lose it, and the assignments to %d groups would be in error.", []any{"Suite", 2, 1},
		"This is the last live subscription of Suite: 2 users would lose it, and the assignments to 1 group would be in error.",
		"Dit is het laatste lopende abonnement op Suite: 2 gebruikers zouden het product verliezen, en de toewijzingen aan 1 groep zouden een fout krijgen."},
	{"Creates a subscription of %s with %d seats: enough for %s and for all who come first.", []any{"Suite", 1, "Ann"},
		"Creates a subscription of Suite with 1 seat: enough for Ann and for all who come first.",
		"Maakt een abonnement op Suite met 1 licentieplaats: genoeg voor Ann en voor allen die eerder aan de beurt zijn."},
	{"These changes end the last live subscription of a product: %d users would lose a product.", []any{1},
		"These changes end the last live subscription of a product: 1 user would lose a product.",
		"Deze wijzigingen beëindigen het laatste lopende abonnement op een product: 1 gebruiker zou een product verliezen."},
	{"With %d seats, %s would have more than %d in all.", []any{1, "Suite", 2147483647},
		"With 1 seat, Suite would have more than 2147483647 in all.",
		"Met 1 licentieplaats zou Suite er in totaal meer dan 2147483647 hebben."},
	{"At most %d users may have %s through %s, and no place is free.", []any{1, "Suite", "Sales"},
		"At most 1 user may have Suite through Sales, and no place is free.", "Hoogstens 1 gebruiker mag Suite hebben via Sales, en er is geen plaats vrij."},
	{"At most %d users may have %s through the group: seats for %d cannot be kept.", []any{1, "Suite", 2},
		"At most 1 user may have Suite through the group: seats for 2 cannot be kept.", "Hoogstens 1 gebruiker mag Suite via de groep hebben: voor 2 kunnen er geen plaatsen worden vrijgehouden."},
	{"At most %d users may have %s through the group: seats for %d cannot be kept.", []any{2, "Suite", 3},
		"At most 2 users may have Suite through the group: seats for 3 cannot be kept.", "Hoogstens 2 gebruikers mogen Suite via de groep hebben: voor 3 kunnen er geen plaatsen worden vrijgehouden."},
	{"No seat of %s is free for the user: %d of %d are taken, and %d are kept for members of groups.", []any{"Suite", 1, 2, 1},
		"No seat of Suite is free for the user: 1 of 2 is taken, and 1 is kept for members of groups.", "Er is geen licentieplaats van Suite vrij voor de gebruiker: 1 van de 2 is bezet, en 1 wordt vrijgehouden voor leden van groepen."},
	{"No seat of %s is free for the user: %d of %d are taken, and %d are kept for members of groups.", []any{"Suite", 2, 4, 2},
		"No seat of Suite is free for the user: 2 of 4 are taken, and 2 are kept for members of groups.", "Er is geen licentieplaats van Suite vrij voor de gebruiker: 2 van de 4 zijn bezet, en 2 worden vrijgehouden voor leden van groepen."},
	{"At most %d users may have %s through %s, and no place is free.", []any{0, "Suite", "Sales"},
		"At most 0 users may have Suite through Sales, and no place is free.", "Hoogstens 0 gebruikers mogen Suite hebben via Sales, en er is geen plaats vrij."},
	{"and %d more errors", []any{1}, "and 1 more error", "en nog 1 fout"},
}

func TestNumbersHaveTheirPluralInEachLanguage(t *testing.T) {
	for _, p := range plurals {
		text := T(p.format, p.args...)
		if got := text.In(English); got != p.english {
			t.Errorf("English: %s", got)
		}
		if got := text.In(Dutch); got != p.dutch {
			t.Errorf("Dutch: %s", got)
		}
	}
	for format := range english {
		if !slices.ContainsFunc(plurals, func(p example) bool { return p.format == format }) {
			t.Errorf("no example of %q", format)
		}
	}
}

func TestPhrasesAreWordedInTheLanguageOfTheirText(t *testing.T) {
	for _, c := range []struct {
		text           Phrase
		english, dutch string
	}{
		{T("There is no such %s.", T("group")), "There is no such group.", "Er is geen groep met deze id."},
		{T("%s: %s", "a.b", T("it cannot be read")), "a.b: it cannot be read", "a.b: het is niet te lezen"},
		{T("%s", "and"), "and", "and"}, // data is never translated
		{And("A"), "A", "A"},
		{And("A", "B"), "A and B", "A en B"},
		{Or("A", "B", "C"), "A, B or C", "A, B of C"},
		{And[string](), "", ""},
		{Names([]string{"and", "B"}, 0), "and, B", "and, B"},
		{Names([]string{"A", "B"}, 3), "A, B, 3 more", "A, B, nog 3"},
		{T("Give one of %s.", Or("100%", "%d")), "Give one of 100% or %d.", "Geef een van 100% of %d."},
		{Text{}, "", ""},
		{T("Nothing that is known."), "Nothing that is known.", "Nothing that is known."},
	} {
		if got := c.text.In(English); got != c.english {
			t.Errorf("English: %s, want %s", got, c.english)
		}
		if got := c.text.In(Dutch); got != c.dutch {
			t.Errorf("Dutch: %s, want %s", got, c.dutch)
		}
	}
}

func BenchmarkTexts(b *testing.B) {
	text := T("No seat of %s is free: %d of %d are taken.", "Suite", 25, 25)
	for _, l := range []Language{English, Dutch} {
		b.Run(l.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = text.In(l)
			}
		})
	}
	b.Run("unread", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = T("No seat of %s is free: %d of %d are taken.", "Suite", 25, 25)
		}
	})
}
