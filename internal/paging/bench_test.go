package paging

import (
	"testing"

	"github.com/google/uuid"
)

func BenchmarkCursor(b *testing.B) {
	order := Order{Name: "users by display_name_key", Columns: []Column{{Expr: "u.display_name_key", Type: Text}, {Expr: "u.id", Type: ID}}}
	name, key := "ann de vries", uuid.MustParse("05e9a617-0261-4cee-bb44-138d3ef5d965")
	values := []any{&name, &key}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := order.cursor(values); err != nil {
				b.Fatal(err)
			}
		}
	})
	cursor, err := order.cursor(values)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := order.values("after", &cursor); err != nil {
				b.Fatal(err)
			}
		}
	})
}
