package engine_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

func settlePlaces(t *testing.T, r *engine.Rules, seats engine.Seats, places engine.Places, cases ...*engine.Case) settled {
	t.Helper()
	verdicts, err := r.Settle(cases, seats, places, &queue{}, now)
	if err != nil {
		t.Fatal(err)
	}
	return settled{t, r, verdicts}
}

// At most so many users have a limited assignment; of several alike the first by id get it, the
// others wait for a place, not for a seat.
func TestGroupsLimitSplitsACaseR5R8(t *testing.T) {
	a := through(1, base, 1, mail)
	several := &engine.Case{After: []engine.Source{a}, Users: []engine.ID{userID(1), userID(2), userID(3)}}
	s := settlePlaces(t, rules(), engine.Seats{base: unlimited}, engine.Places{a.Key: {Product: base, Limit: 3, Used: 1}}, several)
	s.holds(1, base)
	s.holds(2, base)
	s.rows(3, waits(a, engine.GroupLimit, now))
}

// The limit is told before the seats, and after all that the user decides.
func TestGroupsLimitIsCheckedBeforeSeatsR8(t *testing.T) {
	r := rules(plans(mail, drive))
	a, rival := through(1, base, 1, mail), direct(suite, 1, drive)
	full, none := engine.Places{a.Key: {Product: base, Limit: 1, Used: 1}}, engine.Seats{base: seat(0, 0, 0), suite: unlimited}
	settlePlaces(t, r, none, full, one(1, engine.User{}, a)).rows(1, waits(a, engine.GroupLimit, now))
	settlePlaces(t, r, none, nil, one(1, engine.User{}, a)).rows(1, waits(a, engine.Count, now))
	settlePlaces(t, r, none, full, one(1, having(rival), rival, a)).rows(1, waits(a, engine.Exclusion, now))
}

// Who has the product by another source needs a place all the same, and no seat.
func TestHolderNeedsAPlaceForAnotherSourceR4R8(t *testing.T) {
	own, a := direct(base, 1, mail), through(1, base, 1, talk)
	for limit, want := range map[int64][]engine.Row{0: {waits(a, engine.GroupLimit, now)}, 1: nil} {
		s := settlePlaces(t, rules(), engine.Seats{base: seat(1, 1, 0)}, engine.Places{a.Key: {Product: base, Limit: limit}}, one(1, having(own), own, a))
		s.holds(1, base)
		s.rows(1, want...)
	}
}

// Who has a place keeps it, however far the limit is lowered; a place that comes free goes to who
// waits, whose code becomes that of the seats where none is free.
func TestFreedPlaceGoesToWhoWaitsR5R8R13(t *testing.T) {
	a := through(1, base, 1, mail)
	waiting := with(having(a), waits(a, engine.GroupLimit, 5))
	s := settlePlaces(t, rules(), engine.Seats{base: seat(9, 2, 0)}, engine.Places{a.Key: {Product: base, Limit: 0, Used: 2}}, one(1, having(a), a), one(2, having(a), a))
	s.rows(1)
	s.rows(2)
	s = settlePlaces(t, rules(), engine.Seats{base: seat(9, 1, 0)}, engine.Places{a.Key: {Product: base, Limit: 1, Used: 1}}, one(1, having(a)), one(2, waiting, a))
	s.rows(2)
	s = settlePlaces(t, rules(), engine.Seats{base: seat(0, 1, 0)}, engine.Places{a.Key: {Product: base, Limit: 1, Used: 1}}, one(1, having(a)), one(2, waiting, a))
	s.rows(2, waits(a, engine.Count, 5))
}

// A call that takes from a user what a plan needs stands where a group's source, which it unblocks,
// brings it again; not where nobody more may have that one (R10).
func TestDirectCallHealsByAGroupsSourceOnlyWhereThereIsAPlaceR8R10(t *testing.T) {
	b := book(plans(note, extra))
	b.Requires = map[int32]engine.PlanSet{drive: plans(mail)}
	r := engine.NewRules(b)
	own, dependent, rival, a := direct(base, 1, mail), direct(suite, 1, drive), direct(addon, 1, extra), through(1, base, 1, mail, note)
	before := with(having(own, dependent, rival, a), waits(a, engine.Exclusion, 5))
	for limit, want := range map[int64]engine.Code{1: engine.Dependency, 2: engine.None} {
		s := settlePlaces(t, r, engine.Seats{base: unlimited, suite: unlimited, addon: unlimited}, engine.Places{a.Key: {Product: base, Limit: limit, Used: 1}},
			judged(1, before, before.Sources, dependent, a))
		s.refused(1, want)
		if want == engine.None {
			s.holds(1, base, suite)
			s.rows(1)
		} else {
			s.rows(1, waits(a, engine.Exclusion, 5))
		}
	}
}
