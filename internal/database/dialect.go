package database

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// UUIDType is the column type of a UUID: uuid on PostgreSQL, text of 36 lower-case characters
// on SQLite.
func (d Dialect) UUIDType() string {
	if d == Postgres {
		return "uuid"
	}
	return "text"
}

// ForUpdate is what a SELECT ends with to lock its rows, so that other writers of them wait, and
// those who write what refers to them do not: those of the tables named, or all. It is nothing on
// SQLite, where there is only one writer. A SELECT that ends with several of these takes the locks
// of each row in their order.
func (d Dialect) ForUpdate(tables ...string) string { return d.lock("NO KEY UPDATE", tables) }

// ForShare is what a SELECT ends with to keep rows from being changed: as ForUpdate.
func (d Dialect) ForShare(tables ...string) string { return d.lock("SHARE", tables) }

func (d Dialect) lock(strength string, tables []string) string {
	switch {
	case d != Postgres:
		return ""
	case len(tables) == 0:
		return " FOR " + strength
	}
	return " FOR " + strength + " OF " + strings.Join(tables, ", ")
}

// In is the condition that a UUID column is one of the ids in parameter $arg, made by
// UUIDArray. An empty list is no id.
func (d Dialect) In(column string, arg int) string { return d.in(column, arg, "uuid") }

// InText is the condition that a text column is one of the texts in parameter $arg, made by
// TextArray.
func (d Dialect) InText(column string, arg int) string { return d.in(column, arg, "text") }

func (d Dialect) in(column string, arg int, kind string) string {
	if d == Postgres {
		return fmt.Sprintf("%s = ANY($%d::%s[])", column, arg, kind)
	}
	return fmt.Sprintf("%s IN (SELECT value FROM json_each($%d))", column, arg)
}

// UUIDArray is a list of ids as one parameter, of any length.
func (d Dialect) UUIDArray(ids []uuid.UUID) any {
	before, quote, after := "{", "", "}"
	if d == SQLite {
		before, quote, after = "[", `"`, "]"
	}
	var b strings.Builder
	b.Grow(2 + len(ids)*39)
	b.WriteString(before)
	for i, u := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote)
		b.WriteString(u.String())
		b.WriteString(quote)
	}
	b.WriteString(after)
	return b.String()
}

// KeyArray is UUIDArray for ids that rows are looked up by, each of which finds few. PostgreSQL
// keeps one plan of a prepared statement for all parameters where that is expected to cost no more
// than a plan made anew for each; it takes a list that it does not know to have ten elements, so
// that only a longer one spares it the planning, which costs several times what the looking up of
// one row does. The last ids are there again.
func (d Dialect) KeyArray(ids []uuid.UUID) any { return d.UUIDArray(Kept(d, ids)) }

// Kept makes a list of keys as long as it has to be for a plan to be kept: see KeyArray.
func Kept[T any](d Dialect, keys []T) []T {
	const from = 11
	if d != Postgres || len(keys) == 0 || len(keys) >= from {
		return keys
	}
	return slices.Repeat(keys, from)[:from]
}

// TextArray is a list of texts as one parameter, of any length.
func (d Dialect) TextArray(texts []string) any {
	if d == Postgres {
		return pq.StringArray(append([]string{}, texts...))
	}
	return jsonText(append([]string{}, texts...))
}

// Column is a column of Unnest.
type Column struct {
	Name string
	Type ColumnType
}

// ColumnType is the type of a Column.
type ColumnType string

// The types of columns. On SQLite a Bool is 0 or 1.
const (
	UUID   ColumnType = "uuid"
	BigInt ColumnType = "bigint"
	Text   ColumnType = "text"
	Bool   ColumnType = "boolean"
)

// Unnest is an item of a FROM clause with a row for each element of parallel lists, which
// UnnestArgs makes. It takes as many parameters as it has columns, from $arg on, on both
// databases. Example:
//
//	"INSERT INTO t (a, b) SELECT v.a, v.b FROM " + d.Unnest("v", 2, Column{"a", UUID}, Column{"b", BigInt})
func (d Dialect) Unnest(alias string, arg int, columns ...Column) string {
	values, names := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
		if d == Postgres {
			values[i] = fmt.Sprintf("$%d::%s[]", arg+i, c.Type)
		} else {
			values[i] = fmt.Sprintf("value->>%d AS %s", i, c.Name)
		}
	}
	if d == Postgres {
		return fmt.Sprintf("unnest(%s) AS %s(%s)", strings.Join(values, ", "), alias, strings.Join(names, ", "))
	}
	// One list of rows, in the first parameter: joining parallel lists would take quadratic time.
	return fmt.Sprintf("(SELECT %s FROM json_each($%d)) AS %s", strings.Join(values, ", "), arg, alias)
}

// UnnestArgs are the parameters of Unnest: one list for each column, all of one length, of
// type []uuid.UUID, []uuid.NullUUID, []int64, []clock.Instant, []string or []bool. Other
// input is an error of the statement.
func (d Dialect) UnnestArgs(columns ...any) []any {
	lists := make([]list, len(columns))
	args := make([]any, len(columns))
	for i, c := range columns {
		l, err := newList(c)
		if err == nil && l.len != lists[0].len && i > 0 {
			err = fmt.Errorf("database: list %d of Unnest has %d elements, the first has %d", i, l.len, lists[0].len)
		}
		if err != nil {
			args[0] = invalid{err}
			return args
		}
		lists[i] = l
	}
	if len(lists) == 0 {
		return args
	}
	if d == SQLite {
		args[0] = rowsJSON(lists)
		return args
	}
	for i, l := range lists {
		args[i] = l.array
	}
	return args
}

// list is a column of values: as an array of PostgreSQL, and element by element in JSON.
type list struct {
	len    int
	array  any
	append func(b []byte, i int) []byte
}

func newList(column any) (list, error) {
	switch v := column.(type) {
	case []uuid.UUID:
		return list{len(v), Postgres.UUIDArray(v), func(b []byte, i int) []byte { return appendUUID(b, v[i]) }}, nil
	case []uuid.NullUUID:
		texts := make([]string, len(v))
		for i, u := range v {
			texts[i] = "NULL"
			if u.Valid {
				texts[i] = u.UUID.String()
			}
		}
		return list{len(v), "{" + strings.Join(texts, ",") + "}", func(b []byte, i int) []byte {
			if !v[i].Valid {
				return append(b, "null"...)
			}
			return appendUUID(b, v[i].UUID)
		}}, nil
	case []int64:
		return list{len(v), pq.Int64Array(append([]int64{}, v...)), func(b []byte, i int) []byte { return strconv.AppendInt(b, v[i], 10) }}, nil
	case []clock.Instant:
		ints := make([]int64, len(v))
		for i, instant := range v {
			ints[i] = int64(instant)
		}
		return newList(ints)
	case []string:
		return list{len(v), pq.StringArray(append([]string{}, v...)), func(b []byte, i int) []byte { return append(b, jsonText(v[i])...) }}, nil
	case []bool:
		return list{len(v), pq.BoolArray(append([]bool{}, v...)), func(b []byte, i int) []byte {
			if v[i] {
				return append(b, '1')
			}
			return append(b, '0')
		}}, nil
	}
	return list{}, fmt.Errorf("database: Unnest does not take a %T", column)
}

func appendUUID(b []byte, u uuid.UUID) []byte {
	b = append(b, '"')
	b = append(b, u.String()...)
	return append(b, '"')
}

func rowsJSON(lists []list) string {
	b := []byte{'['}
	for i := range lists[0].len {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, l := range lists {
			if j > 0 {
				b = append(b, ',')
			}
			b = l.append(b, i)
		}
		b = append(b, ']')
	}
	return string(append(b, ']'))
}

// jsonText is the JSON of a text or of a list of texts, which always has one.
func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

// invalid is a parameter that fails the statement.
type invalid struct{ err error }

func (i invalid) Value() (driver.Value, error) { return nil, i.err }

// JSONArray is a JSON array of expressions. Integers, texts and UUIDs come out alike on both
// databases; a boolean does not: write CASE WHEN b THEN 1 ELSE 0 END.
func (d Dialect) JSONArray(expressions ...string) string {
	name := "json_array"
	if d == Postgres {
		name = "json_build_array"
	}
	return name + "(" + strings.Join(expressions, ", ") + ")"
}

// JSONAgg gathers an expression of all rows, in an order ("" for none), into a JSON array;
// [] where there are no rows. Scan it into a []byte. Where the expression is JSON itself it
// must be JSONArray's text, not a column of a subquery.
func (d Dialect) JSONAgg(expression, orderBy string) string {
	if orderBy != "" {
		orderBy = " ORDER BY " + orderBy
	}
	if d == Postgres {
		return "coalesce(json_agg(" + expression + orderBy + "), '[]'::json)"
	}
	return "json_group_array(" + expression + orderBy + ")"
}
