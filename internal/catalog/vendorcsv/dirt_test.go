package vendorcsv

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// Whatever repairable dirt is thrown at a clean file, in whatever order its rows stand, the
// catalogue is the same.
func TestRandomDirtDoesNotChangeTheCatalogue(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		clean := randomCatalogue(rng)
		lines := strings.SplitAfter(cleanCSV(t, clean), "\n")
		header, rows := lines[0], lines[1:len(lines)-1]
		rows = append(rows, rows[:rng.IntN(len(rows))]...) // duplicates
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		eol := []string{"\n", "\r\n", "\r"}[rng.IntN(3)]
		var b strings.Builder
		if rng.IntN(2) == 0 {
			b.WriteString("\ufeff")
		}
		b.WriteString(strings.TrimSuffix(header, "\n") + eol)
		skipped := 0
		for _, row := range rows {
			if rng.IntN(4) == 0 {
				b.WriteString(junk(rng) + eol)
				skipped++
			}
			b.WriteString(soil(rng, strings.TrimSuffix(row, "\n")) + eol)
		}
		report := &Report{}
		got, err := ReadProducts(strings.NewReader(b.String()), "p.csv", report)
		if err != nil {
			t.Fatalf("seed %d: %v\n%q", seed, err, b.String())
		}
		if diff := cmp.Diff(unordered(clean), unordered(got)); diff != "" {
			t.Fatalf("seed %d (-clean +dirty):\n%s\n%q", seed, diff, b.String())
		}
		if f := report.Files()[0]; f.Skipped != skipped || f.Rows != len(rows)+skipped || report.Outcomes(Skipped) != skipped {
			t.Fatalf("seed %d: %+v, but %d good rows and %d bad ones were written", seed, f, len(rows), skipped)
		}
	}
}

func randomCatalogue(rng *rand.Rand) Catalogue {
	var c Catalogue
	for i := range 1 + rng.IntN(6) {
		id := uuid.MustParse(fmt.Sprintf("9a00%04x-0000-4000-8000-00000000000b", rng.IntN(1<<16)))
		c.Plans = append(c.Plans, Plan{ID: id, Name: fmt.Sprintf("PLAN_%d", i), DisplayName: fmt.Sprintf("Plan, number %d", i)})
	}
	used := map[uuid.UUID]bool{}
	for i := range 1 + rng.IntN(5) {
		p := Product{SkuID: uuid.MustParse(fmt.Sprintf("5c00%04x-000%d-4000-8000-00000000000c", rng.IntN(1<<16), i)),
			PartNumber: fmt.Sprintf("SKU_%d", i), DisplayName: fmt.Sprintf("Product %d – “plus”", i)}
		for _, l := range c.Plans {
			if rng.IntN(2) == 0 {
				p.Plans = append(p.Plans, l.ID)
				used[l.ID] = true
			}
		}
		c.Products = append(c.Products, p)
	}
	for _, l := range c.Plans { // a plan without a product cannot be written
		if !used[l.ID] {
			c.Products[0].Plans = append(c.Products[0].Plans, l.ID)
		}
	}
	return c
}

// soil makes one row dirty in ways that do not change its meaning.
func soil(rng *rand.Rand, row string) string {
	blanks := []string{" ", "\u00a0", "\t", "\u200b", "\ufeff", "\x00", " \u2003", "\u200e"}
	if rng.IntN(2) == 0 { // around unquoted separators only
		mark := blanks[rng.IntN(len(blanks))]
		row = strings.ReplaceAll(row, ",", "\x1e")
		row = strings.ReplaceAll(row, "\x1e ", ", ")
		row = strings.ReplaceAll(row, "\x1e", ",\x1e")
		row = strings.ReplaceAll(row, "\x1e\"", "\"")
		row = strings.ReplaceAll(row, "\x1e", mark)
	}
	if rng.IntN(3) == 0 {
		row = strings.ReplaceAll(row, "-4000-8000-00000000000b", "-4000-8000-00000000000B")
	}
	if rng.IntN(3) == 0 {
		row = strings.ReplaceAll(row, "Product ", "Product\u00a0\u200b ")
	}
	return row
}

// junk is a row that cannot be used.
func junk(rng *rand.Rand) string {
	return []string{
		",,,,,", "x", "a,b,c,d,e,f", `"`, `a,"b`, "\x00,\xff,,,,", "a,b," + uuid.Nil.String() + ",d,e,f",
		"a,b," + skuA + ",d,e,f", "a,b,c,d," + planA + ",f,g,h", strings.Repeat("y", MaxRowBytes+1),
	}[rng.IntN(10)]
}

// unordered leaves places and orders out of a comparison.
func unordered(c Catalogue) any {
	products := map[uuid.UUID]Product{}
	pairs := map[[2]uuid.UUID]bool{}
	for _, p := range c.Products {
		for _, l := range p.Plans {
			pairs[[2]uuid.UUID{p.SkuID, l}] = true
		}
		p.Line, p.Plans = 0, nil
		products[p.SkuID] = p
	}
	plans := map[uuid.UUID]Plan{}
	for _, l := range c.Plans {
		l.Line = 0
		plans[l.ID] = l
	}
	return []any{products, pairs, plans}
}
