package textkey_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

func TestLabelKeepsWhatCanBeSeen(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "SPE_E3": "SPE_E3", " \u00a0SPE_E3\t": "SPE_E3", "SPE\u200b_E3": "SPE_E3", "\ufeffSPE_E3\u2060": "SPE_E3",
		"Office \u00a0\n 365": "Office 365", "\u200fOffice\u200e": "Office", "می\u200cخواهم": "می\u200cخواهم", " \u200b ": "",
	} {
		got := textkey.Label(given)
		if got != want {
			t.Errorf("Label(%q) is %q, want %q", given, got, want)
		}
		if again := textkey.Label(got); again != got {
			t.Errorf("Label(%q) is %q", got, again)
		}
	}
}
