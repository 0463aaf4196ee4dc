package cli_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// README's tour is a promise: its queries, pasted in their order into a demo, are answered as
// it says. What it leaves out stands there as "…".
func TestReadmesQueriesGetReadmesAnswersFromTheDemo(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	tour := regexp.MustCompile("(?s)```graphql\n(.*?)```\\s+```json\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(tour) < 5 {
		t.Fatalf("%d queries with answers", len(tour))
	}
	t.Setenv("TMPDIR", t.TempDir())
	d := startDemo(t)
	for _, step := range tour {
		answer := withoutBlanks(d.ask(d.token("GLOBAL_ADMIN"), step[1]))
		rest := answer
		for part := range strings.SplitSeq(withoutBlanks(step[2]), "…") {
			part = strings.Trim(part, ",{}[]")
			_, after, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("%s\nis answered\n%s\nwithout\n%s", step[1], answer, part)
			}
			rest = after
		}
	}
}

func withoutBlanks(text string) string { return strings.Join(strings.Fields(text), "") }
