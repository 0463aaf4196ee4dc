package vendorcsv

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Kind says what is odd about a row, a value or an object. The list is closed.
type Kind string

// The kinds of findings.
const (
	// KindByteOrderMark: the file begins with a byte order mark.
	KindByteOrderMark Kind = "byte-order-mark"
	// KindHeader: a column's name is written differently from what is documented.
	KindHeader Kind = "header"
	// KindExtraColumns: the header has columns that are not asked for; reported once.
	KindExtraColumns Kind = "extra-columns"
	// KindEmptyRow: a row of separators only.
	KindEmptyRow Kind = "empty-row"
	// KindShortRow: a row with fewer values than the header has columns.
	KindShortRow Kind = "short-row"
	// KindLongRow: a row with more values than the header has columns.
	KindLongRow Kind = "long-row"
	// KindOverlongRow: a row of more bytes than MaxRowBytes.
	KindOverlongRow Kind = "overlong-row"
	// KindQuotes: quotation marks that do not follow RFC 4180.
	KindQuotes Kind = "quotes"
	// KindBlanks: no-break spaces, tabs, line breaks, zero-width characters, repeated blanks
	// or padding around a value.
	KindBlanks Kind = "blanks"
	// KindControlCharacters: NUL or another control character within a value.
	KindControlCharacters Kind = "control-characters"
	// KindInvalidUTF8: bytes that are not UTF-8.
	KindInvalidUTF8 Kind = "invalid-utf-8"
	// KindOverlongValue: a value of more characters than MaxValueRunes.
	KindOverlongValue Kind = "overlong-value"
	// KindLetterCase: a UUID in upper or mixed case.
	KindLetterCase Kind = "letter-case"
	// KindMalformedUUID: an id that is no UUID, or is the nil UUID.
	KindMalformedUUID Kind = "malformed-uuid"
	// KindEmptyName: a name that a row leaves empty.
	KindEmptyName Kind = "empty-name"
	// KindNoPlan: a row that names no plan.
	KindNoPlan Kind = "no-plan"
	// KindDuplicatePair: a product and a plan that an earlier row pairs already, or a plan
	// that its exclusion set has already.
	KindDuplicatePair Kind = "duplicate-pair"
	// KindRowsApart: rows of one product that do not stand together; reported once per product.
	KindRowsApart Kind = "rows-apart"
	// KindProductNames: a product with several names or part numbers; reported once per product.
	KindProductNames Kind = "product-names"
	// KindPlanNames: a plan with several names; reported once per plan.
	KindPlanNames Kind = "plan-names"
	// KindSharedPartNumber: one part number for several products.
	KindSharedPartNumber Kind = "shared-part-number"
	// KindSharedPlanName: one service plan name for several plans.
	KindSharedPlanName Kind = "shared-plan-name"
	// KindProductAndPlan: one UUID that is both a product and a plan.
	KindProductAndPlan Kind = "product-and-plan"
	// KindSetNames: an exclusion set whose name is spelled in several ways.
	KindSetNames Kind = "set-names"
	// KindUnknownPlan: a rule names a plan that the catalogue lacks.
	KindUnknownPlan Kind = "unknown-plan"
	// KindRetiredPlan: a rule names a plan that has left the catalogue.
	KindRetiredPlan Kind = "retired-plan"
	// KindOtherName: an exclusion set calls a plan by a name that the catalogue does not use.
	KindOtherName Kind = "other-name"
	// KindSmallSet: an exclusion set with fewer than two known plans.
	KindSmallSet Kind = "small-set"
	// KindEmptyItem: a list with nothing between two separators, or after the last.
	KindEmptyItem Kind = "empty-item"
	// KindRepeatedItem: a list that names again what its plan's rule has already.
	KindRepeatedItem Kind = "repeated-item"
	// KindRowsMerged: a second row about one plan in a file of one rule per plan.
	KindRowsMerged Kind = "rows-merged"
	// KindNoAlternative: prerequisites of which none is a plan of the catalogue.
	KindNoAlternative Kind = "no-alternative"
	// KindNeverOn: prerequisites that are all automatic plans, which satisfy nothing (R7).
	KindNeverOn Kind = "never-on"
	// KindUnknownCountry: what is not an assigned code of ISO 3166-1 alpha-2.
	KindUnknownCountry Kind = "unknown-country"
	// KindNoCountry: a location rule, or its list of allowed countries, that names no country.
	KindNoCountry Kind = "no-country"
	// KindAllowedAndProhibited: a plan that is both in one country.
	KindAllowedAndProhibited Kind = "allowed-and-prohibited"
)

// Outcome says what became of what was found.
type Outcome string

// The outcomes of findings.
const (
	// Repaired: the row counts, with a value put right.
	Repaired Outcome = "repaired"
	// Skipped: the row, or the set, does not count.
	Skipped Outcome = "skipped"
	// Noted: everything counts as it stands; a person should know.
	Noted Outcome = "noted"
)

// MaxFindings is how many findings a report keeps in full. Those beyond it are counted by
// kind only, so that a file of nothing but dirt cannot exhaust the memory.
const MaxFindings = 100_000

// Finding is one oddity of a file: where it is, what was found and what was done.
type Finding struct {
	File    string
	Line    int // 1-based, as an editor shows it; where a row spans several lines, its first
	Kind    Kind
	Outcome Outcome
	Found   string
	Done    string
}

// FileSummary counts the rows of one file; the header is not a row.
type FileSummary struct {
	Name    string
	Rows    int // rows read, those skipped included
	Skipped int // rows that do not count
}

// Report collects what the files of one import needed; no two of them have one name. The zero
// Report is empty and ready.
type Report struct {
	files    []FileSummary
	findings []Finding
	counts   map[Kind]int
	outcomes map[Outcome]int
}

// Clone returns a report with the same findings, to which others can be added apart.
func (r *Report) Clone() *Report {
	return &Report{
		files: slices.Clone(r.files), findings: slices.Clone(r.findings),
		counts: maps.Clone(r.counts), outcomes: maps.Clone(r.outcomes),
	}
}

// Add records a finding.
func (r *Report) Add(f Finding) { r.add(f) }

// add records a finding and returns where it is kept, or -1 where it is only counted.
func (r *Report) add(f Finding) int {
	if r.counts == nil {
		r.counts, r.outcomes = map[Kind]int{}, map[Outcome]int{}
	}
	r.counts[f.Kind]++
	r.outcomes[f.Outcome]++
	if f.Outcome == Skipped && f.Kind != KindSmallSet { // a set is no row
		r.countSkipped(f.File)
	}
	if len(r.findings) == MaxFindings {
		return -1
	}
	r.findings = append(r.findings, f)
	return len(r.findings) - 1
}

func (r *Report) countSkipped(file string) {
	for i := range r.files {
		if r.files[i].Name == file {
			r.files[i].Skipped++
			return
		}
	}
}

// Files returns a summary of each file in the order in which they were read.
func (r *Report) Files() []FileSummary { return slices.Clone(r.files) }

// Count returns how many findings of a kind there were, those beyond MaxFindings included.
func (r *Report) Count(k Kind) int { return r.counts[k] }

// Outcomes returns how many findings had an outcome, those beyond MaxFindings included.
func (r *Report) Outcomes(o Outcome) int { return r.outcomes[o] }

// Total returns the number of findings, those beyond MaxFindings included.
func (r *Report) Total() int {
	n := 0
	for _, c := range r.counts {
		n += c
	}
	return n
}

// Findings returns the findings that were kept, at most MaxFindings, by file in the order of
// reading, then by line.
func (r *Report) Findings() []Finding {
	order := make(map[string]int, len(r.files))
	for i, f := range r.files {
		order[f.Name] = i
	}
	sorted := slices.Clone(r.findings)
	slices.SortStableFunc(sorted, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line))
	})
	return sorted
}

// Write prints the report for a person: rows per file, counts per kind, then every finding as
// FILE:LINE: KIND: what was found; what was done.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.files {
		fmt.Fprintf(&b, "%s: %s read, %d skipped\n", f.Name, count(f.Rows, "row"), f.Skipped)
	}
	if r.Total() == 0 {
		b.WriteString("nothing to repair\n")
		return flush(w, &b)
	}
	fmt.Fprintf(&b, "%s: %d repaired, %d skipped, %d noted\n", count(r.Total(), "finding"),
		r.outcomes[Repaired], r.outcomes[Skipped], r.outcomes[Noted])
	for _, k := range r.kinds() {
		fmt.Fprintf(&b, "%7d  %s\n", r.counts[k], k)
	}
	b.WriteByte('\n')
	for _, f := range r.Findings() {
		fmt.Fprintf(&b, "%s:%d: %s: %s; %s\n", f.File, f.Line, f.Kind, f.Found, f.Done)
	}
	if more := r.Total() - len(r.findings); more > 0 {
		fmt.Fprintf(&b, "and %d more, counted above\n", more)
	}
	return flush(w, &b)
}

// kinds returns the kinds found, the most frequent first.
func (r *Report) kinds() []Kind {
	kinds := make([]Kind, 0, len(r.counts))
	for k := range r.counts {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(r.counts[b], r.counts[a]), cmp.Compare(a, b))
	})
	return kinds
}

func flush(w io.Writer, b *strings.Builder) error {
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
