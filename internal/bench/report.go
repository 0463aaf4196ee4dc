package bench

import (
	"slices"
	"time"
)

// Report is what a run measured. Where there are rounds, a figure is the median of theirs, and a
// ratio is the median of the ratios within each round.
type Report struct {
	At          string   `json:"at"` // RFC 3339
	Machine     Machine  `json:"machine"`
	Users       int      `json:"users"`
	Groups      int      `json:"groups"`
	Seed        uint64   `json:"seed"`
	Connections int      `json:"connections"`
	Seconds     float64  `json:"seconds"` // of one measurement of a read
	Notes       []string `json:"notes,omitempty"`
	Failures    []string `json:"failures,omitempty"` // of writes, which have no row then
	Reads       []*Read  `json:"reads"`
	Writes      []*Write `json:"writes"`
	Memory      Memory   `json:"memory"`
	Disk        Disk     `json:"disk"`
	// Problems is how many the verification of R17 found at the end; nil where there was none.
	Problems *int `json:"problems,omitempty"`
}

// Machine is where it was measured.
type Machine struct {
	Cores           int    `json:"cores"`
	Go              string `json:"go"`
	System          string `json:"system"`
	Database        string `json:"database"`
	DatabaseVersion string `json:"databaseVersion"`
}

// Read is what was measured of a read.
type Read struct {
	Name string `json:"name"`
	ReadRound
	OfFloor float64     `json:"ofFloor"` // rate ÷ floor: pgbench's where there is one, else the driver's
	OfHTTP  float64     `json:"ofHTTP"`  // rate ÷ that of a handler that does nothing else
	OfStock float64     `json:"ofStock"` // rate ÷ that of stock execution
	OfOther float64     `json:"ofOther,omitempty"`
	Target  *Target     `json:"target,omitempty"`
	Rounds  []ReadRound `json:"rounds"`
}

// Write is what was measured of a write.
type Write struct {
	Name      string `json:"name"`
	Floor     string `json:"floor"`
	FloorRows int    `json:"floorRows"`
	WriteRound
	OfFloor float64      `json:"ofFloor"` // time ÷ the floor's
	Target  *Target      `json:"target,omitempty"`
	Rounds  []WriteRound `json:"rounds"`
}

// Target is a ratio, or more, that the program is held to.
type Target struct {
	Text string `json:"text"`
	Met  bool   `json:"met"`
}

// Memory is the serving process's, in bytes. Before and after are those of the writes.
type Memory struct {
	HeapBefore      uint64  `json:"heapBefore"`
	HeapAfter       uint64  `json:"heapAfter"`
	ResidentBefore  uint64  `json:"residentBefore"`
	ResidentAfter   uint64  `json:"residentAfter"`
	GraphLoadMicros float64 `json:"graphLoadMicros"` // 5,000 groups, 1,000 assignments and the catalogue
	GraphLoadTarget Target  `json:"graphLoadTarget"`
}

// Disk is what the database takes before the measurements, in bytes.
type Disk struct {
	Bytes        int64            `json:"bytes"`
	BytesPerUser float64          `json:"bytesPerUser"`
	Tables       map[string]int64 `json:"tables"` // with their indexes
}

func newReport(t *Tenant) *Report {
	return &Report{Users: t.Users, Groups: len(t.sizes), Seed: t.Seed, Reads: []*Read{}, Writes: []*Write{}}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// ratio is 0 where there is nothing to compare to.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func median[T any](rounds []T, value func(T) float64) float64 {
	all := make([]float64, len(rounds))
	for i, r := range rounds {
		all[i] = value(r)
	}
	slices.Sort(all)
	n := len(all)
	if n == 0 {
		return 0
	}
	return (all[(n-1)/2] + all[n/2]) / 2
}

func (w *Write) summary() *Write {
	of := func(value func(WriteRound) float64) float64 { return median(w.Rounds, value) }
	w.WriteRound = WriteRound{
		Micros:         of(func(r WriteRound) float64 { return r.Micros }),
		P99Micros:      of(func(r WriteRound) float64 { return r.P99Micros }),
		Statements:     of(func(r WriteRound) float64 { return r.Statements }),
		Allocations:    of(func(r WriteRound) float64 { return r.Allocations }),
		AllocatedBytes: of(func(r WriteRound) float64 { return r.AllocatedBytes }),
		HeapGrowth:     of(func(r WriteRound) float64 { return r.HeapGrowth }),
		Violations:     of(func(r WriteRound) float64 { return r.Violations }),
		FloorBefore:    of(func(r WriteRound) float64 { return r.FloorBefore }),
		FloorAfter:     of(func(r WriteRound) float64 { return r.FloorAfter }),
	}
	w.OfFloor = of(func(r WriteRound) float64 { return ratio(r.Micros, r.floor()) })
	return w
}
