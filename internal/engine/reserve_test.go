package engine_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// reserving is a supply of a group's source, whose reserve lacks as much before the change as after.
func reserving(a engine.Source, reserve, used int64) engine.Places {
	p := engine.Place{Product: a.Product, Limit: engine.NoLimit, Reserve: reserve, Used: used}
	p.Kept = p.Lacks()
	return engine.Places{a.Key: p}
}

// keeping is a limited supply of a product of which seats are kept for groups.
func keeping(total, consumed, kept int64) engine.Seat {
	return engine.Seat{Total: total, Consumed: consumed, Kept: kept}
}

// Seats that are kept for a group go to its members only, whoever comes first; what is beyond the
// reserve is anybody's.
func TestReservedSeatIsTheGroupsR5R8(t *testing.T) {
	a, b := through(1, base, 1, mail), through(2, base, 2, mail) // b is the younger
	for _, c := range []struct {
		total int64
		holds []byte
	}{{0, nil}, {1, []byte{4}}, {2, []byte{4, 5}}, {3, []byte{4, 5, 1}}, {5, []byte{4, 5, 1, 2, 3}}} {
		s := settlePlaces(t, rules(), engine.Seats{base: keeping(c.total, 0, 2)}, reserving(b, 2, 0),
			&engine.Case{After: []engine.Source{a}, Users: []engine.ID{userID(1), userID(2), userID(3)}},
			&engine.Case{After: []engine.Source{b}, Users: []engine.ID{userID(4), userID(5)}})
		held := map[byte]bool{}
		for _, user := range c.holds {
			held[user] = true
			s.holds(user, base)
			s.rows(user)
		}
		for user := byte(1); user <= 5; user++ {
			if !held[user] {
				src := a
				if user > 3 {
					src = b
				}
				s.rows(user, waits(src, engine.Count, now))
			}
		}
	}
}

// Members beyond the reserve take seats that anybody could take, in R5's order.
func TestMembersBeyondTheReserveComeInTheirTurnR5R8(t *testing.T) {
	a, b := through(1, base, 1, mail), through(2, base, 2, mail)
	s := settlePlaces(t, rules(), engine.Seats{base: keeping(2, 0, 1)}, reserving(b, 1, 0),
		&engine.Case{After: []engine.Source{a}, Users: []engine.ID{userID(1)}},
		&engine.Case{After: []engine.Source{b}, Users: []engine.ID{userID(2), userID(3)}})
	s.holds(1, base)
	s.holds(2, base)
	s.rows(3, waits(b, engine.Count, now))
	s = settlePlaces(t, rules(), engine.Seats{base: keeping(4, 0, 1)}, reserving(b, 1, 0), // all of them, and nobody tells them apart
		&engine.Case{After: []engine.Source{b}, Users: []engine.ID{userID(1), userID(2), userID(3)}})
	s.holds(3, base)
}

// A reserve takes from nobody: who goes keeps a seat for the group, and the next that comes free is
// the group's.
func TestReserveBeyondWhatIsLeftIsFilledFirstR8R13(t *testing.T) {
	a, b := through(1, base, 1, mail), through(2, base, 2, mail)
	waiting := func(src engine.Source, since int64) engine.User {
		return with(having(src), waits(src, engine.Count, since))
	}
	seats := engine.Seats{base: keeping(2, 2, 2)}
	s := settlePlaces(t, rules(), seats, reserving(b, 2, 0), one(1, having(a), a), one(2, having(a)), one(3, waiting(a, 5), a), one(4, waiting(b, 6), b))
	s.holds(1, base)
	s.holds(4, base)
	s.rows(3, waits(a, engine.Count, 5))
}

// Who has the product by another source and comes to have the group's too counts towards the reserve:
// a seat is kept no longer, and goes to who waits.
func TestHolderCountsTowardsTheReserveR4R8R13(t *testing.T) {
	a, b := through(1, base, 1, mail), through(2, base, 2, mail)
	waiting := with(having(a), waits(a, engine.Count, 5))
	s := settlePlaces(t, rules(), engine.Seats{base: keeping(2, 1, 1)}, reserving(b, 1, 0), one(1, having(a), a, b), one(2, waiting, a))
	s.holds(1, base)
	s.holds(2, base)
	s.rows(2)
}

// A seat that is let go goes to who was refused one before, and not to who comes next in the same pass.
func TestSeatThatIsLetGoGoesToWhoComesFirstR5R8R13(t *testing.T) {
	crew, sales, temps := through(1, base, 1, mail), through(2, base, 2, mail), through(3, base, 3, mail)
	row := func(src engine.Source, since int64) engine.Row { return waits(src, engine.Count, since) }
	// The first is served by crew, is refused nothing, and lets the seat kept for sales go by the other source.
	s := settlePlaces(t, rules(), engine.Seats{base: keeping(2, 0, 1)}, reserving(sales, 1, 0),
		one(1, with(having(crew, sales), row(crew, 4), row(sales, 7)), crew, sales),
		one(2, with(having(crew), row(crew, 5)), crew),
		one(3, with(having(temps), row(temps, 8)), temps))
	s.holds(1, base)
	s.holds(2, base)
	s.rows(3, row(temps, 8))
}

// A reserve that is lowered, or gone, lets its seats go to who waits.
func TestSeatsOfALoweredReserveHealR8R13(t *testing.T) {
	a, b := through(1, base, 1, mail), through(2, base, 2, mail)
	waiting := with(having(a), waits(a, engine.Count, 5))
	for reserve, want := range map[int64][]engine.Row{1: {waits(a, engine.Count, 5)}, 0: nil} {
		places := reserving(b, 1, 0)
		places[b.Key] = engine.Place{Product: base, Limit: engine.NoLimit, Reserve: reserve, Kept: 1}
		settlePlaces(t, rules(), engine.Seats{base: keeping(1, 0, 1)}, places, one(1, waiting, a)).rows(1, want...)
	}
}

// A user's own assignment is judged by the seats that were kept for nobody before the call, also
// where the call lowers the reserve (R12, R25).
func TestDirectAssignmentTakesNoReservedSeatR8R12R25(t *testing.T) {
	own, b := direct(base, 1, mail), through(2, base, 2, mail)
	for total, want := range map[int64]engine.Code{1: engine.Count, 2: engine.None} {
		places := reserving(b, 1, 0)
		places[b.Key] = engine.Place{Product: base, Limit: engine.NoLimit, Kept: 1}
		s := settlePlaces(t, rules(), engine.Seats{base: keeping(total, 0, 1)}, places, judged(1, engine.User{}, nil, own))
		s.refused(1, want)
	}
}

// A call that takes from a user what a plan needs stands where a group's source brings it again by a
// seat that is kept for the group (R10).
func TestDirectCallHealsByAReservedSeatR8R10(t *testing.T) {
	const spare int32 = 3
	b := book(plans(note, extra))
	b.Requires = map[int32]engine.PlanSet{drive: plans(mail)}
	r := engine.NewRules(b)
	own, dependent, rival, a := direct(addon, 1, mail), direct(suite, 1, drive), direct(spare, 1, extra), through(1, base, 1, mail, note)
	before := with(having(own, dependent, rival, a), waits(a, engine.Exclusion, 5))
	for reserve, want := range map[int64]engine.Code{0: engine.Dependency, 1: engine.None} {
		places := reserving(a, reserve, 0)
		elsewhere := through(7, base, 7, mail)
		places[elsewhere.Key] = engine.Place{Product: base, Limit: engine.NoLimit, Reserve: 2 - reserve, Kept: 2 - reserve}
		s := settlePlaces(t, r, engine.Seats{base: keeping(1, 0, 2), suite: unlimited, addon: unlimited, spare: unlimited}, places,
			judged(1, before, before.Sources, dependent, a))
		s.refused(1, want)
	}
}

// Where what is left is kept for others, and nobody can let a seat go, nobody is told apart (R8).
func TestWhoCanHaveNoKeptSeatIsNotToldApartR8(t *testing.T) {
	a, b := through(1, base, 1, mail), through(2, base, 2, mail)
	for lacking, listed := range map[bool]int{false: 0, true: 1} {
		cases := []*engine.Case{{After: []engine.Source{a}, Count: 2}}
		if lacking {
			cases = append(cases, one(9, having(a), a, b))
		}
		l := &lister{users: users(2)}
		if _, err := rules().Settle(cases, engine.Seats{base: keeping(3, 1, 2)}, reserving(b, 2, 0), l, now); err != nil {
			t.Fatal(err)
		}
		if l.asked != listed {
			t.Errorf("where another comes to the group, %v, %d cases are listed", lacking, l.asked)
		}
	}
}

// Several alike who are only counted are listed where a reserve can tell them apart, and not where
// nothing is left (R8).
func TestReserveListsWhoIsCountedOnlyWhereSeatsAreLeftR8(t *testing.T) {
	a := through(1, base, 1, mail)
	for left, listed := range map[int64]bool{0: false, 1: true} {
		c := &engine.Case{After: []engine.Source{a}, Count: 2}
		l := &lister{users: []engine.ID{userID(1), userID(2)}}
		verdicts, err := rules().Settle([]*engine.Case{c}, engine.Seats{base: keeping(left, 0, 1)}, reserving(a, 1, 0), l, now)
		if err != nil {
			t.Fatal(err)
		}
		if (l.asked > 0) != listed || len(verdicts) != map[bool]int{false: 1, true: 2}[listed] {
			t.Errorf("with %d left: %+v", left, verdicts)
		}
	}
}
