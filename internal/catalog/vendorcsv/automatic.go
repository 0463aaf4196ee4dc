package vendorcsv

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// AutomaticColumns is the column of the file of automatic plans.
func AutomaticColumns() []string { return []string{planColumn} }

// Automatic is what a file of automatic plans says. No plan is a statement too: there are none.
type Automatic struct {
	File  string
	Plans []AutomaticPlan // each once, in the order of the first row of each
}

// AutomaticPlan is a plan that comes to everybody and takes part in no check (R7).
type AutomaticPlan struct {
	PlanID uuid.UUID
	Lines  []int // of its rows, ascending
}

// ReadAutomatic reads the CSV of automatic plans. Everything repaired, skipped or odd is added to
// the report under the name file. A file with a header and no rows is valid: it withdraws every
// mark.
//
// Errors: *FileError for a file that is empty, lacks the column, is a file of another kind, has
// rows of which none is usable, has more than MaxFileBytes or MaxRows, or cannot be read.
func ReadAutomatic(r io.Reader, file string, report *Report) (*Automatic, error) {
	t, err := openTable(r, file, AutomaticColumns(), report)
	if err != nil {
		return nil, err
	}
	if other := t.otherKind(); other != "" {
		return nil, &FileError{File: file, Problem: fmt.Sprintf(
			"the header is that of a file of %s; every plan in it would become automatic", other)}
	}
	rules, err := readRules(t, "automatic plan", func(record, *ruleRows[struct{}]) bool { return true })
	if err != nil {
		return nil, err
	}
	a := &Automatic{File: file}
	for _, rows := range rules {
		a.Plans = append(a.Plans, AutomaticPlan{PlanID: rows.plan, Lines: rows.lines})
	}
	return a, nil
}

// otherKind names the kind of file whose header this one has. Every other kind has the one
// column that is asked for here, too.
func (t *table) otherKind() string {
	for _, kind := range []struct {
		name    string
		columns []string
	}{
		{"products", ProductColumns()}, {"exclusion sets", ExclusionColumns()},
		{"prerequisites", DependencyColumns()}, {"location rules", LocationColumns()},
	} {
		if !slices.ContainsFunc(kind.columns, func(c string) bool { return !t.has(c) }) {
			return kind.name
		}
	}
	return ""
}

func (t *table) has(column string) bool {
	return slices.ContainsFunc(t.header, func(name string) bool { return strings.EqualFold(name, column) })
}
