package vendorcsv

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

// table reads a file as rows of named columns: it finds the columns by the header, cleans the
// values, and reports what it had to put right.
type table struct {
	rows    *rowReader
	report  *Report
	file    string
	columns []string
	header  []string // the names of the file's columns, clean
	at      []int    // place in the file of each column
	summary int      // index of the file's summary in the report

	pending []Finding // repairs of the present row: reported if it counts
}

// record is one row: its values, still raw, in the order of the table's columns, and how many
// values more than the header (less, where negative) the row has.
type record struct {
	line    int
	values  []string
	surplus int
}

// openTable reads the header. Columns may stand in any order and in any letter case, and others
// may stand among them.
//
// Errors: *FileError for a file that is empty, is not UTF-8 text, or lacks a column.
func openTable(r io.Reader, file string, columns []string, report *Report) (*table, error) {
	rows, err := newRowReader(r, file)
	if err != nil {
		return nil, err
	}
	header, err := rows.next()
	if errors.Is(err, io.EOF) {
		return nil, &FileError{File: file, Problem: "the file is empty; " + expected(columns)}
	}
	if err != nil {
		return nil, err
	}
	if header.overlong {
		return nil, &FileError{File: file, Line: header.line, Problem: "the first row is too long for a header; " + expected(columns)}
	}
	t := &table{rows: rows, report: report, file: file, columns: columns, summary: len(report.files)}
	report.files = append(report.files, FileSummary{Name: file})
	if err := t.readHeader(header); err != nil {
		return nil, err
	}
	rows.width = len(header.values)
	return t, nil
}

func (t *table) readHeader(header row) error {
	if t.rows.bom {
		t.add(1, KindByteOrderMark, Repaired, "the file begins with a byte order mark", "left out")
	}
	t.at = make([]int, len(t.columns))
	for i := range t.at {
		t.at[i] = -1
	}
	var extra []string
	for place, value := range header.values {
		name := Clean(value)
		t.header = append(t.header, name)
		i := t.columnNamed(name)
		switch {
		case i < 0:
			extra = append(extra, show(name))
		case t.at[i] >= 0:
			return &FileError{File: t.file, Line: header.line,
				Problem: fmt.Sprintf("the header has the column %s twice; %s", t.columns[i], expected(t.columns))}
		default:
			t.at[i] = place
			if value != t.columns[i] {
				t.add(header.line, KindHeader, Repaired, "column "+show(value), "read as "+t.columns[i])
			}
		}
	}
	var missing []string
	for i, place := range t.at {
		if place < 0 {
			missing = append(missing, t.columns[i])
		}
	}
	if len(missing) > 0 {
		return &FileError{File: t.file, Line: header.line, Problem: fmt.Sprintf("the header lacks %s; %s%s",
			strings.Join(missing, ", "), expected(t.columns), separatorHint(header.values))}
	}
	if len(extra) > 0 {
		t.add(header.line, KindExtraColumns, Noted, "columns that are not asked for: "+list(extra), "ignored in every row")
	}
	return nil
}

func (t *table) columnNamed(name string) int {
	for i, c := range t.columns {
		if strings.EqualFold(c, name) {
			return i
		}
	}
	return -1
}

func expected(columns []string) string {
	return "expected a header with the columns " + strings.Join(columns, ",") + " (in any order)"
}

func separatorHint(header []string) string {
	if len(header) != 1 {
		return ""
	}
	for _, s := range []struct{ mark, name string }{{";", "semicolons"}, {"\t", "tabs"}, {"|", "bars"}} {
		if strings.Contains(header[0], s.mark) {
			return "; this file separates columns by " + s.name + ", not by commas"
		}
	}
	return ""
}

// next returns the next row that has something in it, or io.EOF. Rows that are too long or
// empty are reported and passed over.
//
// Errors: *FileError for a file that is too large, has too many rows or cannot be read.
func (t *table) next() (record, error) {
	for {
		r, err := t.rows.next()
		if err != nil {
			return record{}, err
		}
		if t.summaryOf().Rows == MaxRows {
			return record{}, &FileError{File: t.file, Line: r.line, Problem: fmt.Sprintf("the file has more than %d rows, which no catalogue has", MaxRows)}
		}
		t.report.files[t.summary].Rows++
		switch {
		case r.overlong:
			t.skip(r.line, KindOverlongRow, fmt.Sprintf("the row is longer than %d KiB", MaxRowBytes>>10))
		case allEmpty(r.values):
			t.skip(r.line, KindEmptyRow, "the row has separators only")
		default:
			return t.pick(r), nil
		}
	}
}

// pick puts the values of a row into the order of the columns. What a short row lacks is empty.
func (t *table) pick(r row) record {
	t.pending = t.pending[:0]
	if r.quotes != "" {
		t.repair(r.line, KindQuotes, "misplaced quotation mark, "+r.quotes, "read leniently")
	}
	rec := record{line: r.line, values: make([]string, len(t.columns)), surplus: len(r.values) - t.rows.width}
	for i, place := range t.at {
		if place < len(r.values) {
			rec.values[i] = r.values[place]
		}
	}
	switch {
	case rec.surplus < 0:
		t.repair(r.line, KindShortRow, t.widthOf(rec), "what is missing is taken as empty")
	case rec.surplus > 0:
		t.repair(r.line, KindLongRow, t.widthOf(rec), "the values beyond the header are ignored")
	}
	return rec
}

func (t *table) widthOf(rec record) string {
	return fmt.Sprintf("%s where the header has %d", count(t.rows.width+rec.surplus, "value"), t.rows.width)
}

// text returns the clean value of a column.
func (t *table) text(rec record, column int) string {
	clean, kinds := tidy(rec.values[column])
	for _, k := range kinds {
		t.repair(rec.line, k, t.columns[column]+" is "+show(rec.values[column]), repairOf(k))
	}
	return clean
}

// id reads the value of a column as a UUID.
func (t *table) id(rec record, column int) (uuid.UUID, error) {
	clean := t.text(rec, column)
	u, err := parseUUID(clean)
	if err != nil {
		return uuid.Nil, fmt.Errorf("%s %w", t.columns[column], err)
	}
	if u.String() != clean {
		t.repair(rec.line, KindLetterCase, t.columns[column]+" is "+clean, "read in lower case")
	}
	return u, nil
}

func repairOf(k Kind) string {
	switch k {
	case KindControlCharacters:
		return "control characters left out"
	case KindInvalidUTF8:
		return "what is not UTF-8 became U+FFFD"
	case KindOverlongValue:
		return fmt.Sprintf("cut at %d characters", MaxValueRunes)
	case KindEmptyItem:
		return "empty items left out"
	}
	return "blanks put right"
}

func (t *table) repair(line int, kind Kind, found, done string) {
	t.pending = append(t.pending, Finding{File: t.file, Line: line, Kind: kind, Outcome: Repaired, Found: found, Done: done})
}

// accept reports the repairs of the present row.
func (t *table) accept() {
	for _, f := range t.pending {
		t.report.add(f)
	}
}

// refuse reports that the present row does not count because of an id, and nothing else about
// it. It returns where the finding is kept, or -1.
func (t *table) refuse(rec record, problem error) int {
	switch {
	case rec.surplus < 0:
		return t.skip(rec.line, KindShortRow, t.widthOf(rec)+"; "+problem.Error())
	case rec.surplus > 0:
		return t.skip(rec.line, KindLongRow, t.widthOf(rec)+" (a comma without quotation marks?); "+problem.Error())
	}
	return t.skip(rec.line, KindMalformedUUID, problem.Error())
}

// skip reports a row that does not count and returns where the finding is kept, or -1.
func (t *table) skip(line int, kind Kind, found string) int {
	return t.add(line, kind, Skipped, found, "row skipped")
}

func (t *table) add(line int, kind Kind, outcome Outcome, found, done string) int {
	return t.report.add(Finding{File: t.file, Line: line, Kind: kind, Outcome: outcome, Found: found, Done: done})
}

func (t *table) summaryOf() FileSummary { return t.report.files[t.summary] }

func allEmpty(values []string) bool {
	for _, v := range values {
		if strings.TrimFunc(v, textkey.IsPadding) != "" {
			return false
		}
	}
	return true
}

// list joins what is shown, at most five of it.
func list(items []string) string {
	const most = 5
	if len(items) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
	}
	return strings.Join(items, ", ")
}
