package country_test

import (
	"strings"
	"testing"

	"golang.org/x/text/language"

	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/fault"
)

func TestR18AssignedCodesInAnyLetterCaseAreStoredInUpperCase(t *testing.T) {
	for given, want := range map[string]string{"NL": "NL", "nl": "NL", "gB": "GB", "Us": "US", "ax": "AX", "zw": "ZW"} {
		if got, refusal := country.Parse(given); refusal != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", given, got, refusal, want)
		}
	}
}

func TestR18OtherCodesAreRefusedByName(t *testing.T) {
	for given, says := range map[string]string{
		"":         "blank",
		"  ":       "blank",
		"\u00a0":   "blank",
		" NL":      `" NL" has blanks`,
		"NL\n":     `"NL\n" has blanks`,
		"NLD":      `"NLD" is not a country code of two letters`,
		"N":        `"N" is not a country code of two letters`,
		"N1":       `"N1" is not`,
		"ıt":       `"ıt" is not`,
		"D ":       `"D " has blanks`,
		"E S":      `"E S" is not`,
		"NL\x00":   `"NL\x00" is not`,
		"EU":       `"EU" is not an assigned`,
		"uk":       "the United Kingdom is GB",
		"XK":       `"XK" is not an assigned`,
		"AC":       `"AC" is not an assigned`,
		"ZZ":       `"ZZ" is not an assigned`,
		"AA":       `"AA" is not an assigned`,
		"AN":       `"AN" is not an assigned`,
		"SU":       `"SU" is not an assigned`,
		"ÅL":       `"ÅL" is not`,
		"NL\ufeff": "is not a country code",
	} {
		_, refusal := country.Parse(given)
		if refusal == nil || refusal.Code != fault.InvalidValue || !strings.Contains(refusal.Message, says) || refusal.Remediation == "" {
			t.Errorf("Parse(%q) refuses with %v, want INVALID_VALUE saying %q", given, refusal, says)
		}
	}
}

// The table is checked against a second source: what is assigned there is a superset (it
// takes reserved and withdrawn codes for countries, too), and each difference is known.
func TestTheTableHasEveryCountryExceptReservedAndWithdrawnCodes(t *testing.T) {
	known := map[string]bool{}
	for _, code := range strings.Fields("AC AN CP CQ CS DG EA EZ FQ IC NT PC SU TA UN XK YU") {
		known[code] = true
	}
	count := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			_, refusal := country.Parse(code)
			region, err := language.ParseRegion(code)
			other := err == nil && region.IsCountry() && region.Canonicalize() == region
			switch {
			case refusal == nil && !other:
				t.Errorf("%s is assigned here, but no country elsewhere", code)
			case refusal != nil && other && !known[code]:
				t.Errorf("%s is a country elsewhere, but not assigned here", code)
			}
			if refusal == nil {
				count++
			}
		}
	}
	if count != 249 {
		t.Errorf("%d codes are assigned, want 249", count)
	}
}
