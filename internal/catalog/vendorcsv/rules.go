package vendorcsv

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// planColumn names the plan of a rule in every file of rules.
const planColumn = "Service_Plan_Id"

// separator stands between the items of a list in one value.
const separator = ";"

// ruleRows are the rows of a file of rules about one plan: rule is what they say together.
type ruleRows[T any] struct {
	plan  uuid.UUID
	lines []int
	rule  T
}

// readRules reads a table in which each row says something about the plan in its first column.
// Rows of one plan say it together, wherever they stand. add takes in one row and tells whether
// it says anything; what is wrong with it is for add to report, and so is a row that it skips.
//
// Errors: those of table.next; *FileError where rows are there and none is usable: it would
// withdraw every rule.
func readRules[T any](t *table, kind string, add func(rec record, rows *ruleRows[T]) bool) ([]*ruleRows[T], error) {
	byPlan := map[uuid.UUID]*ruleRows[T]{}
	var order []*ruleRows[T]
	for {
		rec, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		plan, err := t.id(rec, 0)
		if err != nil {
			t.refuse(rec, err)
			continue
		}
		rows := byPlan[plan]
		if rows == nil {
			rows = &ruleRows[T]{plan: plan}
		}
		if !add(rec, rows) {
			continue
		}
		t.accept()
		if len(rows.lines) > 0 {
			t.add(rec.line, KindRowsMerged, Repaired, fmt.Sprintf("plan %s has a row on line %d already", plan, rows.lines[0]), "taken together")
		} else {
			byPlan[plan] = rows
			order = append(order, rows)
		}
		rows.lines = append(rows.lines, rec.line)
	}
	if f := t.summaryOf(); f.Rows > 0 && f.Rows == f.Skipped {
		return nil, &FileError{File: t.file, Problem: fmt.Sprintf(
			"no %s could be read from its %s; every %s would be withdrawn", kind, count(f.Rows, "row"), kind)}
	}
	return order, nil
}

// items returns the clean items of a list, in their order. Empty ones are left out.
func (t *table) items(rec record, column int) []string {
	value := rec.values[column]
	if clean, _ := tidy(value); clean == "" {
		return nil
	}
	var items []string
	var dirt []Kind
	for part := range strings.SplitSeq(value, separator) {
		clean, kinds := tidy(part)
		for _, k := range kinds {
			if !slices.Contains(dirt, k) {
				dirt = append(dirt, k)
			}
		}
		if clean != "" {
			items = append(items, clean)
		} else if !slices.Contains(dirt, KindEmptyItem) {
			dirt = append(dirt, KindEmptyItem)
		}
	}
	for _, k := range dirt {
		t.repair(rec.line, k, t.columns[column]+" is "+show(value), repairOf(k))
	}
	return items
}

// recased reports items that were read in another letter case than they are written in.
func (t *table) recased(rec record, column int, items []string, done string) {
	if len(items) > 0 {
		t.repair(rec.line, KindLetterCase, t.columns[column]+" has "+list(items), done)
	}
}

// repeated reports items that are there already.
func (t *table) repeated(rec record, column int, items []string) {
	if len(items) > 0 {
		t.repair(rec.line, KindRepeatedItem, t.columns[column]+" has "+list(items)+" again", "counted once")
	}
}
