package engine_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// many is a case of several users.
func many(users []engine.ID, before engine.User, after ...engine.Source) *engine.Case {
	return &engine.Case{Before: before, After: after, Users: users}
}

func users(n int) []engine.ID {
	ids := make([]engine.ID, n)
	for i := range ids {
		ids[i] = userID(byte(i + 1))
	}
	return ids
}

// Users whom nothing tells apart are judged once. A seat tells them apart where there are some
// and not enough, or where others have waited for it.
func TestCasesAreSplitOnlyWhereASeatIsScarceR5(t *testing.T) {
	r := rules()
	src, next := through(1, base, 1, mail), through(2, base, 2, talk)
	for _, c := range []struct {
		name   string
		seat   engine.Seat
		before engine.User
		after  engine.Source
		states int
		held   int
	}{
		{"seats for all", seat(5, 0, 0), engine.User{}, src, 1, 5},
		{"unlimited", unlimited, engine.User{}, src, 1, 5},
		{"no seat at all", seat(2, 2, 0), engine.User{}, src, 1, 0},
		{"over-allocated", seat(2, 4, 0), engine.User{}, src, 1, 0},
		{"some seats", seat(5, 2, 0), engine.User{}, src, 5, 3},
		{"seats for all, but others wait", seat(5, 0, 1), engine.User{}, src, 5, 5},
		{"holders need none", seat(5, 5, 0), having(src), src, 1, 5},
		{"reserved for holders whose source is another one", seat(5, 5, 0), having(src), next, 1, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settle(t, r, engine.Seats{base: c.seat}, nil, many(users(5), c.before, c.after))
			if len(s.verdicts) != c.states {
				t.Errorf("%d states were judged, want %d", len(s.verdicts), c.states)
			}
			for n := 1; n <= 5; n++ { // R5 (5): the first by user id
				if n <= c.held {
					s.holds(byte(n), base)
				} else {
					s.holds(byte(n))
					s.rows(byte(n), waits(c.after, engine.Count, now))
				}
			}
		})
	}
}

// A scarce product splits only those who need a seat of it.
func TestScarceSeatOfOneProductLeavesOtherCasesWholeR5(t *testing.T) {
	r := rules()
	scarce, plenty := through(1, base, 1, mail), through(2, suite, 1, drive)
	others := []engine.ID{userID(11), userID(12), userID(13)}
	s := settle(t, r, engine.Seats{base: seat(1, 0, 0), suite: unlimited}, nil,
		many(users(3), engine.User{}, scarce), many(others, engine.User{}, plenty))
	if len(s.verdicts) != 4 {
		t.Errorf("%d states were judged, want 3 of the scarce product and 1 of the other", len(s.verdicts))
	}
}

// A case is split where the only seat is one that is reserved and not used in the end.
func TestReleasedReservationTellsACaseApartR5(t *testing.T) {
	r := rules(plans(talk, drive))
	old, next, suite1 := through(1, base, 1, mail), through(2, base, 2, talk), direct(suite, 1, drive)
	src := through(3, base, 3, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: unlimited}, nil,
		many(users(3), engine.User{}, src), one(9, having(old, suite1), next, suite1))
	s.holds(9, suite)
	s.holds(1, base)
	s.holds(2)
	s.holds(3)
}

// Users of a case that is split for one product keep their reserved seats of another.
func TestSplitCasesKeepTheirReservationsR5R23(t *testing.T) {
	r := rules()
	old, next, scarce := through(1, suite, 1, drive), through(2, suite, 2, drive), through(2, base, 2, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 0, 0), suite: seat(3, 3, 0)}, nil, many(users(3), having(old), scarce, next))
	s.holds(1, base, suite)
	s.holds(2, suite)
	s.holds(3, suite)
}
