package vendorcsv

import (
	"io"

	"github.com/google/uuid"
)

// DependencyColumns are the columns of the file of prerequisites. Requires_Any_Of is a list of
// service plan ids, separated by semicolons.
func DependencyColumns() []string { return []string{planColumn, "Requires_Any_Of"} }

const colRequires = 1

// Dependencies is what a file of prerequisites says. No rule is a statement too: there are none.
type Dependencies struct {
	File  string
	Rules []Dependency // each plan once, in the order of the first row of each
}

// Dependency says that a plan needs any one of others (R10).
type Dependency struct {
	PlanID uuid.UUID
	Lines  []int         // of its rows, ascending
	AnyOf  []Alternative // one or more, each plan once; whether the catalogue has it is not known here
}

// Alternative is a plan that satisfies a Dependency. That it is the dependent plan itself is a
// contradiction, and not for this package to judge.
type Alternative struct {
	PlanID uuid.UUID
	Line   int
}

// ReadDependencies reads the CSV of prerequisites. Rows of one plan are taken together: any one
// of all their plans will do. Everything repaired, skipped or odd is added to the report under
// the name file. A file with a header and no rows is valid: it withdraws every rule.
//
// Errors: *FileError for a file that is empty, lacks a column, has rows of which none is usable,
// has more than MaxFileBytes or MaxRows, or cannot be read.
func ReadDependencies(r io.Reader, file string, report *Report) (*Dependencies, error) {
	t, err := openTable(r, file, DependencyColumns(), report)
	if err != nil {
		return nil, err
	}
	rules, err := readRules(t, "prerequisite", t.addAlternatives)
	if err != nil {
		return nil, err
	}
	d := &Dependencies{File: file}
	for _, rows := range rules {
		d.Rules = append(d.Rules, Dependency{PlanID: rows.plan, Lines: rows.lines, AnyOf: rows.rule.plans})
	}
	return d, nil
}

// alternatives are the plans of a plan's rows, in their order, and each with its line.
type alternatives struct {
	plans []Alternative
	lines map[uuid.UUID]int
}

func (t *table) addAlternatives(rec record, rows *ruleRows[alternatives]) bool {
	plans, bad := t.planList(rec, colRequires)
	if len(plans) == 0 {
		found := t.columns[colRequires] + " names no plan"
		if len(bad) > 0 {
			found += ": " + list(bad)
		}
		t.skip(rec.line, KindNoAlternative, found)
		return false
	}
	if rows.rule.lines == nil {
		rows.rule.lines = map[uuid.UUID]int{}
	}
	var repeated []string
	for _, plan := range plans {
		if _, there := rows.rule.lines[plan]; there {
			repeated = append(repeated, plan.String())
			continue
		}
		rows.rule.lines[plan] = rec.line
		rows.rule.plans = append(rows.rule.plans, Alternative{PlanID: plan, Line: rec.line})
	}
	t.repeated(rec, colRequires, repeated)
	return true
}

// planList reads a list of plans, and what is wrong with those that are left out.
func (t *table) planList(rec record, column int) (plans []uuid.UUID, bad []string) {
	var recased []string
	for _, item := range t.items(rec, column) {
		plan, err := parseUUID(item)
		if err != nil {
			bad = append(bad, err.Error())
			t.repair(rec.line, KindMalformedUUID, t.columns[column]+": "+err.Error(), "left out")
			continue
		}
		if plan.String() != item {
			recased = append(recased, item)
		}
		plans = append(plans, plan)
	}
	t.recased(rec, column, recased, "read in lower case")
	return plans, bad
}
