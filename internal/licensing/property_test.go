package licensing_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/licensing"
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
				previews := map[*licensing.Service]string{}
				var answers []oracle.Outcome
				run := func(service *licensing.Service, dryRun bool) (oracle.Outcome, string) {
					p.service = service
					got, out, err := p.apply(rt.Context(), op, now, before, s, want, dryRun)
					if err != nil {
						rt.Fatalf("dry run %v of %#v: %v", dryRun, op, err)
					}
					if out == nil {
						return got, ""
					}
					return got, told(rt, out.Impact)
				}
				for _, service := range []*licensing.Service{p.counts, p.byCases} {
					var answer oracle.Outcome
					answer, previews[service] = run(service, true)
					answers = append(answers, answer)
				}
				apply := p.counts
				if now%2 == 0 {
					apply = p.byCases
				}
				got, impact := run(apply, false)
				if a, b := previews[p.counts], previews[p.byCases]; a != b || a != impact {
					rt.Fatalf("%#v\n  counted  %s\n  by cases %s\n  applied  %s", op, a, b, impact)
				}
				if got.Changed != want.Changed || got.Refusal != want.Refusal {
					rt.Fatalf("%#v\n  answers %+v\n  want    %+v", op, got, want)
				}
				if want.Principals != nil && !reflect.DeepEqual(got.Principals, want.Principals) {
					rt.Fatalf("%#v\n  answers %+v\n  want    %+v", op, got.Principals, want.Principals)
				}
				for _, previewed := range answers {
					if !reflect.DeepEqual(previewed, got) {
						rt.Fatalf("%#v\n  previews %+v\n  answers  %+v", op, previewed, got)
					}
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
