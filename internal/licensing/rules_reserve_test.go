package licensing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// keeping asks for a product of which seats are kept until so many users have it.
func keeping(product uuid.UUID, seats int) []licensing.LicenseInput {
	return []licensing.LicenseInput{{Product: product, SeatReserve: optional.Of(seats)}}
}

// kept checks how many seats of a product are kept for groups, and how many anybody can be given.
func (o *office) kept(product uuid.UUID, reserved, available int) {
	o.Helper()
	if s := o.seats(product); s.Reserved != reserved || s.Available == nil || *s.Available != available {
		o.Errorf("the seats are %+v, want %d reserved and %d available", s, reserved, available)
	}
	o.verify(o.T)
}

// Seats that are kept for a group are given to its members alone, in whatever order they come; the rest
// is anybody's, and so are they once the reserve is lowered.
func TestGroupsSeatReserveR8R13(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 3)
		out := o.assign(group(sales), keeping(base, 2), nil, "")
		if p := out.Impact.Products; len(p) != 1 || p[0].SeatsBefore.Reserved != 0 || p[0].SeatsAfter.Reserved != 2 || *p[0].SeatsAfter.Available != 1 {
			t.Errorf("the impact is %+v", p)
		}
		o.kept(base, 2, 1)
		o.assign(user(ann), give(base), nil, "")
		out = o.assign(user(bob), give(base), nil, fault.CountViolation)
		f := out.Results[0].Errors[0]
		if d, is := f.Details.(*licensing.SeatDetails); !is || d.Reserved != 2 || d.Consumed != 1 || !strings.Contains(f.Message, "1 of 3 is taken, and 2 are kept for members of groups") {
			t.Errorf("refused: %s, %+v", f.Message, f.Details)
		}
		o.join(crew, cid)
		o.assign(group(crew), give(base), nil, "")
		o.line(base, cid)
		if e := o.view(cid).Errors()[0]; e.Explain().Code != fault.CountViolation {
			t.Errorf("the error is %+v", e)
		}
		o.join(sales, dot)
		o.holds(dot, base)
		o.line(base, cid)
		o.kept(base, 1, 0)
		o.join(sales, cid) // who waits longer by another way
		o.holds(cid, base)
		o.line(base)
		o.kept(base, 0, 0)
		o.do(func(d *licensing.Draft) error { d.RemoveMember(sales, dot); return nil })
		o.kept(base, 1, 0)
		o.assign(user(bob), give(base), nil, fault.CountViolation)
		o.join(crew, bob)
		o.line(base, bob)
		out = o.assign(group(sales), keeping(base, 0), nil, "")
		if out.Impact.UsersGaining != 1 {
			t.Errorf("%d users gain", out.Impact.UsersGaining)
		}
		o.holds(bob, base)
		o.kept(base, 0, 0)
		if n := o.number(t, `SELECT count(*) FROM place_counters`); n != 0 {
			t.Errorf("%d counters are left", n)
		}
	})
}

// A reserve takes a seat from nobody: what is lacking is kept of the seats that come free, before those
// who wait longer.
func TestReserveIsFilledByWhatComesFreeR8R13(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		sub := o.buy(base, 2)
		o.assign(user(ann), give(base), nil, "")
		o.assign(user(bob), give(base), nil, "")
		o.join(crew, cid)
		o.assign(group(crew), give(base), nil, "")
		o.assign(group(sales), keeping(base, 1), nil, "")
		o.kept(base, 0, 0)
		o.assign(user(ann), nil, []uuid.UUID{base}, "")
		o.line(base, cid)
		o.kept(base, 1, 0)
		o.resize(sub, 3)
		o.line(base)
		o.kept(base, 1, 0)
		o.join(sales, cid) // has it already, and counts
		o.kept(base, 0, 1)
	})
}

// A reserve is in effect from the start of its assignment to its end.
func TestReserveOfAScheduledAssignmentKeepsNothingR1R8(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 1)
		start, end := o.clock.Now().Add(day), o.clock.Now().Add(2*day)
		add := keeping(base, 1)
		add[0].StartsAt, add[0].EndsAt = optional.Of(start), optional.Of(end)
		o.assign(group(sales), add, nil, "")
		o.join(crew, cid)
		o.assign(group(crew), give(base), nil, "")
		o.holds(cid, base)
		o.do(func(d *licensing.Draft) error { d.RemoveMember(crew, cid); return nil })
		o.kept(base, 0, 1)
		o.until(start)
		o.applied(1)
		o.kept(base, 1, 0)
		o.join(crew, cid)
		o.line(base, cid)
		o.join(sales, dot)
		o.kept(base, 0, 0)
		o.do(func(d *licensing.Draft) error { d.RemoveMember(sales, dot); return nil })
		taken := o.clock.Now() - 1
		o.kept(base, 1, 0)
		o.until(end)
		o.applied(1)
		o.holds(cid, base)
		for at, want := range map[clock.Instant]int{start - 1: 0, start: 1, taken: 0, end - 1: 1, end: 0} {
			then, err := o.service.SubscribedProductsAsOf(t.Context(), o.tenant, []uuid.UUID{base}, at)
			if err != nil || then[0].Seats.Reserved != want {
				t.Errorf("at %s the seats were %+v, want %d reserved: %v", at, then[0].Seats, want, err)
			}
		}
		views, err := o.service.ReadUsersAsOf(t.Context(), o.tenant, []uuid.UUID{cid}, end-1)
		if err != nil {
			t.Fatal(err)
		}
		if d, is := views[0].Errors()[0].Details.(*licensing.SeatDetails); !is || d.Reserved != 1 {
			t.Errorf("before the end the facts were %+v", views[0].Errors()[0].Details)
		}
	})
}

// What was kept at an instant goes by who had the assignment then.
func TestReservedSeatsOfThePastR8R29(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 3)
		o.assign(group(sales), keeping(base, 1), nil, "")
		begun := o.clock.Now()
		o.join(sales, dot)
		joined := o.clock.Now()
		o.kept(base, 0, 2)
		o.do(func(d *licensing.Draft) error { d.RemoveMember(sales, dot); return nil })
		for at, want := range map[clock.Instant]int{begun: 1, joined - 1: 1, joined: 0, o.clock.Now(): 1} {
			then, err := o.service.SubscribedProductsAsOf(t.Context(), o.tenant, []uuid.UUID{base}, at)
			if err != nil || then[0].Seats.Reserved != want {
				t.Errorf("at %s the seats were %+v, want %d reserved: %v", at, then[0].Seats, want, err)
			}
		}
	})
}

// Without a limit on seats, and of more seats than are left, none are told as reserved.
func TestReservedSeatsAreOnesThatAreThereR8R14(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 1)
		o.assign(group(sales), keeping(base, 9), nil, "")
		o.kept(base, 1, 0)
		unlimited := o.buy(base, -1)
		if s := o.seats(base); s.Reserved != 0 || s.Available != nil {
			t.Errorf("the seats are %+v", s)
		}
		o.assign(user(ann), give(base), nil, "")
		o.assign(user(bob), give(base), nil, "")
		if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: unlimited.ID, AllowOverAllocation: true}); err != nil {
			t.Fatal(err)
		}
		o.kept(base, 0, -1)
	})
}

// A reserve needs a limit that allows it, whichever is given, and is no matter of users; a repetition
// changes nothing; the event tells it.
func TestSeatReserveIsCheckedAndAuditedR8R24R28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 9)
		_, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: keeping(base, -1)})
		if f := o.refused(err, fault.InvalidValue); !slices.Equal(f.Path, []string{"add", "0", "seatReserve"}) {
			t.Errorf("refused at %v", f.Path)
		}
		refusedAt := func(ref licensing.PrincipalRef, add []licensing.LicenseInput, field string) {
			t.Helper()
			out := o.assign(ref, add, nil, fault.InvalidValue)
			if f := out.Results[0].Errors[0]; !slices.Equal(f.Path, []string{"add", "0", field}) || f.Remediation == "" {
				t.Errorf("refused at %v: %s %s", f.Path, f.Message, f.Remediation)
			}
		}
		both := keeping(base, 3)
		both[0].SeatLimit = optional.Of(2)
		refusedAt(user(ann), keeping(base, 1), "seatReserve")
		refusedAt(group(sales), both, "seatReserve")
		both[0].SeatLimit = optional.Of(3)
		o.assign(group(sales), both, nil, "")
		refusedAt(group(sales), keeping(base, 4), "seatReserve")
		refusedAt(group(sales), atMost(base, 2), "seatLimit")
		if out := o.assign(group(sales), keeping(base, 3), nil, ""); out.Changed {
			t.Error("a repetition changes something")
		}
		o.assign(user(ann), keeping(base, 0), nil, "")
		events := o.events()
		if fields := strings.Join(fieldTexts(events[len(events)-2]), " "); !strings.Contains(fields, "at most 3 users; keeps seats for 3 users") {
			t.Errorf("the event tells %s", fields)
		}
		o.assign(group(sales), []licensing.LicenseInput{{Product: base, SeatReserve: optional.Null[int]()}}, nil, "")
		o.kept(base, 0, 8)
		events = o.events()
		if fields := strings.Join(fieldTexts(events[len(events)-1]), " "); !strings.Contains(fields, "keeps seats for 3 users → all plans; at most 3 users") {
			t.Errorf("the event tells %s", fields)
		}
	})
}

// Who waits because the seats left are kept for others is told how many to buy: those too. Whose own
// group is kept seats for needs no more than come first.
func TestProposalToBuySeatsCountsWhatIsKeptR5R8(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		sub := o.buy(base, 2)
		o.assign(group(sales), keeping(base, 2), nil, "")
		o.join(crew, ann, bob)
		o.assign(group(crew), give(base), nil, "") // ann stands before bob
		if p := o.works(bob, mail, licensing.BuySeats); p.Input["seats"] != int64(4) {
			t.Errorf("proposed is %+v", p.Input)
		}
		o.join(sales, cid)
		o.resize(sub, 3)
		o.join(sales, dot)
		if p := o.works(dot, mail, licensing.BuySeats); p.Input["seats"] != int64(4) {
			t.Errorf("proposed is %+v", p.Input)
		}
	})
}

// Whose group nobody has a seat through yet is proposed to be bought one.
func TestProposalToBuyTheFirstReservedSeatR8(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		o.assign(user(ann), give(base), nil, "")
		o.join(sales, bob)
		o.assign(group(sales), keeping(base, 1), nil, "")
		if p := o.works(bob, mail, licensing.BuySeats); p.Input["seats"] != int64(2) {
			t.Errorf("proposed is %+v", p.Input)
		}
	})
}

// Without a live subscription seats are proposed for all whom the assignments reach, and what is kept
// beyond them.
func TestProposalToCreateASubscriptionCountsMembersOfAReserveOnceR8(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for reserve, want := range map[int]int64{2: 3, 3: 3, 5: 5} {
			o := newOffice(t, db)
			sub := o.buy(base, 3)
			o.join(sales, ann, bob, cid)
			o.assign(group(sales), keeping(base, reserve), nil, "")
			if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, AcknowledgeLosses: ptr(3)}); err != nil {
				t.Fatal(err)
			}
			if p := o.works(ann, mail, licensing.BuySeats); p.Mutation != "createSubscription" || p.Input["seats"] != want {
				t.Errorf("of %d seats kept for three: %s %v, want %d", reserve, p.Mutation, p.Input, want)
			}
		}
	})
}

// Verification finds who waits for a seat that is kept for nobody, or for the user's own group (R17).
func TestVerificationKnowsWhoseSeatsAreKeptR8R17(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 1)
		o.assign(group(sales), keeping(base, 1), nil, "")
		o.join(crew, cid)
		o.assign(group(crew), give(base), nil, "")
		o.line(base, cid)
		for _, c := range []struct {
			forSales, forCrew, problems int
		}{{1, 0, 0}, {0, 0, 1}, {1, 1, 1}} {
			o.exec(t, `UPDATE assignments SET seat_reserve = CASE group_id WHEN $1 THEN CAST($2 AS integer) ELSE CAST($3 AS integer) END`, sales, c.forSales, c.forCrew)
			report, err := o.service.Verify(t.Context(), o.tenant, nil)
			if err != nil || len(report.Problems) != c.problems || c.problems > 0 && !strings.Contains(report.Problems[0].Message, "while one is free") {
				t.Errorf("%+v: found %+v, %v", c, report, err)
			}
		}
	})
}
