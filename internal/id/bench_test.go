package id_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/id"
)

func BenchmarkFormat(b *testing.B) {
	u := uuid.MustParse("05e9a617-0261-4cee-bb44-138d3ef5d965")
	b.ReportAllocs()
	for b.Loop() {
		id.Format(id.User, u)
	}
}

func BenchmarkParse(b *testing.B) {
	u := uuid.MustParse("05e9a617-0261-4cee-bb44-138d3ef5d965")
	for _, c := range []struct {
		name, text string
		kind       id.Kind
	}{
		{"user", id.Format(id.User, u), id.User},
		{"bare", u.String(), id.Product},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := id.Parse(c.kind, c.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
