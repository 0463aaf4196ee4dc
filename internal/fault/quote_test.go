package fault_test

import (
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/fault"
)

func TestQuoteMakesAValueSafeToShow(t *testing.T) {
	for value, want := range map[string]string{
		"":                       `""`,
		"Zoë":                    `"Zoë"`,
		"a\x00\"b\n":             `"a\x00\"b\n"`,
		strings.Repeat("é", 80):  `"` + strings.Repeat("é", 80) + `"`,
		strings.Repeat("é", 200): `"` + strings.Repeat("é", 80) + `"…`,
	} {
		if got := fault.Quote(value); got != want {
			t.Errorf("Quote(%q) = %s, want %s", value, got, want)
		}
	}
}
