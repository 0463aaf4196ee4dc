package engine_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// judged is a user whose own assignments the call changes.
func judged(user byte, before engine.User, refused []engine.Source, after ...engine.Source) *engine.Case {
	return &engine.Case{Before: before, After: after, Users: []engine.ID{userID(user)}, Judged: true, Refused: refused}
}

func (s settled) refused(user byte, want engine.Code) *engine.Refusal {
	s.Helper()
	r := s.verdict(user).Refusal
	switch {
	case want == engine.None && r != nil:
		s.Errorf("user %d is refused: %+v", user, r)
	case want != engine.None && (r == nil || r.Reason.Code != want):
		s.Errorf("user %d: refusal %+v, want code %d", user, r, want)
	}
	return r
}

// Direct principals are judged in user-id order against the seats free before the call and
// their own items; who is refused leaves no trace.
func TestDirectPrincipalsAreJudgedInUserOrderR25(t *testing.T) {
	r := rules()
	own := direct(base, now, mail)
	s := settle(t, r, engine.Seats{base: seat(2, 1, 0)}, nil,
		judged(3, engine.User{}, nil, own), judged(1, engine.User{}, nil, own), judged(2, engine.User{}, nil, own))
	s.refused(1, engine.None)
	s.holds(1, base)
	for _, user := range []byte{2, 3} {
		refusal := s.refused(user, engine.Count)
		s.holds(user)
		s.rows(user)
		if refusal.Seat.Total != 2 || refusal.Seat.Consumed != 2 || refusal.Reason.Plan != engine.Whole {
			t.Errorf("user %d met the seats %+v, want 2 of 2 taken", user, refusal.Seat)
		}
	}
}

// A seat that the same call frees does not help a direct principal: it goes to the line.
func TestFreedSeatsAreNotForDirectPrincipalsR25(t *testing.T) {
	r := rules()
	old, own := through(1, base, 1, mail), direct(base, now, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0)}, nil, one(1, having(ended(old))), judged(2, engine.User{}, nil, own))
	s.refused(2, engine.Count)
	s.holds(2)
}

// One add that fails refuses the user's whole part: the other one is not stored either.
func TestDirectPrincipalIsAdmittedWholeOrNotAtAllR12(t *testing.T) {
	r := rules()
	s := settle(t, r, engine.Seats{base: unlimited, suite: seat(0, 0, 0)}, nil,
		judged(1, engine.User{}, nil, direct(base, now, mail), direct(suite, now, drive)))
	s.refused(1, engine.Count)
	s.holds(1)
	s.rows(1)
}

// The user's own removals make room: a direct swap of exclusive products, and of one whose seat
// the user holds.
func TestDirectSwapIsJudgedAsAWholeR23(t *testing.T) {
	r := rules(plans(mail, drive))
	before := direct(base, 1, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: seat(1, 0, 0)}, nil,
		judged(1, having(ended(before)), []engine.Source{before}, direct(suite, now, drive)))
	s.refused(1, engine.None)
	s.holds(1, suite)
}

func TestRefusedSwapLeavesWhatWasThereR12(t *testing.T) {
	r := rules()
	before := direct(base, 1, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: seat(0, 0, 0)}, nil,
		judged(1, having(ended(before)), []engine.Source{before}, direct(suite, now, drive)))
	s.refused(1, engine.Count)
	s.holds(1, base)
	s.rows(1)
}

// Of several items that fail, the first in R5's order is named: here the plan of the older
// assignment.
func TestRefusalNamesTheFirstItemThatFailsR12(t *testing.T) {
	r := rules(plans(talk, note))
	addon1, suite1 := through(1, addon, 1, note), direct(suite, 1, drive)
	before := having(addon1, suite1)
	s := settle(t, r, engine.Seats{base: seat(0, 0, 0), suite: unlimited, addon: unlimited}, nil,
		judged(1, before, before.Sources, addon1, direct(base, now, mail), selecting(suite1, drive, talk)))
	if refusal := s.refused(1, engine.Exclusion); refusal.Source.Product != suite || refusal.Reason.Plan != talk {
		t.Errorf("refused for plan %d of product %d", refusal.Reason.Plan, refusal.Source.Product)
	}
}

// Who held the product through a group brings its seat along, though none is free.
func TestDirectPrincipalKeepsTheSeatHeldThroughAGroupR23R25(t *testing.T) {
	r := rules()
	old, own := through(1, base, 1, mail), direct(base, now, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0)}, nil, judged(1, having(ended(old)), nil, own), judged(2, engine.User{}, nil, own))
	s.refused(1, engine.None)
	s.holds(1, base)
	s.refused(2, engine.Count)
}

// A refusal names the plans and what was on when it was judged.
func TestRefusalNamesTheConflictR9R12(t *testing.T) {
	r := rules(plans(mail, drive))
	held := through(1, base, 1, mail)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: unlimited}, nil,
		judged(1, having(held), []engine.Source{held}, held, direct(suite, now, drive)))
	refusal := s.refused(1, engine.Exclusion)
	if want := (engine.Reason{Code: engine.Exclusion, Set: "A", Plan: drive, Other: mail}); refusal.Reason != want || len(refusal.Others) != 1 || !refusal.Others[0].Selected.Has(mail) {
		t.Errorf("refused for %+v with %v on, want %+v", refusal.Reason, refusal.Others, want)
	}
	if refusal.Source.Product != suite {
		t.Errorf("the refused source is of product %d", refusal.Source.Product)
	}
}

// An edit that only switches off is never refused, even of a source that waits (R12).
func TestEditThatOnlySwitchesOffIsNeverRefusedR12(t *testing.T) {
	r := rules(plans(mail, drive))
	held, waiting := direct(base, 1, mail), direct(suite, 2, drive, note)
	before := with(having(held, waiting), waits(waiting, engine.Exclusion, 5))
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil,
		judged(1, before, before.Sources, held, selecting(waiting, drive)))
	s.refused(1, engine.None)
	s.rows(1, waits(waiting, engine.Exclusion, 5))

	t.Run("and one that switches the conflict off heals", func(t *testing.T) {
		s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil,
			judged(1, before, before.Sources, held, selecting(waiting, note)))
		s.refused(1, engine.None)
		s.holds(1, base, suite)
		s.on(1, mail, note)
	})
	t.Run("one that switches a plan on is refused while the source waits", func(t *testing.T) {
		s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil,
			judged(1, before, before.Sources, held, selecting(waiting, drive, note, talk)))
		s.refused(1, engine.Exclusion)
		s.rows(1, waits(waiting, engine.Exclusion, 5))
	})
}

// A plan that a direct edit adds is refused where it fails, not withheld.
func TestDirectEditThatAddsAnExcludedPlanIsRefusedR12(t *testing.T) {
	r := rules(plans(talk, drive))
	base1, suite1 := direct(base, 1, mail), through(1, suite, 1, drive)
	before := having(base1, suite1)
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: seat(1, 1, 0)}, nil,
		judged(1, before, before.Sources, selecting(base1, mail, talk), suite1))
	if refusal := s.refused(1, engine.Exclusion); refusal.Reason.Plan != talk {
		t.Errorf("refused for plan %d, want %d", refusal.Reason.Plan, talk)
	}
	s.on(1, mail, drive)
	s.rows(1)
}

// A plan that was withheld before is none that the edit adds: it stays withheld, and the edit
// goes through.
func TestPlanWithheldBeforeDoesNotRefuseAnEditR12(t *testing.T) {
	r := rules(plans(talk, drive))
	base1, suite1 := direct(base, 1, mail, talk), through(1, suite, 1, drive)
	before := with(having(base1, suite1), withheld(base1, talk, 5))
	s := settle(t, r, engine.Seats{base: seat(1, 1, 0), suite: seat(1, 1, 0)}, nil,
		judged(1, before, before.Sources, selecting(base1, mail, talk, note), suite1))
	s.refused(1, engine.None)
	s.on(1, mail, note, drive)
	s.rows(1, withheld(base1, talk, 5))
}

// Of a user's own items each may open the way for another; they are tried until none can be
// admitted any more.
func TestOwnItemsOfAJudgedUserNeedOneSeatPerProductR4R25(t *testing.T) {
	r := rules()
	group := through(1, base, now, talk)
	s := settle(t, r, engine.Seats{base: seat(1, 0, 0)}, nil, judged(1, engine.User{}, []engine.Source{group}, group, direct(base, now, mail)))
	s.refused(1, engine.None)
	s.holds(1, base)
	s.on(1, mail, talk)
	s.rows(1)
}

// The groups of a refused direct principal have their effect all the same.
func TestGroupSourcesOfARefusedPrincipalAreSettledR25(t *testing.T) {
	r := rules(plans(mail, drive))
	group := through(1, base, now, mail)
	blocker := through(2, suite, 1, drive)
	before := having(blocker)
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited, addon: seat(0, 0, 0)}, nil,
		judged(1, before, []engine.Source{blocker, group}, blocker, group, direct(addon, now, note)))
	s.refused(1, engine.Count)
	s.holds(1, suite)
	s.rows(1, waits(group, engine.Exclusion, now))
}
