package compiled

import (
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/graph/scalar"
)

func FuzzTextIsWrittenAsByStockExecution(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c", "\x00\x1f\t\r\n\x7f", "é 王 \U0001F600 \u2028<&>", "\xff\xfe", "a\xc3", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want strings.Builder
		scalar.MarshalString(s).MarshalGQL(&want)
		if got := string(text(nil, s)); got != want.String() {
			t.Errorf("%q is written as %s, want %s", s, got, want.String())
		}
	})
}
