package server

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxRepeats is how often, in a whole document, a field may stand again in a selection that has
// it already. The validator compares all such fields with one another, which takes seconds for
// a few thousand of them; people and generators of clients write a handful.
const maxRepeats = 100

// checkRepeats refuses a document whose validation would cost too much.
func checkRepeats(doc *ast.QueryDocument) *gqlerror.Error {
	n := 0
	for _, op := range doc.Operations {
		n += repeats(op.SelectionSet, map[string]bool{})
	}
	for _, f := range doc.Fragments {
		n += repeats(f.SelectionSet, map[string]bool{})
	}
	if n > maxRepeats {
		return coded(codeCostExceeded,
			"the query selects fields again that it has already %d times, more than %d: give them aliases", n, maxRepeats)
	}
	return nil
}

// repeats counts the fields of a selection, and of those below it, whose name in the answer is
// taken already. Inline fragments select into what surrounds them.
func repeats(set ast.SelectionSet, taken map[string]bool) int {
	n := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if taken[s.Alias] {
				n++
			}
			taken[s.Alias] = true
			if len(s.SelectionSet) > 0 {
				n += repeats(s.SelectionSet, map[string]bool{})
			}
		case *ast.InlineFragment:
			n += repeats(s.SelectionSet, taken)
		}
	}
	return n
}
