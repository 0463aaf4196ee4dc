package server

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// BenchmarkDocument loads a query that was asked before, and one that never was.
func BenchmarkDocument(b *testing.B) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { user(id: ID!): User } type User { id: ID! displayName: String! manager: User }`})
	const query = `query Manager($id: ID!) { user(id: $id) { displayName manager { id displayName manager { displayName } } } }`
	for _, c := range []struct {
		name string
		docs *documents
	}{
		{"known", newDocuments(schema, 1000, 10)},
		{"new", newDocuments(schema, 1000, 0)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, errs := c.docs.load(query); len(errs) > 0 {
					b.Fatal(errs)
				}
			}
		})
	}
}
