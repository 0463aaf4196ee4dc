package vendorcsv

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/country"
)

// LocationColumns are the columns of the file of location rules. Allowed and Prohibited are
// lists of countries (ISO 3166-1 alpha-2, any letter case), separated by semicolons.
func LocationColumns() []string { return []string{planColumn, "Allowed", "Prohibited"} }

const (
	colAllowed = iota + 1
	colProhibited
)

// Locations is what a file of location rules says. No rule is a statement too: there are none.
type Locations struct {
	File  string
	Rules []Location // each plan once, in the order of the first row of each
}

// Location says where a plan may be used (R11): in the allowed countries and no other, where
// there are any, and never in the prohibited ones. Codes are in upper case and sorted; none is
// in both lists; one of the lists has one.
type Location struct {
	PlanID              uuid.UUID
	Lines               []int // of its rows, ascending
	Allowed, Prohibited []string
}

// ReadLocations reads the CSV of location rules. Rows of one plan are taken together: it is
// allowed, and prohibited, in the countries of all of them. A country that is both is
// prohibited. Everything repaired, skipped or odd is added to the report under the name file. A
// file with a header and no rows is valid: it withdraws every rule.
//
// Errors: *FileError for a file that is empty, lacks a column, has rows of which none is usable,
// has more than MaxFileBytes or MaxRows, or cannot be read.
func ReadLocations(r io.Reader, file string, report *Report) (*Locations, error) {
	t, err := openTable(r, file, LocationColumns(), report)
	if err != nil {
		return nil, err
	}
	rules, err := readRules(t, "location rule", t.addCountries)
	if err != nil {
		return nil, err
	}
	l := &Locations{File: file}
	for _, rows := range rules {
		l.Rules = append(l.Rules, t.settleLocation(rows))
	}
	return l, nil
}

// countries are the codes of a plan's rows, each with the line of its first one.
type countries struct{ allowed, prohibited map[string]int }

func (t *table) addCountries(rec record, rows *ruleRows[countries]) bool {
	allowed, badAllowed := t.countries(rec, colAllowed, rows.rule.allowed)
	prohibited, badProhibited := t.countries(rec, colProhibited, rows.rule.prohibited)
	if len(allowed)+len(prohibited) == 0 {
		found := "neither " + t.columns[colAllowed] + " nor " + t.columns[colProhibited] + " names a country"
		if bad := slices.Concat(badAllowed, badProhibited); len(bad) > 0 {
			found += ": " + list(bad)
		}
		t.skip(rec.line, KindNoCountry, found)
		return false
	}
	if len(badAllowed) > 0 && len(allowed) == 0 {
		t.repair(rec.line, KindNoCountry, t.columns[colAllowed]+" names no country", "the row allows the plan wherever it is not prohibited")
	}
	if rows.rule.allowed == nil {
		rows.rule = countries{map[string]int{}, map[string]int{}}
	}
	for _, code := range allowed {
		note(rows.rule.allowed, code, rec.line)
	}
	for _, code := range prohibited {
		note(rows.rule.prohibited, code, rec.line)
	}
	return true
}

func note(lines map[string]int, code string, line int) {
	if _, known := lines[code]; !known {
		lines[code] = line
	}
}

// countries reads a list of countries: their codes, and what is wrong with those that are left
// out. known are those that earlier rows have.
func (t *table) countries(rec record, column int, known map[string]int) (codes, bad []string) {
	var recased, repeated []string
	for _, item := range t.items(rec, column) {
		code, err := country.Parse(item)
		if err != nil {
			problem := strings.TrimSuffix(err.Message, ".")
			bad = append(bad, problem)
			t.repair(rec.line, KindUnknownCountry, t.columns[column]+": "+problem, "left out")
			continue
		}
		if code != item {
			recased = append(recased, item)
		}
		if _, there := known[code]; there || slices.Contains(codes, code) {
			repeated = append(repeated, code)
		}
		codes = append(codes, code)
	}
	t.recased(rec, column, recased, "read in upper case")
	t.repeated(rec, column, repeated)
	return codes, bad
}

// settleLocation decides what a plan's rows say together.
func (t *table) settleLocation(rows *ruleRows[countries]) Location {
	l := Location{PlanID: rows.plan, Lines: rows.lines, Prohibited: slices.Sorted(maps.Keys(rows.rule.prohibited))}
	var both []string
	line := 0
	for _, code := range slices.Sorted(maps.Keys(rows.rule.allowed)) {
		prohibited, is := rows.rule.prohibited[code]
		if !is {
			l.Allowed = append(l.Allowed, code)
			continue
		}
		both = append(both, code)
		line = max(line, prohibited, rows.rule.allowed[code])
	}
	if len(both) > 0 {
		done := "prohibited there"
		if len(l.Allowed) == 0 {
			done += "; no allowed country is left, so the plan is allowed wherever it is not prohibited"
		}
		t.add(line, KindAllowedAndProhibited, Repaired, fmt.Sprintf("plan %s is both allowed and prohibited in %s", rows.plan, list(both)), done)
	}
	return l
}
