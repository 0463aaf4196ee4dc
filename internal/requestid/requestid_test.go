package requestid_test

import (
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/requestid"
)

func TestOnlyHarmlessIdsFromOutsideAreValid(t *testing.T) {
	cases := map[string]bool{
		"7b0e6f0c-3c1d-4d8e-9a59-0a6f3f0e2b11":  true,
		"Root=1-67891233-abcdef012345678912345": true,
		strings.Repeat("a", 128):                true,
		"":                                      false,
		strings.Repeat("a", 129):                false,
		"two words":                             false,
		"line\nbreak":                           false,
		"<script>":                              false,
		"quote\"":                               false,
		"naïve":                                 false,
	}
	for id, want := range cases {
		if got := requestid.Valid(id); got != want {
			t.Errorf("Valid(%q) = %v, want %v", id, got, want)
		}
	}
}

func TestNewIdsAreValidAndDiffer(t *testing.T) {
	a, b := requestid.New(), requestid.New()
	if a == b || !requestid.Valid(a) {
		t.Fatalf("got %q and %q", a, b)
	}
}

func TestContextCarriesTheId(t *testing.T) {
	ctx := requestid.With(t.Context(), "abc")
	if got := requestid.From(ctx); got != "abc" {
		t.Errorf("got %q", got)
	}
	if got := requestid.From(t.Context()); got != "" {
		t.Errorf("outside a request: got %q", got)
	}
}
