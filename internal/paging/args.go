// Package paging cuts lists into pages as Relay connections do: forward from a cursor or
// backward from one, always in the list's own order, with true answers to whether more
// rows lie before and after a page.
//
// A list is either in memory (Slice) or in the database (Keyset). Both page by the values
// that a list is ordered by, never by position: a page begins where its cursor points, also
// when the row that the cursor was made of is gone.
package paging

import (
	"context"
	"math"

	"github.com/licensegraph/licensegraph/internal/fault"
)

// The number of rows in a page.
const (
	Default = 25
	Max     = 100
)

// Args are the arguments of a connection. Nil is absent.
type Args struct {
	First, Last   *int
	After, Before *string
}

// Validate checks the sizes. Cursors are checked against their order when a page is read.
//
// Errors: BAD_USER_INPUT with the path of the argument.
func (a Args) Validate() error {
	switch {
	case a.First != nil && a.Last != nil:
		return fault.New(fault.BadUserInput, "first and last cannot be given together.").
			Fix("Use first with after to page forward, last with before to page backward.").At("last")
	case a.First != nil:
		return checkSize("first", *a.First)
	case a.Last != nil:
		return checkSize("last", *a.Last)
	}
	return nil
}

func checkSize(argument string, n int) error {
	if n >= 0 && n <= Max {
		return nil
	}
	return fault.New(fault.BadUserInput, "%s is %d, but a page has 0 to %d rows.", argument, n, Max).At(argument)
}

// window is the part of a list that a page is taken from, and from which end.
type window struct {
	size          int
	backward      bool
	after, before []any // values of the order's columns; nil where open
}

// window checks the arguments against an order. A cursor before without anything else means
// the page that ends there.
func (a Args) window(o Order) (window, error) {
	if err := a.Validate(); err != nil {
		return window{}, err
	}
	w := window{size: Default}
	switch {
	case a.First != nil:
		w.size = *a.First
	case a.Last != nil:
		w.size, w.backward = *a.Last, true
	case a.Before != nil && a.After == nil:
		w.backward = true
	}
	var err error
	if w.after, err = o.values("after", a.After); err != nil {
		return window{}, err
	}
	w.before, err = o.values("before", a.Before)
	return w, err
}

// Page is one page of a list.
type Page[T any] struct {
	Items       []T
	Cursors     []string // of each item
	HasNext     bool     // a row lies after the page
	HasPrevious bool     // a row lies before the page
	// From and To are the cursors of where a page of a Walk was given up, before its first row or
	// after its last; empty where it was not.
	From, To string
}

// Map returns the page with each item replaced.
func Map[T, U any](p Page[T], f func(T) U) Page[U] {
	items := make([]U, len(p.Items))
	for i, item := range p.Items {
		items[i] = f(item)
	}
	return Page[U]{Items: items, Cursors: p.Cursors, HasNext: p.HasNext, HasPrevious: p.HasPrevious}
}

// Count narrows a number of rows to what the API's 32-bit integers hold.
func Count(n int64) int { return int(min(n, math.MaxInt32)) }

// Connection is a page of a list together with the means to count the whole, which costs
// nothing until it is asked for.
type Connection[T any] struct {
	Page[T]
	Count func(ctx context.Context) (int, error)
}
