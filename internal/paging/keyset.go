package paging

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/licensegraph/licensegraph/internal/database"
)

// Where gathers the conditions of a statement and their parameters. The zero value is ready.
type Where struct {
	conditions []string
	args       []any
}

// Arg adds a parameter and returns its place, $1, $2 ….
func (w *Where) Arg(value any) string { return "$" + strconv.Itoa(w.Args(value)) }

// Args adds parameters that stand side by side and returns the number of the first.
func (w *Where) Args(values ...any) int {
	w.args = append(w.args, values...)
	return len(w.args) - len(values) + 1
}

// And adds a condition. Every parameter must be used by some condition, or PostgreSQL cannot
// tell its type.
func (w *Where) And(condition string) { w.conditions = append(w.conditions, condition) }

// Clone returns a copy that can be added to without changing the original.
func (w *Where) Clone() *Where {
	return &Where{conditions: slices.Clone(w.conditions), args: slices.Clone(w.args)}
}

// SQL returns the WHERE clause, beginning with a blank, or nothing without conditions.
func (w *Where) SQL() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// Values returns the parameters.
func (w *Where) Values() []any { return w.args }

// Keyset is a list in the database.
type Keyset[T any] struct {
	Order  Order
	Select string // the columns that Scan reads
	From   string // a table, or tables joined; each row once
	Where  *Where
	// Beside are further columns, over the rows of the page alone: they are read after it is cut,
	// from a table u with the columns of Select. Optional; the list's own table is then u as well.
	Beside string
	// Scan reads one row. It calls scan once, with a destination for each column of Select and
	// of Beside.
	Scan func(scan func(dest ...any) error) (T, error)
}

// Page reads one page. It takes one statement, and one more for each cursor beyond which it
// must be known whether a row lies.
//
// Errors: BAD_USER_INPUT with the path of the argument; what the database says.
func (k Keyset[T]) Page(ctx context.Context, q database.Querier, args Args) (Page[T], error) {
	w, err := args.window(k.Order)
	if err != nil {
		return Page[T]{}, err
	}
	p, more, err := k.read(ctx, q, w)
	if err != nil {
		return Page[T]{}, err
	}
	if w.backward {
		p.HasNext, p.HasPrevious = false, more
		slices.Reverse(p.Items)
		slices.Reverse(p.Cursors)
	} else {
		p.HasNext, p.HasPrevious = more, false
	}
	later, earlier := w.outside(more)
	if len(later) > 0 {
		if p.HasNext, err = k.exists(ctx, q, later); err != nil {
			return Page[T]{}, err
		}
	}
	if len(earlier) > 0 {
		if p.HasPrevious, err = k.exists(ctx, q, earlier); err != nil {
			return Page[T]{}, err
		}
	}
	return p, nil
}

// outside returns where to look for rows later and earlier than a page, beyond the window it
// was taken from; nothing where that is known. The page begins at the near end of the window,
// so what lies on that side lies beyond the near cursor. Where the page goes to the window's
// other end (there is no more), what lies on that side lies beyond the far cursor, and not
// before the near one, should the cursors have changed places.
func (w window) outside(more bool) (later, earlier []bound) {
	if w.before != nil && (w.backward || !more) {
		later = append(later, bound{w.before, false, true})
		if w.after != nil && !w.backward {
			later = append(later, bound{w.after, false, false})
		}
	}
	if w.after != nil && (!w.backward || !more) {
		earlier = append(earlier, bound{w.after, true, true})
		if w.before != nil && w.backward {
			earlier = append(earlier, bound{w.before, true, false})
		}
	}
	return later, earlier
}

// Count counts the rows of the list.
func (k Keyset[T]) Count(ctx context.Context, q database.Querier) (int, error) {
	var n int64
	statement := "SELECT count(*) FROM " + k.From + k.Where.SQL()
	if err := q.QueryRowContext(ctx, statement, k.Where.Values()...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the rows of %s: %w", k.Order.Name, err)
	}
	return Count(n), nil
}

// read returns the rows of a window from the end it is read from, and whether there are more.
func (k Keyset[T]) read(ctx context.Context, q database.Querier, w window) (p Page[T], more bool, err error) {
	where := k.Where.Clone()
	if w.after != nil {
		where.And(k.Order.beyond(where, bound{w.after, false, false}))
	}
	if w.before != nil {
		where.And(k.Order.beyond(where, bound{w.before, true, false}))
	}
	statement := "SELECT " + k.Select + k.Order.selected() + " FROM " + k.From + where.SQL() +
		k.Order.by(w.backward) + " LIMIT " + strconv.Itoa(w.size+1)
	if k.Beside != "" {
		named := k.Order.named()
		statement = "SELECT " + k.Select + ", " + k.Beside + named.selected() + " FROM (" + statement + ") u" + named.by(w.backward)
	}
	rows, err := q.QueryContext(ctx, statement, where.Values()...)
	if err != nil {
		return p, false, fmt.Errorf("read a page of %s: %w", k.Order.Name, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	keys := make([]any, len(k.Order.Columns))
	for i, c := range k.Order.Columns {
		keys[i] = c.Type.dest()
	}
	p.Items, p.Cursors = make([]T, 0, w.size), make([]string, 0, w.size)
	for rows.Next() {
		if len(p.Items) == w.size {
			more = true
			break
		}
		item, cursor, err := k.scan(rows, keys)
		if err != nil {
			return p, false, fmt.Errorf("read a page of %s: %w", k.Order.Name, err)
		}
		p.Items = append(p.Items, item)
		p.Cursors = append(p.Cursors, cursor)
	}
	if err := rows.Err(); err != nil {
		return p, false, fmt.Errorf("read a page of %s: %w", k.Order.Name, err)
	}
	return p, more, nil
}

func (k Keyset[T]) scan(rows *sql.Rows, keys []any) (item T, cursor string, err error) {
	item, err = k.Scan(func(dest ...any) error { return rows.Scan(append(dest, keys...)...) })
	if err != nil {
		return item, "", err
	}
	cursor, err = k.Order.cursor(keys)
	return item, cursor, err
}

// exists tells whether the list has a row within all bounds. It reads from the bounds'
// own end, so that an index answers from its first row on.
func (k Keyset[T]) exists(ctx context.Context, q database.Querier, bounds []bound) (bool, error) {
	where := k.Where.Clone()
	for _, b := range bounds {
		where.And(k.Order.beyond(where, b))
	}
	statement := "SELECT 1 FROM " + k.From + where.SQL() + k.Order.by(bounds[0].earlier) + " LIMIT 1"
	var one int
	err := q.QueryRowContext(ctx, statement, where.Values()...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look beyond a page of %s: %w", k.Order.Name, err)
	}
	return true, nil
}

// bound is a side of a place in the list: what comes earlier or later than it.
type bound struct {
	values  []any
	earlier bool
	with    bool // a row at the very place counts
}

// beyond is the condition that a row lies on a bound's side, as one comparison of rows, which
// both databases answer from an index.
func (o Order) beyond(w *Where, b bound) string {
	columns, values := make([]string, len(o.Columns)), make([]string, len(o.Columns))
	for i, c := range o.Columns {
		columns[i], values[i] = c.Expr, w.Arg(b.values[i])
	}
	operator := ">"
	if b.earlier != o.Descending {
		operator = "<"
	}
	if b.with {
		operator += "="
	}
	return "(" + strings.Join(columns, ", ") + ") " + operator + " (" + strings.Join(values, ", ") + ")"
}

func (o Order) by(backward bool) string {
	direction := ""
	if backward != o.Descending {
		direction = " DESC"
	}
	columns := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		columns[i] = c.Expr + direction
	}
	return " ORDER BY " + strings.Join(columns, ", ")
}

func (o Order) selected() string {
	var b strings.Builder
	for i, c := range o.Columns {
		b.WriteString(", " + c.Expr + " AS k" + strconv.Itoa(i))
	}
	return b.String()
}

// named is the order of what was selected in it, from a table u.
func (o Order) named() Order {
	columns := make([]Column, len(o.Columns))
	for i, c := range o.Columns {
		columns[i] = Column{Expr: "u.k" + strconv.Itoa(i), Type: c.Type}
	}
	return Order{Columns: columns, Descending: o.Descending}
}
