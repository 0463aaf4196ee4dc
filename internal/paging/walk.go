package paging

import (
	"context"
	"slices"
)

// Walk is a list whose rows are found by walking over something larger, a stretch at a time. A page
// costs a bounded number of stretches: one that has walked so far without being full ends there, with
// fewer rows than asked for, and its To (or From) is where to go on.
type Walk[T any] struct {
	Order  Order
	Values func(T) []any // of the order's columns
	// Next looks at the next stretch, from a place on, which may be looked at again, or from the
	// list's own end where it is nil. It returns what it finds in the order of the list, also backward,
	// and the place where it ends; nil: there is nothing more to look at.
	Next      func(ctx context.Context, from []any, backward bool) (found []T, at []any, err error)
	Stretches int // how many a page may take
}

// Page returns one page. HasNext and HasPrevious tell whether there is anything left to look at on
// that side.
//
// Errors: BAD_USER_INPUT with the path of the argument; those of Next.
func (w Walk[T]) Page(ctx context.Context, args Args) (Page[T], error) {
	win, err := args.window(w.Order)
	if err != nil {
		return Page[T]{}, err
	}
	from, far := win.after, win.before
	if win.backward {
		from, far = far, from
	}
	ahead := func(a, b []any) bool { // a comes after b on the walk
		d := w.Order.compare(a, b)
		return d > 0 && !win.backward || d < 0 && win.backward
	}
	var rows []T
	at, more := from, true
	for n := 0; n < w.Stretches && more && len(rows) <= win.size; n++ {
		found, end, err := w.Next(ctx, at, win.backward)
		if err != nil {
			return Page[T]{}, err
		}
		if win.backward {
			slices.Reverse(found)
		}
		for _, row := range found {
			place := w.Values(row)
			if at != nil && !ahead(place, at) {
				continue
			}
			if far != nil && !ahead(far, place) {
				break
			}
			rows = append(rows, row)
		}
		more = end != nil && (far == nil || ahead(far, end))
		at = end
	}
	full := len(rows) > win.size
	p := Page[T]{Items: rows[:min(len(rows), win.size)]}
	if win.backward {
		slices.Reverse(p.Items)
	}
	for _, row := range p.Items {
		c, err := w.Order.cursor(w.Values(row))
		if err != nil {
			return Page[T]{}, err
		}
		p.Cursors = append(p.Cursors, c)
	}
	end := ""
	if !full && more && at != nil {
		if end, err = w.Order.cursor(at); err != nil {
			return Page[T]{}, err
		}
	}
	left, behind := full || more || far != nil, from != nil
	if p.HasNext, p.HasPrevious, p.To = left, behind, end; win.backward {
		p.HasNext, p.HasPrevious, p.From, p.To = behind, left, end, ""
	}
	return p, nil
}
