package paging_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/paging"
)

var byName = paging.Order{Name: "rows by name", Columns: []paging.Column{
	{Expr: "r.name", Type: paging.Text}, {Expr: "r.id", Type: paging.ID},
}}

type row struct {
	name string
	id   uuid.UUID
}

func (r row) values() []any { return []any{r.name, r.id} }

func rowsNamed(names ...string) []row {
	rows := make([]row, len(names))
	for i, name := range names {
		rows[i] = row{name, uuid.NewSHA1(uuid.Nil, []byte{byte(i)})}
	}
	slices.SortFunc(rows, func(a, b row) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return slices.Compare(a.id[:], b.id[:])
	})
	return rows
}

func ptr[T any](v T) *T { return &v }

func TestSizesOutOfRangeAreRefusedWithTheirPath(t *testing.T) {
	for name, c := range map[string]struct {
		args paging.Args
		path string
	}{
		"negative first":      {paging.Args{First: ptr(-1)}, "first"},
		"first above 100":     {paging.Args{First: ptr(101)}, "first"},
		"enormous first":      {paging.Args{First: ptr(1_000_000)}, "first"},
		"negative last":       {paging.Args{Last: ptr(-1)}, "last"},
		"last above 100":      {paging.Args{Last: ptr(101)}, "last"},
		"first and last":      {paging.Args{First: ptr(1), Last: ptr(1)}, "last"},
		"first and last of 0": {paging.Args{First: ptr(0), Last: ptr(0)}, "last"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := paging.Slice(rowsNamed("a"), byName, row.values, c.args)
			refused(t, err, c.path)
		})
	}
}

func TestCursorsAreBoundToTheirOrder(t *testing.T) {
	page, err := paging.Slice(rowsNamed("a", "b"), byName, row.values, paging.Args{})
	if err != nil {
		t.Fatal(err)
	}
	other, turned := byName, byName
	other.Name = "others by name"
	turned.Descending = true
	for name, o := range map[string]paging.Order{"another list": other, "another direction": turned} {
		t.Run(name, func(t *testing.T) {
			_, err := paging.Slice(rowsNamed("a", "b"), o, row.values, paging.Args{After: &page.Cursors[0]})
			refused(t, err, "after")
			_, err = paging.Slice(rowsNamed("a", "b"), o, row.values, paging.Args{Before: &page.Cursors[0]})
			refused(t, err, "before")
		})
	}
}

func TestMalformedCursorsAreRefused(t *testing.T) {
	plain := base64.RawURLEncoding.EncodeToString
	for name, cursor := range map[string]string{
		"empty":           "",
		"no base64":       "§",
		"padded":          base64.URLEncoding.EncodeToString([]byte(`["rows by name","a",""]`)),
		"no JSON":         plain([]byte("hello")),
		"no list":         plain([]byte(`{"a":1}`)),
		"empty list":      plain([]byte(`[]`)),
		"tag of no text":  plain([]byte(`[1,"a","6ba7b810-9dad-11d1-80b4-00c04fd430c8"]`)),
		"too short":       plain([]byte(`["rows by name","a"]`)),
		"too long":        plain([]byte(`["rows by name","a","6ba7b810-9dad-11d1-80b4-00c04fd430c8",1]`)),
		"null":            plain([]byte(`["rows by name",null,"6ba7b810-9dad-11d1-80b4-00c04fd430c8"]`)),
		"no UUID":         plain([]byte(`["rows by name","a","b"]`)),
		"number for text": plain([]byte(`["rows by name",1,"6ba7b810-9dad-11d1-80b4-00c04fd430c8"]`)),
		"NUL":             plain([]byte(`["rows by name","a\u0000","6ba7b810-9dad-11d1-80b4-00c04fd430c8"]`)),
		"enormous":        plain([]byte(`["rows by name","` + strings.Repeat("a", 1<<17) + `","6ba7b810-9dad-11d1-80b4-00c04fd430c8"]`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := paging.Slice(rowsNamed("a"), byName, row.values, paging.Args{After: &cursor})
			refused(t, err, "after")
		})
	}
}

func TestWithoutASizeAPageHas25RowsFromTheSideOfItsCursor(t *testing.T) {
	rows := rowsNamed(strings.Split(strings.Repeat("x", 60), "")...)
	first := slice(t, rows, paging.Args{})
	if !slices.Equal(first.Items, rows[:25]) || first.HasPrevious || !first.HasNext {
		t.Errorf("the default page is not the first 25 rows: %d rows, %v, %v", len(first.Items), first.HasPrevious, first.HasNext)
	}
	all := slice(t, rows, paging.Args{First: ptr(60)})
	if p := slice(t, rows, paging.Args{Before: &all.Cursors[50]}); !slices.Equal(p.Items, rows[25:50]) {
		t.Errorf("before alone gives rows other than the 25 in front of the cursor")
	}
	if p := slice(t, rows, paging.Args{After: &all.Cursors[10]}); !slices.Equal(p.Items, rows[11:36]) {
		t.Errorf("after alone gives rows other than the 25 behind the cursor")
	}
}

func FuzzCursorsFromOutsideAreReadOrRefused(f *testing.F) {
	page, err := paging.Slice(rowsNamed("a", "b"), byName, row.values, paging.Args{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page.Cursors[0])
	f.Add("WzFd")
	f.Fuzz(func(t *testing.T, cursor string) {
		_, err := paging.Slice(rowsNamed("a", "b"), byName, row.values, paging.Args{After: &cursor})
		if err != nil && fault.CodeOf(err) != fault.BadUserInput {
			t.Errorf("%q: %v", cursor, err)
		}
	})
}

func slice(t *testing.T, rows []row, args paging.Args) paging.Page[row] {
	t.Helper()
	p, err := paging.Slice(rows, byName, row.values, args)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func refused(t *testing.T, err error, path string) {
	t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Code != fault.BadUserInput || !slices.Equal(e.Path, []string{path}) || !strings.Contains(e.Message, path) {
		t.Errorf("got %v, want BAD_USER_INPUT at %s", err, path)
	}
}
