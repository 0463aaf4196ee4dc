package paging_test

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/paging"
)

// walk walks over the numbers from 0 to last in stretches, and finds some of them.
func walk(finds []int64, last, stretch int64, stretches int) paging.Walk[int64] {
	return paging.Walk[int64]{
		Order:  paging.Order{Name: "numbers", Columns: []paging.Column{{Type: paging.Int}}},
		Values: func(n int64) []any { return []any{n} }, Stretches: stretches,
		Next: func(_ context.Context, from []any, backward bool) (found []int64, at []any, err error) {
			begin, end := int64(0), last
			if from != nil && backward {
				end = from[0].(int64)
			} else if from != nil {
				begin = from[0].(int64)
			}
			if backward {
				begin = max(end-stretch, 0)
			} else {
				end = min(begin+stretch, last)
			}
			for _, n := range finds {
				if begin <= n && n <= end {
					found = append(found, n)
				}
			}
			switch {
			case backward && begin > 0:
				at = []any{begin}
			case !backward && end < last:
				at = []any{end}
			}
			return found, at, nil
		},
	}
}

// Pages of a walk, however few rows they find, lead to every row once, in either direction.
func TestPagesOfAWalkLeadToEveryRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		finds := rapid.SliceOfDistinct(rapid.Int64Range(0, 60), rapid.ID[int64]).Draw(t, "finds")
		slices.Sort(finds)
		w := walk(finds, 60, rapid.Int64Range(1, 20).Draw(t, "stretch"), rapid.IntRange(1, 4).Draw(t, "stretches"))
		size, backward := rapid.IntRange(1, 9).Draw(t, "size"), rapid.Bool().Draw(t, "backward")
		args := paging.Args{First: &size}
		if backward {
			args = paging.Args{Last: &size}
		}
		var all []int64
		for n := 0; ; n++ {
			if n > 100 {
				t.Fatalf("the list does not end; so far %v", all)
			}
			page, err := w.Page(t.Context(), args)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) > size || len(page.Items) != len(page.Cursors) {
				t.Fatalf("%d rows and %d cursors on a page of %d", len(page.Items), len(page.Cursors), size)
			}
			more, last := page.HasNext, page.To
			if all = append(all, page.Items...); backward {
				all = append(slices.Clone(page.Items), all[:len(all)-len(page.Items)]...)
				more, last = page.HasPrevious, page.From
			}
			if !more {
				break
			}
			if last == "" && backward {
				last = page.Cursors[0]
			} else if last == "" {
				last = page.Cursors[len(page.Cursors)-1]
			}
			if args.After = &last; backward {
				args.After, args.Before = nil, &last
			}
		}
		if !slices.Equal(all, finds) {
			t.Fatalf("the pages have %v, want %v", all, finds)
		}
	})
}

func TestAWalkEndsAtTheOtherCursor(t *testing.T) {
	finds := []int64{1, 5, 9, 30, 31, 50}
	w := walk(finds, 60, 7, 99)
	ten := 10
	all, err := w.Page(t.Context(), paging.Args{First: &ten})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []paging.Args{
		{First: &ten, After: &all.Cursors[0], Before: &all.Cursors[4]}, {Last: &ten, After: &all.Cursors[0], Before: &all.Cursors[4]},
	} {
		page, err := w.Page(t.Context(), args)
		if err != nil || !slices.Equal(page.Items, []int64{5, 9, 30}) || !page.HasNext || !page.HasPrevious {
			t.Errorf("%+v, %v", page, err)
		}
	}
}
