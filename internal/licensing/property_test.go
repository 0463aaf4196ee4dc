package licensing_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle/worlds"
)

// The protocol, on a database, and the oracle, in memory, go through the same random
// histories and agree on every state, every answer and every preview (R1–R6, R8, R9, R12–R17,
// R19, R23, R25, R26); and what was answered at an instant is what is answered as
// of it later, and what impacts told is what timelines tell.
func TestProtocolAgreesWithTheOracleOnRandomHistories(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			h := newHistory(rt, p)
			var world worlds.World
			for _, op := range world.Start(rt) {
				h.step(rt, op)
			}
			for range rapid.IntRange(1, 20).Draw(rt, "operations") {
				world.Now = h.now
				h.step(rt, world.Next(rt, h.state))
			}
			h.step(rt, oracle.Reprocess{})
			h.recall(rt)
			h.retrace(rt)
		})
	})
}

// Where products take part in no rule but seats, changes of groups and seats are settled by
// counting: lines that are cut, jumped and healed come out as by cases (R5, R8, R13).
func TestCountingAgreesWithCasesOnRandomLines(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			h := newHistory(rt, p)
			skus := []uuid.UUID{numbered(0x91, 1), numbered(0x17, 2)}
			plans := oracle.SetOf(numbered(2, 1), numbered(2, 2))
			h.step(rt, oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{skus[0]: plans, skus[1]: plans}})
			var users, groups []uuid.UUID
			for n := range 9 {
				users = append(users, numbered(byte(0x30+(n*67)%100), n))
				h.step(rt, oracle.CreateUser{User: users[n], Location: "NL"})
			}
			pick := func(label string, ids []uuid.UUID) []uuid.UUID {
				return rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 5, rapid.ID[uuid.UUID]).Draw(rt, label)
			}
			for n := range 4 {
				groups = append(groups, numbered(byte(0x20+(n*41)%100), n))
				h.step(rt, oracle.CreateGroup{Group: groups[n], Members: pick("members", users)})
			}
			seats := func() *int {
				n := rapid.IntRange(0, 6).Draw(rt, "seats")
				return &n
			}
			h.step(rt, oracle.UpdateTenant{Country: "NL", LossThreshold: rapid.IntRange(0, 4).Draw(rt, "threshold")})
			acknowledge := func() *int {
				n := rapid.IntRange(-2, 9).Draw(rt, "acknowledge")
				if n < 0 {
					return nil
				}
				return &n
			}
			prioritised := rapid.Bool().Draw(rt, "priorities") // else everything can be counted
			priority := func() *int {
				if !prioritised {
					return nil
				}
				n := rapid.IntRange(-1, 1).Draw(rt, "priority")
				return &n
			}
			limiting := rapid.Bool().Draw(rt, "limits")
			limit := func() *int {
				if !limiting {
					return nil
				}
				n := rapid.IntRange(-1, 4).Draw(rt, "limit")
				return &n
			}
			reserve := func() *int {
				n := rapid.IntRange(-2, 3).Draw(rt, "reserve")
				if !limiting || n < 0 {
					return nil
				}
				return &n
			}
			excluding := rapid.Bool().Draw(rt, "exclusions")
			exclude := func(by uuid.UUID) []uuid.UUID {
				if !excluding {
					return nil
				}
				other := rapid.SampledFrom(groups).Draw(rt, "excluded")
				if other == by {
					return []uuid.UUID{}
				}
				return []uuid.UUID{other}
			}
			subscriptions := []uuid.UUID{numbered(6, 1), numbered(6, 2)}
			for n, sku := range skus {
				h.step(rt, oracle.CreateSubscription{Subscription: subscriptions[n], Product: sku, Seats: seats()})
			}
			date := func(label string) *oracle.Date { // now and then a near one
				n := rapid.IntRange(-6, 6).Draw(rt, label)
				if n < 1 {
					return nil
				}
				return &oracle.Date{At: h.now + 1 + int64(n)}
			}
			for range rapid.IntRange(3, 14).Draw(rt, "operations") {
				group, other := rapid.SampledFrom(groups).Draw(rt, "group"), rapid.SampledFrom(groups).Draw(rt, "other")
				sku, sub := rapid.SampledFrom(skus).Draw(rt, "product"), rapid.SampledFrom(subscriptions).Draw(rt, "subscription")
				var op oracle.Operation
				switch rapid.IntRange(0, 12).Draw(rt, "kind") {
				case 0, 1, 2:
					op = oracle.Assign{Principals: []uuid.UUID{group}, Add: []oracle.Add{{Product: sku, StartsAt: date("start"), EndsAt: date("end"), Priority: priority(), Exclude: exclude(group), SeatLimit: limit(), SeatReserve: reserve()}}}
				case 3, 4:
					op = oracle.Assign{Principals: []uuid.UUID{group, other}, Remove: []uuid.UUID{sku}, Acknowledge: acknowledge()}
				case 5:
					op = oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: group, Add: []uuid.UUID{other}}}}
				case 6:
					op = oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: group, Remove: groups}}, Acknowledge: acknowledge()}
				case 7:
					op = oracle.Assign{Principals: pick("users", users), Add: []oracle.Add{{Product: sku, StartsAt: date("start"), EndsAt: date("end"), Priority: priority()}}}
				case 8:
					op = oracle.UpdateSubscription{Subscription: sub, Seats: seats(), AllowOverAllocation: true}
				case 9:
					op = oracle.DeleteUser{User: rapid.SampledFrom(users).Draw(rt, "user"), Acknowledge: acknowledge()}
				case 10:
					op = oracle.Assign{Principals: []uuid.UUID{group, other}, Add: []oracle.Add{{Product: skus[0], StartsAt: date("start"), Priority: priority()}}, Remove: skus[1:], Acknowledge: acknowledge()}
				case 11, 12:
					op = oracle.Due{}
				}
				h.step(rt, op)
			}
			h.recall(rt)
			h.retrace(rt)
		})
	})
}

// history is the product and the oracle going through the same operations.
type history struct {
	p     *product
	state *oracle.State
	now   int64

	pictures []picture
	changes  map[uuid.UUID][]string // by user, as impacts told them, the latest last
	due      [][2]clock.Instant     // after the first, up to the second: what the clock changed, of which no impact told
}

func newHistory(t *rapid.T, p *product) *history {
	p.reset(t)
	err := p.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { // deleted users are due for removal at once
		_, err := tx.ExecContext(ctx, `UPDATE tenants SET deleted_user_retention = 0 WHERE id = $1`, p.tenant)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return &history{p: p, state: oracle.New(), changes: map[uuid.UUID][]string{}}
}

// step carries an operation out on both, and holds answers, previews and states against each
// other. The product previews it by counting, by cases and by cases that the database groups, and
// applies it by turns.
func (h *history) step(t *rapid.T, op oracle.Operation) oracle.Outcome {
	h.now++
	before := h.state.Clone()
	want := op.Apply(h.state, h.now)
	defer func() { h.now += int64(max(0, want.Turns-1)) }() // each has an instant of its own
	run := func(service *licensing.Service, dryRun bool) (oracle.Outcome, string) {
		h.p.service = service
		got, out, err := h.p.apply(t.Context(), op, h.now, before, h.state, want, dryRun)
		if err != nil {
			t.Fatalf("dry run %v of %#v: %v", dryRun, op, err)
		}
		if out == nil {
			return got, ""
		}
		if !dryRun && out.Changed {
			h.note(t, out.Impact)
		}
		return got, told(t, out.Impact)
	}
	counted, countedImpact := run(h.p.counts, true)
	cased, casedImpact := run(h.p.byCases, true)
	grouped, groupedImpact := run(h.p.grouped, true)
	apply := []*licensing.Service{h.p.counts, h.p.byCases, h.p.grouped}[h.now%3]
	earlier := h.last(t)
	got, impact := run(apply, false)
	if _, due := op.(oracle.Due); due {
		h.due = append(h.due, [2]clock.Instant{earlier, h.last(t)})
	}
	if countedImpact != casedImpact || casedImpact != groupedImpact || casedImpact != impact && want.Refusal != oracle.Unconfirmed {
		t.Fatalf("%#v\n  counted  %s\n  by cases %s\n  grouped  %s\n  applied  %s", op, countedImpact, casedImpact, groupedImpact, impact)
	}
	if got.Changed != want.Changed || got.Refusal != want.Refusal || got.Losing != want.Losing || got.Turns != want.Turns {
		t.Fatalf("%#v\n  answers %+v\n  want    %+v", op, got, want)
	}
	if want.Principals != nil && !reflect.DeepEqual(got.Principals, want.Principals) {
		t.Fatalf("%#v\n  answers %+v\n  want    %+v", op, got.Principals, want.Principals)
	}
	if !reflect.DeepEqual(counted, got) || !reflect.DeepEqual(cased, got) || !reflect.DeepEqual(grouped, got) {
		t.Fatalf("%#v\n  previews %+v\n  and      %+v\n  and      %+v\n  answers  %+v", op, counted, cased, grouped, got)
	}
	if err := h.p.compare(t.Context(), h.state); err != nil {
		t.Fatalf("after %#v: %v", op, err)
	}
	h.remember(t)
	return want
}
