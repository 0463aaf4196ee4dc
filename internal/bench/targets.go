package bench

import (
	"fmt"
	"time"

	"github.com/licensegraph/licensegraph/internal/database"
)

// What the program is held to, on PostgreSQL where nothing else is said.
const (
	leastUserOfFloor = 0.5
	leastPageOfStock = 4.0
	leastPageRate    = 1_400.0
	leastOfOther     = 0.8 // SQLite's rates to PostgreSQL's
	mostGraphLoad    = 50 * time.Millisecond
)

// mostOfFloor is how many times as long as its floor a write may take.
var mostOfFloor = map[string]float64{writeMember: 3, writeEverybody: 0.7, writeRemove: 0.1, writeShared: 2.5, writeHeal: 3}

func (r *Report) postgres() bool { return r.Machine.Database == string(database.Postgres) }

func (r *Report) judgeReads() {
	var user float64
	for _, x := range r.Reads {
		if x.Name == readUser {
			user = x.Rate
		}
	}
	for _, x := range r.Reads {
		switch {
		case !r.postgres():
		case x.Name == readUser:
			x.Target = &Target{fmt.Sprintf("≥ %.1f × floor", leastUserOfFloor), x.OfFloor >= leastUserOfFloor}
		case x.Name == readCheck && user > 0:
			x.Target = &Target{"≥ " + readUser, x.Rate >= user}
		case x.Name == readPage:
			x.Target = &Target{
				fmt.Sprintf("≥ %.0f × stock, ≥ %.0f/s", leastPageOfStock, leastPageRate),
				x.OfStock >= leastPageOfStock && x.Rate >= leastPageRate,
			}
		}
	}
}

func (r *Report) judgeWrites() {
	for _, w := range r.Writes {
		if most, ok := mostOfFloor[w.Name]; ok && r.postgres() {
			w.Target = &Target{fmt.Sprintf("≤ %g × floor", most), w.OfFloor <= most}
		}
	}
}

// CompareTo sets the reads beside those of a run on the other database, and holds SQLite's to
// PostgreSQL's.
func (r *Report) CompareTo(other *Report) {
	rates := map[string]float64{}
	for _, x := range other.Reads {
		rates[x.Name] = x.Rate
	}
	for _, x := range r.Reads {
		x.OfOther = ratio(x.Rate, rates[x.Name])
		if r.postgres() || !other.postgres() || x.OfOther == 0 {
			continue
		}
		least, text := leastOfOther, fmt.Sprintf("≥ %.1f × PostgreSQL", leastOfOther)
		if x.Name == readUser {
			least, text = 1, "≥ PostgreSQL"
		}
		x.Target = &Target{text, x.OfOther >= least}
	}
}
