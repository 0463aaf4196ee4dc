package vendorcsv

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/textkey"
)

// ExclusionColumns are the columns of the file of exclusion sets.
func ExclusionColumns() []string {
	return []string{"Exclusion_Set", "Service_Plan_Name", "Service_Plan_Id"}
}

// The places of ExclusionColumns.
const (
	colSet = iota
	colMemberName
	colMemberID
)

// Exclusions is what a file of exclusion sets says. No sets is a statement too: there are none.
type Exclusions struct {
	File string
	Sets []ExclusionSet // in the order of the first row that names each
}

// ExclusionSet names plans of which a user may have at most one on (R9).
type ExclusionSet struct {
	Name    string
	Line    int      // of its first row
	Members []Member // each plan once; whether the catalogue has it is not known here
}

// Member is one plan of an exclusion set.
type Member struct {
	PlanID   uuid.UUID
	PlanName string // as the row has it, perhaps empty; the id alone decides
	Line     int
}

// ReadExclusions reads the CSV of exclusion sets. Names of sets that differ only in letter case
// are one set. Everything repaired, skipped or odd is added to the report under the name file.
// A file with a header and no rows is valid: it withdraws every set.
//
// Errors: *FileError for a file that is empty, lacks a column, has rows of which none is usable,
// has more than MaxFileBytes or MaxRows, or cannot be read.
func ReadExclusions(r io.Reader, file string, report *Report) (*Exclusions, error) {
	t, err := openTable(r, file, ExclusionColumns(), report)
	if err != nil {
		return nil, err
	}
	sets := &setBuilder{table: t, byKey: map[string]*setRows{}}
	for {
		rec, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		sets.read(rec)
	}
	if f := t.summaryOf(); f.Rows > 0 && f.Rows == f.Skipped {
		return nil, &FileError{File: file, Problem: fmt.Sprintf(
			"no exclusion set could be read from its %s; every set would be withdrawn", count(f.Rows, "row"))}
	}
	return &Exclusions{File: file, Sets: sets.settle()}, nil
}

type setBuilder struct {
	*table
	byKey map[string]*setRows
	order []*setRows
}

type setRows struct {
	line      int
	spellings tally
	members   []Member
	lines     map[uuid.UUID]int
}

func (b *setBuilder) read(rec record) {
	name := b.text(rec, colSet)
	if name == "" {
		b.skip(rec.line, KindEmptyName, b.columns[colSet]+" is empty")
		return
	}
	plan, err := b.id(rec, colMemberID)
	if err != nil {
		b.refuse(rec, err)
		return
	}
	m := Member{PlanID: plan, PlanName: b.text(rec, colMemberName), Line: rec.line}
	b.accept()
	s := b.set(name, rec.line)
	if first, ok := s.lines[plan]; ok {
		b.add(rec.line, KindDuplicatePair, Repaired,
			fmt.Sprintf("set %s has plan %s from line %d already", show(name), plan, first), "counted once")
		return
	}
	s.lines[plan] = rec.line
	s.members = append(s.members, m)
}

func (b *setBuilder) set(name string, line int) *setRows {
	key := textkey.Fold(name)
	s := b.byKey[key]
	if s == nil {
		s = &setRows{line: line, lines: map[uuid.UUID]int{}}
		b.byKey[key] = s
		b.order = append(b.order, s)
	}
	s.spellings.add(name, line)
	return s
}

func (b *setBuilder) settle() []ExclusionSet {
	var sets []ExclusionSet
	for _, s := range b.order {
		if line := s.spellings.second(); line > 0 {
			b.add(line, KindSetNames, Repaired, "one set is written "+s.spellings.show(), show(s.spellings.winner())+" kept")
		}
		sets = append(sets, ExclusionSet{Name: s.spellings.winner(), Line: s.line, Members: s.members})
	}
	return sets
}
