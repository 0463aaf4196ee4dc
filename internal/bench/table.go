package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Write prints the report as tables.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, %s users in %s groups; %d cores, %s, %s; %s\n", r.Machine.Database, r.Machine.DatabaseVersion,
		grouped(float64(r.Users)), grouped(float64(r.Groups)), r.Machine.Cores, r.Machine.Go, r.Machine.System, r.At)
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "%s\n", note)
	}
	if len(r.Reads) > 0 {
		fmt.Fprintf(&b, "\nReads over HTTP, %d connections\n", r.Connections)
		table(&b, r.readRows())
	}
	if len(r.Writes) > 0 {
		b.WriteString("\nWrites over HTTP\n")
		table(&b, r.writeRows())
	}
	for _, failure := range r.Failures {
		fmt.Fprintf(&b, "failed: %s\n", failure)
	}
	b.WriteString("\n")
	table(&b, r.otherRows())
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) readRows() [][]string {
	rows := [][]string{{"read", "p50", "p99", "per second", "statements", "allocs", "allocated", "answer", "driver floor", "pgbench floor", "http floor", "of floor", "of http", "of stock", "of other", "target", "met"}}
	for _, x := range r.Reads {
		rows = append(rows, append([]string{
			x.Name, duration(x.P50Micros), duration(x.P99Micros), grouped(x.Rate), fmt.Sprintf("%.2f", x.Statements),
			grouped(x.Allocations), size(x.AllocatedBytes), size(x.AnswerBytes),
			grouped(x.DriverFloor), orNone(x.PgbenchFloor, grouped), grouped(x.HTTPFloor), times(x.OfFloor), times(x.OfHTTP), times(x.OfStock), orNone(x.OfOther, times),
		}, x.Target.cells()...))
	}
	return rows
}

func (r *Report) writeRows() [][]string {
	rows := [][]string{{"write", "p50", "p99", "statements", "allocs", "allocated", "heap growth", "violations", "floor", "floor's time", "of floor", "target", "met"}}
	for _, x := range r.Writes {
		rows = append(rows, append([]string{
			x.Name, duration(x.Micros), orNone(x.P99Micros, duration), fmt.Sprintf("%.0f", x.Statements), grouped(x.Allocations),
			size(x.AllocatedBytes), size(x.HeapGrowth), fmt.Sprintf("%+.0f", x.Violations),
			fmt.Sprintf("%s × %s", x.Floor, grouped(float64(x.FloorRows))), duration(x.floor()), times(x.OfFloor),
		}, x.Target.cells()...))
	}
	return rows
}

func (r *Report) otherRows() [][]string {
	rows := [][]string{
		{"load a graph of 5,000 groups and 1,000 assignments", duration(r.Memory.GraphLoadMicros), r.Memory.GraphLoadTarget.Text, r.Memory.GraphLoadTarget.met()},
		{"on disk", size(float64(r.Disk.Bytes)) + ", " + size(r.Disk.BytesPerUser) + " per user", "", ""},
	}
	if m := r.Memory; m.HeapAfter > 0 {
		rows = append(rows,
			[]string{"heap in use before and after the writes", size(float64(m.HeapBefore)) + ", " + size(float64(m.HeapAfter)), "", ""},
			[]string{"resident before and after the writes", size(float64(m.ResidentBefore)) + ", " + size(float64(m.ResidentAfter)), "", ""})
	}
	if r.Problems != nil {
		rows = append(rows, []string{"verify (R17) at the end", fmt.Sprintf("%d problems", *r.Problems), "", ""})
	}
	return rows
}

func (t *Target) met() string {
	if t.Met {
		return "yes"
	}
	return "NO"
}

func (t *Target) cells() []string {
	if t == nil {
		return []string{"", ""}
	}
	return []string{t.Text, t.met()}
}

// table aligns rows, the first column to the left.
func table(b *strings.Builder, rows [][]string) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	_ = w.Flush() // a Builder does not fail
}

func orNone(v float64, text func(float64) string) string {
	if v == 0 {
		return "–"
	}
	return text(v)
}

func times(v float64) string { return fmt.Sprintf("%.2f ×", v) }

// grouped is a whole number with commas.
func grouped(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func duration(micros float64) string {
	switch {
	case micros >= 1e6:
		return fmt.Sprintf("%.2f s", micros/1e6)
	case micros >= 1e3:
		return fmt.Sprintf("%.2f ms", micros/1e3)
	}
	return fmt.Sprintf("%.0f µs", micros)
}

func size(bytes float64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.2f GiB", bytes/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", bytes/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", bytes/(1<<10))
	}
	return fmt.Sprintf("%.0f B", bytes)
}
