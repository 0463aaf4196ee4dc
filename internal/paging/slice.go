package paging

import (
	"slices"
	"sort"
)

// Slice pages a list in memory. The items stand in the order; values returns, for an item,
// one value for each of the order's columns. It is called for the items of the page and, to
// find a cursor's place, for as many more as the logarithm of the list's length.
//
// Errors: BAD_USER_INPUT with the path of the argument.
func Slice[T any](items []T, o Order, values func(T) []any, args Args) (Page[T], error) {
	w, err := args.window(o)
	if err != nil {
		return Page[T]{}, err
	}
	// place returns the number of items before a cursor's place, or up to and with it.
	place := func(cursor []any, with int) int {
		return sort.Search(len(items), func(i int) bool { return o.compare(values(items[i]), cursor) >= with })
	}
	from, to := 0, len(items)
	if w.after != nil {
		from = place(w.after, 1)
	}
	if w.before != nil {
		to = place(w.before, 0)
	}
	if w.backward {
		from = max(min(from, to), to-w.size)
	} else {
		to = min(max(from, to), from+w.size)
	}
	p := Page[T]{Items: slices.Clone(items[from:to]), HasNext: to < len(items), HasPrevious: from > 0}
	for _, item := range p.Items {
		c, err := o.cursor(values(item))
		if err != nil {
			return Page[T]{}, err
		}
		p.Cursors = append(p.Cursors, c)
	}
	return p, nil
}
