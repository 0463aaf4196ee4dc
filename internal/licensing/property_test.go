package licensing_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle/worlds"
)

// The protocol, on a database, and the oracle, in memory, go through the same random
// histories and agree on every state, every answer and every preview (R1–R6, R8, R9, R12–R17,
// R19, R23, R25, R26).
func TestProtocolAgreesWithTheOracleOnRandomHistories(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			p.reset(rt)
			var world worlds.World
			s, now := oracle.New(), int64(0)
			step := func(op oracle.Operation) {
				now++
				op = known(op)
				before := s.Clone()
				want := op.Apply(s, now)
				previewed, preview, err := p.apply(t.Context(), op, now, before, s, want, true)
				if err != nil {
					rt.Fatalf("dry run of %#v: %v", op, err)
				}
				got, out, err := p.apply(t.Context(), op, now, before, s, want, false)
				if err != nil {
					rt.Fatalf("%#v: %v", op, err)
				}
				if got.Changed != want.Changed || got.Refusal != want.Refusal {
					rt.Fatalf("%#v\n  answers %+v\n  want    %+v", op, got, want)
				}
				if want.Principals != nil && !reflect.DeepEqual(got.Principals, want.Principals) {
					rt.Fatalf("%#v\n  answers %+v\n  want    %+v", op, got.Principals, want.Principals)
				}
				if !reflect.DeepEqual(previewed, got) {
					rt.Fatalf("%#v\n  previews %+v\n  answers  %+v", op, previewed, got)
				}
				if preview != nil && out != nil {
					samePreview(rt, preview.Impact, out.Impact)
				}
				if err := p.compare(t.Context(), s); err != nil {
					rt.Fatalf("after %#v: %v", op, err)
				}
			}
			for _, op := range world.Start(rt) {
				step(op)
			}
			for range rapid.IntRange(1, 20).Draw(rt, "operations") {
				step(world.Next(rt, s))
			}
			step(oracle.Reprocess{})
		})
	})
}
