package engine_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// Products and plans of these tests: base (mail, talk), suite (drive), addon (note).
const (
	base, suite, addon      int32 = 0, 1, 2
	mail, talk, drive, note int32 = 0, 1, 2, 3
	extra                   int32 = 4
)

// A user moves from a group with base and addon to one with suite and addon. The add-on's last
// seat is not free in between: another user has waited for it, directly and longer.
func TestSwapKeepsTheLastSeatOfAnAddOnR23(t *testing.T) {
	r := rules()
	oldBase, oldAddon := through(1, base, 1, mail), through(1, addon, 1, note)
	newSuite, newAddon := through(2, suite, 2, drive), through(2, addon, 2, note)
	own := direct(addon, 1, note)
	line := line(addon, waiter(2, with(having(own), waits(own, engine.Count, 10))))

	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited, addon: seat(1, 1, 1)}, line,
		one(1, having(oldBase, oldAddon), newSuite, newAddon))
	s.holds(1, suite, addon)
	s.rows(1)
	if n := line.taken[addon]; n != 0 {
		t.Errorf("%d users were asked for, though no seat is free", n)
	}
}

func TestSwapOfExclusiveProductsRaisesNoConflictR23(t *testing.T) {
	r := rules(plans(mail, drive))
	before, after := through(1, base, 1, mail), through(1, suite, now, drive)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: seat(1, 0, 0)}, nil, one(1, having(ended(before)), after))
	s.holds(1, suite)
	s.rows(1)
}

// Both newcomers begin in this change. The first in R5's order has no seat, so it is not
// admitted and excludes nothing: the second wins. The first's recorded code is the exclusion,
// which fails before the seats.
func TestOfTwoExclusiveNewcomersTheSecondWinsWhereTheFirstHasNoSeatR9(t *testing.T) {
	r := rules(plans(mail, drive))
	first, second := through(1, base, 1, mail), through(1, suite, 2, drive)
	s := settle(t, r, engine.Seats{base: seat(0, 0, 0), suite: unlimited}, nil, one(1, engine.User{}, first, second))
	s.holds(1, suite)
	s.rows(1, waits(first, engine.Exclusion, now))

	s = settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil, one(1, engine.User{}, first, second))
	s.holds(1, base)
	s.rows(1, waits(second, engine.Exclusion, now))
}

// Two users have the same sources, which exclude each other, but wait for them in different
// orders: who has waited longer decides for each, so they cannot be one case.
func TestUsersWithTheSameSourcesWhoWaitedInDifferentOrdersR5(t *testing.T) {
	r := rules(plans(mail, drive))
	a, b := through(1, base, 1, mail), through(2, suite, 2, drive)
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil,
		one(1, with(having(a, b), waits(a, engine.Count, 10), waits(b, engine.Count, 20)), a, b),
		one(2, with(having(a, b), waits(a, engine.Count, 20), waits(b, engine.Count, 10)), a, b))
	s.holds(1, base)
	s.rows(1, waits(b, engine.Exclusion, 20))
	s.holds(2, suite)
	s.rows(2, waits(a, engine.Exclusion, 20))
}

// A source that ended and begins again is a newcomer: its since is the instant of the change.
func TestSourceThatEndsAndBeginsAgainWaitsAnewR5(t *testing.T) {
	r := rules()
	again, other := through(1, base, 1, mail), through(1, base, 1, mail)
	none := engine.Seats{base: seat(0, 0, 2)}
	s := settle(t, r, none, nil, one(1, with(having(again), waits(again, engine.Count, 5))))
	s.rows(1)
	s = settle(t, r, none, nil, one(1, s.verdict(1).After, again))
	s.rows(1, waits(again, engine.Count, now))

	// With one seat, who has waited without a break comes first, though the ids say otherwise.
	s = settle(t, r, engine.Seats{base: seat(1, 0, 2)}, nil,
		one(1, s.verdict(1).After, again), one(2, with(having(other), waits(other, engine.Count, 6)), other))
	s.holds(1)
	s.holds(2, base)
}

// The selection of a holder's group source grows by a plan that is excluded: only that plan is
// withheld, the rest stays, and the seat too.
func TestOnlyThePlanThatGrowsIntoAConflictIsWithheldR9(t *testing.T) {
	r := rules(plans(talk, drive))
	base1, suite1 := through(1, base, 1, mail), direct(suite, 1, drive)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: seat(1, 1, 0)}, nil,
		one(1, having(base1, suite1), selecting(base1, mail, talk), suite1))
	s.holds(1, base, suite)
	s.on(1, mail, drive)
	s.rows(1, withheld(base1, talk, now))
}

// A plan that is withheld is on again in the change that takes the other side away.
func TestWithheldPlanHealsWhenTheOtherSideGoesR9R13(t *testing.T) {
	r := rules(plans(talk, drive))
	base1, suite1 := through(1, base, 1, mail, talk), direct(suite, 1, drive)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0)}, nil, one(1, with(having(base1, suite1), withheld(base1, talk, 5)), base1))
	s.on(1, mail, talk)
	s.rows(1)
}

// An edit exchanges the only plan for one that is excluded: with all that it enables withheld,
// the source waits as a whole and its seat is free for others, in the same change.
func TestSourceThatHasEverythingWithheldWaitsAsAWholeAndFreesItsSeatR8(t *testing.T) {
	r := rules(plans(talk, drive))
	base1, suite1, other := through(1, base, 1, mail), direct(suite, 1, drive), through(2, base, 3, mail)
	line := line(base, waiter(2, with(having(other), waits(other, engine.Count, 10))))
	s := settle(t, r, engine.Seats{base: seat(1, 1, 1), suite: unlimited}, line,
		one(1, having(base1, suite1), selecting(base1, talk), suite1))
	s.holds(1, suite)
	s.rows(1, waits(base1, engine.Exclusion, now))
	s.holds(2, base)
}

// The same where plans of the source were withheld before: their rows become one.
func TestRowsOfPlansBecomeOneOfTheWholeSourceR8(t *testing.T) {
	r := rules(plans(talk, drive), plans(mail, note))
	base1, suite1, note1 := through(1, base, 1, mail, talk, 7), direct(suite, 1, drive), direct(addon, 1, note)
	before := with(having(base1, suite1, note1), withheld(base1, talk, 5), withheld(base1, mail, 6))
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited, addon: unlimited}, nil,
		one(1, before, selecting(base1, mail, talk), suite1, note1))
	s.rows(1, waits(base1, engine.Exclusion, now))
	s.holds(1, suite, addon)
}

// An assignment that selects no plan takes its seat, and waits where there is none.
func TestAssignmentOfNoPlanTakesASeatR4(t *testing.T) {
	r := rules()
	none := direct(base, 1)
	s := settle(t, r, engine.Seats{base: seat(1, 0, 0)}, nil, one(1, engine.User{}, none), one(2, engine.User{}, none))
	s.holds(1, base)
	s.on(1)
	s.holds(2)
	s.rows(2, waits(none, engine.Count, now))
}

// A second source of a product that is held needs no seat, even where the product is
// over-allocated.
func TestSecondSourceNeedsNoSeatR4(t *testing.T) {
	r := rules()
	a, b := through(1, base, 1, mail), direct(base, 2, talk)
	s := settle(t, r, engine.Seats{base: seat(1, 3, 0)}, nil, one(1, having(a), a, b))
	s.holds(1, base)
	s.on(1, mail, talk)
	s.rows(1)
}

func TestHolderIsNeverDisplacedByANewcomerR5(t *testing.T) {
	r := rules()
	held, own := through(9, base, 9, mail), direct(base, 1, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0)}, nil, one(1, engine.User{}, own), one(2, having(held), held))
	s.holds(1)
	s.holds(2, base)
}

// A product's seats rise in the change in which a group swaps to it: its members, who held what
// the group gives up, come before a user who has waited directly and longer.
func TestKeptComesBeforeNewcomersAndWaitersR5(t *testing.T) {
	r := rules()
	gives, takes, own := through(1, base, 1, mail), through(1, suite, now, drive), direct(suite, 1, drive)
	line := line(suite, waiter(1, with(having(own), waits(own, engine.Count, 10))))
	s := settle(t, r, engine.Seats{base: unlimited, suite: seat(1, 0, 1)}, line,
		one(2, having(ended(gives)), takes), one(3, engine.User{}, direct(suite, 2, drive)))
	s.holds(2, suite)
	s.holds(3)
}

// Kept are a source of a product held before, and one that replaces, on the same principal and
// in the same call, one that was admitted; nothing else.
func TestWhatCountsAsKeptR5(t *testing.T) {
	r := rules()
	gives, takes := through(1, base, 1, mail), through(1, suite, now, drive)
	for _, c := range []struct {
		name   string
		before engine.User
		after  engine.Source
		wins   bool
	}{
		{"replaces one of the same group", having(ended(gives)), takes, true},
		{"replaces one of another group", having(ended(through(2, base, 1, mail))), takes, false},
		{"replaces one that waited", with(having(ended(gives)), waits(gives, engine.Count, 5)), takes, false},
		{"the other one ended by a move, not by the call", having(gives), takes, false},
		{"replaces a direct one, itself through a group", having(ended(direct(base, 1, mail))), takes, false},
		{"replaces a direct one directly", having(ended(direct(base, 1, mail))), direct(suite, now, drive), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The rival is direct, as old, and first by user id: kept alone beats it.
			rival := direct(suite, 1, drive)
			s := settle(t, r, engine.Seats{base: unlimited, suite: seat(1, 0, 0)}, nil,
				one(1, engine.User{}, rival), one(2, c.before, c.after))
			winner, loser := byte(1), byte(2)
			if c.wins {
				winner, loser = 2, 1
			}
			s.holds(winner, suite)
			s.holds(loser)
		})
	}
}

// What the user held before comes before the user's own newcomers, though these are direct: as
// another source, as one that has waited, and as one whose plans were exchanged.
func TestSourcesOfAProductHeldBeforeAreKeptR5(t *testing.T) {
	r := rules(plans(talk, drive, note))
	old, next, rival := through(1, base, 1, mail), through(2, base, 2, talk), direct(addon, now, note)
	supplies := engine.Seats{base: seat(1, 1, 0), suite: unlimited, addon: unlimited}

	t.Run("a new source", func(t *testing.T) {
		s := settle(t, r, supplies, nil, one(1, having(old), next, rival))
		s.on(1, talk)
		s.rows(1, waits(rival, engine.Exclusion, now))
	})
	t.Run("one that waited", func(t *testing.T) {
		suite1 := through(1, suite, 1, drive)
		before := with(having(old, next, suite1), waits(next, engine.Exclusion, 50))
		s := settle(t, r, supplies, nil, one(1, before, next, rival))
		s.on(1, talk)
		s.rows(1, waits(rival, engine.Exclusion, now))
	})
	t.Run("one whose plans were exchanged", func(t *testing.T) {
		s := settle(t, r, supplies, nil, one(1, having(old), selecting(old, talk), rival))
		s.on(1, talk)
		s.rows(1, waits(rival, engine.Exclusion, now))
	})
}

// A plan that is withheld and then no longer selected leaves nothing behind.
func TestWithheldPlanThatIsSwitchedOffLeavesNoRowR17(t *testing.T) {
	r := rules(plans(talk, drive))
	base1, suite1 := through(1, base, 1, mail, talk), direct(suite, 1, drive)
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil,
		one(1, with(having(base1, suite1), withheld(base1, talk, 5)), selecting(base1, mail), suite1))
	s.on(1, mail, drive)
	s.rows(1)
}

// The rows of a state are in the order of their sources, whatever happened to them.
func TestRowsComeInTheOrderOfTheirSources(t *testing.T) {
	r := rules(plans(talk, drive))
	base1, suite1, suite2 := through(1, base, 1, mail), direct(suite, 1, drive), through(2, addon, 1, talk)
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited, addon: unlimited}, nil,
		one(1, with(having(base1, suite2, suite1), waits(suite2, engine.Exclusion, 5)), selecting(base1, talk), suite2, suite1))
	s.rows(1, waits(base1, engine.Exclusion, now), waits(suite2, engine.Exclusion, 5))
}

// A seat is reserved for a user who held the product and has another source of it now. That
// source fails another check, so the reservation is given up, and the next in line gets it.
func TestUnusedReservationGoesToTheNextInLineR5R13(t *testing.T) {
	r := rules(plans(talk, drive))
	old, next, suite1 := through(1, base, 1, mail), through(2, base, 2, talk), direct(suite, 1, drive)
	waiting := through(3, base, 3, mail)
	line := line(base, waiter(2, with(having(waiting), waits(waiting, engine.Count, 10))))
	s := settle(t, r, engine.Seats{base: seat(1, 1, 1), suite: seat(1, 1, 0)}, line, one(1, having(old, suite1), next, suite1))
	s.holds(1, suite)
	s.rows(1, waits(next, engine.Exclusion, now))
	s.holds(2, base)
	s.rows(2)
}

// Users are taken out of a line while there are seats: besides those who get one, at most the
// next in line is looked at, to tell whose turn it is.
func TestWaitersAreTakenOutOfTheLineOnlyWhileSeatsRemainR13(t *testing.T) {
	r := rules()
	var waiters []*engine.Waiter
	for n := byte(1); n <= 9; n++ {
		src := through(1, base, 1, mail)
		waiters = append(waiters, waiter(n, with(having(src), waits(src, engine.Count, int64(n)))))
	}
	for _, free := range []int64{0, 1, 3, 9, 20} {
		line := line(base, slices.Clone(waiters)...)
		s := settle(t, r, engine.Seats{base: seat(5+free, 5, 9)}, line)
		want := int(min(free, 9))
		if len(s.verdicts) != want {
			t.Errorf("%d seats free: %d users were settled, want %d", free, len(s.verdicts), want)
		}
		if most := want + 1; line.taken[base] > most || free == 0 && line.taken[base] > 0 {
			t.Errorf("%d seats free: %d users were taken out of the line, want at most %d", free, line.taken[base], most)
		}
		for n := range want {
			s.holds(byte(n+1), base)
		}
	}
}

// Where nobody waits by the counters, no line is asked for at all.
func TestNoLineIsReadWhereNobodyWaitsR13(t *testing.T) {
	line := &queue{}
	settle(t, rules(), engine.Seats{base: seat(9, 0, 0)}, line, one(1, engine.User{}, direct(base, 1, mail)))
	if len(line.ended) > 0 {
		t.Error("the line was read")
	}
}

// A waiter who gains becomes part of the change: what the gain excludes or heals of the
// waiter's own is settled too.
func TestWaiterWhoGainsIsSettledWholeR13(t *testing.T) {
	r := rules(plans(mail, drive))
	base1, suite1 := through(1, base, 1, mail), through(1, suite, 1, drive)
	u := with(having(base1, suite1), waits(base1, engine.Count, 5), waits(suite1, engine.Count, 6))
	s := settle(t, r, engine.Seats{base: seat(1, 0, 1), suite: seat(0, 0, 1)}, line(base, waiter(1, u)))
	s.holds(1, base)
	s.rows(1, waits(suite1, engine.Exclusion, 6))
}

// A user in the lines of two products is settled once.
func TestWaiterOfTwoProductsJoinsOnceR13(t *testing.T) {
	r := rules()
	base1, suite1 := through(1, base, 1, mail), through(1, suite, 2, drive)
	u := with(having(base1, suite1), waits(base1, engine.Count, 5), waits(suite1, engine.Count, 5))
	inSuite := waiter(1, u)
	inSuite.Key.Created, inSuite.Key.Sku = suite1.Created, suite1.Sku
	lines := &queue{lines: map[int32][]*engine.Waiter{base: {waiter(1, u)}, suite: {inSuite}}}
	s := settle(t, r, engine.Seats{base: seat(1, 0, 1), suite: seat(1, 0, 1)}, lines)
	if len(s.verdicts) != 1 {
		t.Fatalf("%d verdicts about one user", len(s.verdicts))
	}
	s.holds(1, base, suite)
}

// With both lines free, the first in R5's order is tried first, whichever product is looked at
// first; it excludes the other.
func TestLinesOfSeveralProductsAreServedInOneOrderR5(t *testing.T) {
	r := rules(plans(mail, drive))
	base1, suite1 := through(1, base, 1, mail), through(1, suite, 1, drive)
	u := with(having(base1, suite1), waits(base1, engine.Count, 6), waits(suite1, engine.Count, 5))
	inSuite := waiter(1, with(having(base1, suite1), u.Rows[1]))
	inSuite.Case.Before = u
	for range 20 { // products are in a map
		lines := &queue{lines: map[int32][]*engine.Waiter{base: {waiter(1, u)}, suite: {inSuite}}}
		s := settle(t, r, engine.Seats{base: seat(1, 0, 1), suite: seat(1, 0, 1)}, lines)
		s.holds(1, suite)
		s.rows(1, waits(base1, engine.Exclusion, 6))
	}
}

func TestAnErrorOfTheLineEndsTheChange(t *testing.T) {
	broken := errors.New("the line is broken")
	_, err := rules().Settle(nil, engine.Seats{base: seat(1, 0, 1)}, nil, failing{broken}, now)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) List([]*engine.Case) error { return f.err }

func (f failing) Next(int32) (*engine.Waiter, error) { return nil, f.err }

func TestCasesWithoutUsersAreRefused(t *testing.T) {
	for name, c := range map[string]*engine.Case{
		"no user":             {},
		"two users, judged":   {Users: []engine.ID{userID(1), userID(2)}, Judged: true},
		"no user, but judged": {Judged: true},
	} {
		if _, err := rules().Settle([]*engine.Case{c}, nil, nil, &queue{}, now); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A change of the catalogue makes held plans exclusive: direct before inherited, then the older
// assignment, then ids; a plan ranks by its first source and is withheld in all of them.
func TestHeldPlansThatBecomeExclusiveR9(t *testing.T) {
	r := rules(plans(mail, drive))
	for _, c := range []struct {
		name    string
		sources []engine.Source
		on      []int32
		rows    func(s []engine.Source) []engine.Row
	}{
		{"direct stays", []engine.Source{through(1, base, 1, mail, talk), direct(suite, 9, drive)}, []int32{talk, drive},
			func(s []engine.Source) []engine.Row { return []engine.Row{withheld(s[0], mail, now)} }},
		{"the older assignment stays", []engine.Source{through(1, base, 2, mail, talk), through(1, suite, 1, drive)}, []int32{talk, drive},
			func(s []engine.Source) []engine.Row { return []engine.Row{withheld(s[0], mail, now)} }},
		{"the smaller skuId stays", []engine.Source{through(1, base, 1, mail, talk), through(1, suite, 1, drive, note)}, []int32{mail, talk, note},
			func(s []engine.Source) []engine.Row { return []engine.Row{withheld(s[1], drive, now)} }},
		{"a plan ranks by its first source", []engine.Source{through(1, base, 2, mail, talk), through(1, suite, 3, drive, note), through(2, suite, 1, drive, note)},
			[]int32{talk, drive, note},
			func(s []engine.Source) []engine.Row { return []engine.Row{withheld(s[0], mail, now)} }},
		{"and is withheld in all", []engine.Source{direct(base, 1, mail), through(1, suite, 3, drive, note), through(2, suite, 1, drive, note)},
			[]int32{mail, note},
			func(s []engine.Source) []engine.Row {
				return []engine.Row{withheld(s[1], drive, now), withheld(s[2], drive, now)}
			}},
		{"a source left with nothing waits as a whole", []engine.Source{direct(base, 1, mail), through(1, suite, 3, drive)}, []int32{mail},
			func(s []engine.Source) []engine.Row { return []engine.Row{waits(s[1], engine.Exclusion, now)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil, one(1, having(c.sources...), c.sources...))
			s.on(1, c.on...)
			s.rows(1, c.rows(c.sources)...)
		})
	}
}
