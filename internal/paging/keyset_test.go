package paging_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// fixture is a list of rows, in memory and as a list of constants in the database.
type fixture struct {
	rows  []entry
	order paging.Order
}

type entry struct {
	name   string
	number int64
	yes    bool
	id     uuid.UUID
}

func (e entry) values() []any { return []any{e.name, e.number, e.yes, e.id} }

func (f fixture) keyset(d database.Dialect) paging.Keyset[entry] {
	names, numbers, yes, ids := []string{}, []int64{}, []bool{}, []uuid.UUID{}
	for _, e := range f.rows {
		names, numbers, yes, ids = append(names, e.name), append(numbers, e.number), append(yes, e.yes), append(ids, e.id)
	}
	w := &paging.Where{}
	from := d.Unnest("r", w.Args(d.UnnestArgs(names, numbers, yes, ids)...), database.Column{Name: "name", Type: database.Text},
		database.Column{Name: "number", Type: database.BigInt}, database.Column{Name: "yes", Type: database.Bool},
		database.Column{Name: "id", Type: database.UUID})
	w.And("r.number < " + w.Arg(100))
	return paging.Keyset[entry]{
		Order: f.order, Select: "r.name, r.number, r.yes, r.id", From: from, Where: w,
		Scan: func(scan func(...any) error) (e entry, err error) {
			return e, scan(&e.name, &e.number, &e.yes, &e.id)
		},
	}
}

// visible are the rows that the keyset's condition leaves, in order.
func (f fixture) visible() []entry {
	rows := slices.DeleteFunc(slices.Clone(f.rows), func(e entry) bool { return e.number >= 100 })
	slices.SortFunc(rows, func(a, b entry) int { return f.compare(a, b) })
	return rows
}

func (f fixture) compare(a, b entry) int {
	c := slices.Compare([]byte(a.name), []byte(b.name))
	if c == 0 {
		c = int(a.number - b.number)
	}
	if c == 0 && a.yes != b.yes {
		c = -1
		if a.yes {
			c = 1
		}
	}
	if c == 0 {
		c = slices.Compare(a.id[:], b.id[:])
	}
	if f.order.Descending {
		return -c
	}
	return c
}

func drawFixture(t *rapid.T, d database.Dialect) fixture {
	collate := ""
	if d == database.Postgres {
		collate = ` COLLATE "C"`
	}
	f := fixture{order: paging.Order{Name: "entries", Descending: rapid.Bool().Draw(t, "descending"), Columns: []paging.Column{
		{Expr: "r.name" + collate, Type: paging.Text}, {Expr: "r.number", Type: paging.Int},
		{Expr: "r.yes", Type: paging.Bool}, {Expr: "r.id", Type: paging.ID},
	}}}
	n := rapid.IntRange(0, 12).Draw(t, "rows")
	for i := range n {
		f.rows = append(f.rows, entry{
			name:   rapid.SampledFrom([]string{"", "a", "b", "é", "ab", "日本", "\U0001F600", "a\"\\'b"}).Draw(t, "name"),
			number: rapid.SampledFrom([]int64{-5, 0, 7, 100}).Draw(t, "number"),
			yes:    rapid.Bool().Draw(t, "yes"),
			id:     uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)),
		})
	}
	return f
}

func TestPagingByAnySizeInAnyDirectionYieldsTheWholeList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			f := drawFixture(rt, db.Dialect())
			want := f.visible()
			size := rapid.IntRange(1, 5).Draw(rt, "size")
			for name, read := range readers(t.Context(), db, f) {
				var got []entry
				args := paging.Args{First: &size}
				for {
					p := must(rt, read, args)
					if p.HasPrevious != (len(got) > 0) {
						rt.Fatalf("%s: forward after %d rows, hasPrevious is %v", name, len(got), p.HasPrevious)
					}
					got = append(got, p.Items...)
					if p.HasNext != (len(got) < len(want)) {
						rt.Fatalf("%s: forward, %d of %d rows read, hasNext is %v", name, len(got), len(want), p.HasNext)
					}
					if !p.HasNext {
						break
					}
					args.After = &p.Cursors[len(p.Cursors)-1]
				}
				if !slices.Equal(got, want) {
					rt.Fatalf("%s: forward gives %v, want %v", name, got, want)
				}
				got, args = nil, paging.Args{Last: &size}
				for {
					p := must(rt, read, args)
					if p.HasNext != (len(got) > 0) {
						rt.Fatalf("%s: backward after %d rows, hasNext is %v", name, len(got), p.HasNext)
					}
					got = append(p.Items, got...)
					if p.HasPrevious != (len(got) < len(want)) {
						rt.Fatalf("%s: backward, %d of %d rows read, hasPrevious is %v", name, len(got), len(want), p.HasPrevious)
					}
					if !p.HasPrevious {
						break
					}
					args.Before = &p.Cursors[0]
				}
				if !slices.Equal(got, want) {
					rt.Fatalf("%s: backward gives %v, want %v", name, got, want)
				}
			}
		})
	})
}

// A page is checked against its definition: the rows strictly between its cursors, cut from
// one end. Cursors are those of rows that are there, that are gone, and in wrong order.
func TestAPageIsWhatItsArgumentsSay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			f := drawFixture(rt, db.Dialect())
			want := f.visible()
			var args paging.Args
			var after, before *entry
			if all := f.rows; len(all) > 0 {
				everything, err := paging.Slice(all, f.order, entry.values, paging.Args{First: ptr(100)})
				if err != nil {
					rt.Fatal(err)
				}
				pick := rapid.IntRange(-1, len(all)-1)
				if i := pick.Draw(rt, "after"); i >= 0 {
					args.After, after = &everything.Cursors[i], &all[i]
				}
				if i := pick.Draw(rt, "before"); i >= 0 {
					args.Before, before = &everything.Cursors[i], &all[i]
				}
			}
			size := rapid.IntRange(0, 5).Draw(rt, "size")
			backward := rapid.Bool().Draw(rt, "backward")
			if backward {
				args.Last = &size
			} else {
				args.First = &size
			}
			from, to := 0, len(want)
			for i, e := range want {
				if after != nil && f.compare(e, *after) <= 0 {
					from = i + 1
				}
				if before != nil && f.compare(e, *before) >= 0 && i < to {
					to = i
				}
			}
			if from > to && backward {
				from = to
			} else if from > to {
				to = from
			}
			if backward {
				from = max(from, to-size)
			} else {
				to = min(to, from+size)
			}
			for name, read := range readers(t.Context(), db, f) {
				p := must(rt, read, args)
				if !slices.Equal(p.Items, want[from:to]) || p.HasPrevious != (from > 0) || p.HasNext != (to < len(want)) {
					rt.Fatalf("%s: got %v previous %v next %v, want rows %d to %d of %v", name, p.Items, p.HasPrevious, p.HasNext, from, to, want)
				}
			}
		})
	})
}

func TestTheCountIsThatOfTheWholeList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			f := drawFixture(rt, db.Dialect())
			n, err := f.keyset(db.Dialect()).Count(t.Context(), db.Reader())
			if want := len(f.visible()); err != nil || n != want {
				rt.Fatalf("counted %d (%v), want %d", n, err, want)
			}
		})
	})
}

func TestAForwardPageWithoutACursorTakesOneStatementAndWithOneTakesTwo(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, s *dbtest.Statements) {
		f := fixture{order: paging.Order{Name: "entries", Columns: []paging.Column{{Expr: "r.id", Type: paging.ID}}}}
		for i := range 9 {
			f.rows = append(f.rows, entry{id: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i))})
		}
		var p paging.Page[entry]
		for want := 1; want <= 2; want++ {
			s.Reset()
			args := paging.Args{First: ptr(3)}
			if want == 2 {
				args.After = &p.Cursors[2]
			}
			var err error
			if p, err = f.keyset(db.Dialect()).Page(t.Context(), db.Reader(), args); err != nil {
				t.Fatal(err)
			}
			if s.Count() != want {
				t.Errorf("%d statements, want %d: %q", s.Count(), want, s.List())
			}
		}
	})
}

type reader func(paging.Args) (paging.Page[entry], error)

func readers(ctx context.Context, db *database.DB, f fixture) map[string]reader {
	return map[string]reader{
		"in memory": func(a paging.Args) (paging.Page[entry], error) {
			return paging.Slice(f.visible(), f.order, entry.values, a)
		},
		"in the database": func(a paging.Args) (paging.Page[entry], error) {
			return f.keyset(db.Dialect()).Page(ctx, db.Reader(), a)
		},
	}
}

func must(t *rapid.T, read reader, args paging.Args) paging.Page[entry] {
	p, err := read(args)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
