//go:build soak

package licensing_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle/worlds"
)

// soakHistory is how many random operations one tenant goes through.
const soakHistory = 100

// The protocol and the oracle go through long random histories: `make soak-rules` says how many.
// After each operation answers, previews by counting and by cases, rows, counters and everybody's
// plans agree, and verification finds nothing (R17).
func TestSoakProtocolAgreesWithTheOracleR17(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		var operations atomic.Int64
		began, told := time.Now(), time.Now()
		kinds, refusals := map[string]int{}, map[oracle.Code]int{}
		rapid.Check(t, func(rt *rapid.T) {
			h := newHistory(rt, p)
			var world worlds.World
			for _, op := range world.Start(rt) {
				h.step(rt, op)
			}
			for range soakHistory {
				world.Now = h.now
				op := world.Next(rt, h.state)
				want := h.step(rt, op)
				kinds[fmt.Sprintf("%T", op)]++
				refusals[want.Refusal]++
				for _, r := range want.Principals {
					refusals[r.Refusal]++
				}
				operations.Add(1)
			}
			h.step(rt, oracle.Reprocess{})
			if time.Since(told) > 10*time.Second {
				told = time.Now()
				fmt.Fprintf(os.Stderr, "%s: %d operations in %v\n", db.Dialect(), operations.Load(), time.Since(began).Round(time.Second))
			}
		})
		fmt.Fprintf(os.Stderr, "%s: %d operations in %v agree with the oracle and verify clean\n  kinds %v\n  answers %v\n",
			db.Dialect(), operations.Load(), time.Since(began).Round(time.Second), kinds, refusals)
	})
}
