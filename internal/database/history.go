package database

import (
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	"github.com/licensegraph/licensegraph/ent/migrate"
)

// history declares the table of the former rows of another: a row moves there when it goes, and
// a copy of it when it changes. "until" is the instant of the change that ended it so. A row
// that is there says nothing of when it came to be so: of a thing's rows, that with the least
// "until" after an instant is how it was then, else the present one, provided that it existed.
type history struct {
	of      string
	tenant  string   // the column that is its tenant_id, where another is
	without []string // columns that say nothing of the past
	only    []string // where set, the only columns
	extra   []*schema.Column
	key     []string
	indexes []historyIndex
}

type historyIndex struct {
	name    string
	columns []string
	where   string
}

// histories lists them all. Each can be pruned by an index that begins with tenant and instant.
var histories = []history{
	{of: "tenants", tenant: "id", only: []string{"id", "country"}, key: []string{"tenant_id", "until"}},
	{of: "groups", without: []string{"search_key"}, key: []string{"tenant_id", "until", "id"}},
	{of: "nestings", without: []string{"id"}, key: []string{"tenant_id", "until", "parent_id", "child_id"}},
	{of: "subscriptions", key: []string{"tenant_id", "until", "id"}},
	{of: "users", without: []string{"user_principal_name_key", "display_name_key"}, key: []string{"tenant_id", "id", "until"},
		indexes: []historyIndex{{name: "ended", columns: []string{"tenant_id", "until"}}}},
	{of: "memberships", without: []string{"id"}, key: []string{"tenant_id", "user_id", "until", "group_id"}, indexes: []historyIndex{
		{name: "group", columns: []string{"tenant_id", "group_id", "until"}}, {name: "ended", columns: []string{"tenant_id", "until"}},
	}},
	{of: "assignments", key: []string{"tenant_id", "until", "id"}, indexes: []historyIndex{
		{name: "user", columns: []string{"tenant_id", "user_id", "until"}, where: "user_id IS NOT NULL"},
		{name: "group", columns: []string{"tenant_id", "until"}, where: "group_id IS NOT NULL"},
	}},
	{of: "license_violations", key: []string{"tenant_id", "until", "id"}, indexes: []historyIndex{
		{name: "user", columns: []string{"tenant_id", "user_id", "until"}},
		{name: "product", columns: []string{"tenant_id", "product_id", "until"}},
	}},
	{of: "place_counters", without: []string{"id"}, key: []string{"tenant_id", "until", "assignment_id"}},
	{of: "seat_counters", without: []string{"id"}, key: []string{"tenant_id", "product_id", "until"},
		indexes: []historyIndex{{name: "ended", columns: []string{"tenant_id", "until"}}},
		extra: []*schema.Column{ // what the change did that ended it
			{Name: "event_id", Type: field.TypeUUID},
			{Name: "gaining", Type: field.TypeInt64}, {Name: "losing", Type: field.TypeInt64},
			{Name: "refused", Type: field.TypeInt64}, {Name: "healed", Type: field.TypeInt64},
		}},
}

// HistoryOf is the name of the table of another's former rows.
func HistoryOf(table string) string { return table + "_history" }

// Histories are the tables that have a history.
func Histories() []string {
	names := make([]string, len(histories))
	for i, h := range histories {
		names[i] = h.of
	}
	return names
}

// formerColumns are the columns of a table that its history has too, and historyColumns what they are
// called there.
var formerColumns, historyColumns = func() (of, in map[string][]string) {
	of, in = map[string][]string{}, map[string][]string{}
	for _, h := range histories {
		i := slices.IndexFunc(migrate.Tables, func(t *schema.Table) bool { return t.Name == h.of })
		for _, c := range migrate.Tables[i].Columns {
			if h.keeps(c.Name) {
				of[h.of], in[h.of] = append(of[h.of], c.Name), append(in[h.of], h.named(c.Name))
			}
		}
	}
	return of, in
}()

// KeepFormer is the statement that copies rows into their table's history, as being so until the
// instant in parameter $until. from is a FROM clause, with its conditions, in which the rows are t. What a
// change has copied already stays as it was before the change.
func KeepFormer(table, from string, until int) string {
	return fmt.Sprintf(`INSERT INTO %s (%s, until) SELECT t.%s, $%d FROM %s ON CONFLICT DO NOTHING`,
		HistoryOf(table), strings.Join(historyColumns[table], ", "), strings.Join(formerColumns[table], ", t."), until, from)
}

// MoveFormer are the statements that move rows into their table's history: as KeepFormer. SQLite has
// no statement that does both.
func MoveFormer(d Dialect, table, from string, until int) []string {
	if d == SQLite {
		return []string{KeepFormer(table, from, until), `DELETE FROM ` + table + ` WHERE id IN (SELECT t.id FROM ` + from + `)`}
	}
	columns := strings.Join(formerColumns[table], ", ")
	return []string{fmt.Sprintf(`WITH gone AS (DELETE FROM %[1]s WHERE id IN (SELECT t.id FROM %[2]s) RETURNING %[3]s)
		INSERT INTO %[4]s (%[3]s, until) SELECT %[3]s, $%[5]d FROM gone ON CONFLICT DO NOTHING`, table, from, columns, HistoryOf(table), until)}
}

func (h history) keeps(column string) bool {
	if h.only != nil {
		return slices.Contains(h.only, column)
	}
	return !slices.Contains(h.without, column)
}

// named is what a column is called in the history.
func (h history) named(column string) string {
	if h.tenant == column {
		return "tenant_id"
	}
	return column
}

// table makes the declared table from that of which it is the history.
func (h history) table(d Dialect, tables map[string]*schema.Table) (*schema.Table, error) {
	of := tables[h.of]
	if of == nil {
		return nil, fmt.Errorf("database: history of the unknown table %s", h.of)
	}
	t := schema.NewTable(HistoryOf(h.of))
	t.Annotation = &entsql.Annotation{}
	add := func(c *schema.Column) {
		adapt(d, t, c)
		t.Columns = append(t.Columns, c)
	}
	for _, c := range of.Columns {
		if !h.keeps(c.Name) {
			continue
		}
		former := *c
		former.Unique, former.Increment = false, false
		former.Name = h.named(c.Name)
		add(&former)
	}
	for _, c := range h.extra {
		extra := *c
		add(&extra)
	}
	add(&schema.Column{Name: "until", Type: field.TypeInt64})
	key, err := columnsOf(t, h.key)
	if err != nil {
		return nil, err
	}
	t.PrimaryKey = key
	for _, i := range h.indexes {
		columns, err := columnsOf(t, i.columns)
		if err != nil {
			return nil, err
		}
		index := &schema.Index{Name: t.Name + "_" + i.name, Columns: columns}
		if i.where != "" {
			index.Annotation = entsql.IndexWhere(i.where)
		}
		t.Indexes = append(t.Indexes, index)
	}
	return t, nil
}

// RowsAsOf takes the place of a table, in a FROM clause, with its rows as they were at the instant in
// parameter $at: those of the tenant $1 that hold a condition, which is given their alias. begun is
// the column that tells since when a row is there, and same are the columns, beside the tenant, that
// tell its former rows from others'. It has the columns of the history.
func RowsAsOf(table, begun string, same []string, at int, condition func(row string) string) string {
	columns := historyColumns[table]
	of := func(row, columns string) string {
		return fmt.Sprintf(`SELECT %[1]s.%[2]s FROM %[3]s %[1]s WHERE %[1]s.tenant_id = $1 AND %[4]s AND %[1]s.%[5]s <= $%[6]d`,
			row, columns, map[string]string{"c": table, "h": HistoryOf(table)}[row], condition(row), begun, at)
	}
	pairs := make([]string, len(same))
	equal := func(row string) string {
		for i, column := range same {
			pairs[i] = fmt.Sprintf("e.%[2]s = %[1]s.%[2]s", row, column)
		}
		return strings.Join(pairs, " AND ")
	}
	earlier := func(row string) string {
		return fmt.Sprintf(` AND NOT EXISTS (SELECT 1 FROM %s e WHERE e.tenant_id = $1 AND %s AND e.until > $%d`, HistoryOf(table), equal(row), at)
	}
	return `(` + of("c", strings.Join(columns, ", c.")) + earlier("c") + `)
		UNION ALL ` + of("h", strings.Join(columns, ", h.")) + fmt.Sprintf(` AND h.until > $%d`, at) + earlier("h") + ` AND e.until < h.until))`
}
