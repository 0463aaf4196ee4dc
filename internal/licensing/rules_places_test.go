package licensing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// atMost asks for a product for a limited number of users.
func atMost(product uuid.UUID, users int) []licensing.LicenseInput {
	return []licensing.LicenseInput{{Product: product, SeatLimit: optional.Of(users)}}
}

// limited checks who waits for a place through a group, each with the facts.
func (o *office) limited(limit, used int, want ...uuid.UUID) {
	o.Helper()
	page, err := o.service.Errors(o.Context(), o.tenant, licensing.ErrorFilter{Codes: []fault.Code{fault.GroupSeatLimit}}, paging.Args{})
	if err != nil {
		o.Fatal(err)
	}
	if err := o.service.FillSeatDetails(o.Context(), o.tenant, page.Items); err != nil {
		o.Fatal(err)
	}
	var got []uuid.UUID
	for _, e := range page.Items {
		got = append(got, e.UserID)
		if d, is := e.Details.(*licensing.GroupSeatDetails); !is || d.Limit != limit || d.Used != used || d.Product != e.Product || d.Group != e.Source.Group {
			o.Errorf("the facts are %+v, want %d of %d", e.Details, used, limit)
		}
	}
	if !slices.Equal(got, want) {
		o.Errorf("for a place wait %v, want %v", got, want)
	}
}

// At most as many users have the product through the group as its limit says; places that come free,
// by who leaves or by a higher limit, go to who waits in the same commit.
func TestGroupsSeatLimitR8R13(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 9)
		o.join(sales, ann, bob, cid)
		o.assign(group(sales), atMost(base, 1), nil, "")
		o.holds(ann, base)
		o.limited(1, 1, bob, cid)
		if s := o.seats(base); s.Consumed != 1 || s.Waiting != 0 || s.InError != 2 {
			t.Errorf("the seats are %+v", s)
		}
		o.verify(t)
		o.do(func(d *licensing.Draft) error { d.RemoveMember(sales, ann); return nil })
		o.holds(bob, base)
		o.limited(1, 1, cid)
		o.assign(user(cid), give(base), nil, "") // another way; through the group there is still no place
		o.holds(cid, base)
		o.limited(1, 1, cid)
		o.assign(group(sales), atMost(base, 2), nil, "")
		o.limited(2, 2)
		o.assign(group(sales), atMost(base, 0), nil, "") // takes it from nobody
		o.join(sales, dot)
		o.holds(bob, base)
		o.limited(0, 2, dot)
		o.verify(t)
		o.assign(group(sales), []licensing.LicenseInput{{Product: base, SeatLimit: optional.Null[int]()}}, nil, "")
		o.holds(dot, base)
		if n := o.number(t, `SELECT count(*) FROM place_counters`); n != 0 {
			t.Errorf("%d counters are left", n)
		}
		o.assign(group(sales), atMost(base, 3), nil, "") // of all who have it
		o.join(sales, ann)
		o.limited(3, 3, ann)
		o.verify(t)
		o.exec(t, `UPDATE place_counters SET used = 2`)
		report, err := o.service.Verify(t.Context(), o.tenant, nil)
		if err != nil || len(report.Problems) != 2 || !strings.Contains(report.Problems[1].Message, "says that 2 users have Base through it; recounted they are 3") {
			t.Errorf("found %+v, %v", report, err)
		}
	})
}

// Without a seat who gets a place waits for the seat; the order among those who wait is R5's.
func TestPlaceWithoutASeatWaitsForTheSeatR5R8(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		sub := o.buy(base, 1)
		o.assign(user(dot), give(base), nil, "")
		o.join(sales, ann)
		o.join(sales, bob)
		o.assign(group(sales), atMost(base, 1), nil, "")
		o.limited(1, 0)
		o.line(base, ann, bob)
		o.resize(sub, 2)
		o.holds(ann, base)
		o.line(base)
		o.limited(1, 1, bob)
		o.resize(sub, 3)
		o.limited(1, 1, bob) // a seat is free, and no place
		o.verify(t)
	})
}

// What is wrong with a limit is refused where it stands; the event tells it.
func TestSeatLimitIsCheckedAndAuditedR8R24R28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 9)
		_, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: atMost(base, -1)})
		if f := o.refused(err, fault.InvalidValue); !slices.Equal(f.Path, []string{"add", "0", "seatLimit"}) {
			t.Errorf("refused at %v", f.Path)
		}
		out := o.assign(user(ann), atMost(base, 1), nil, fault.InvalidValue)
		if f := out.Results[0].Errors[0]; !slices.Equal(f.Path, []string{"add", "0", "seatLimit"}) {
			t.Errorf("refused at %v", f.Path)
		}
		o.assign(group(sales), atMost(base, 7), nil, "")
		if out := o.assign(group(sales), atMost(base, 7), nil, ""); out.Changed {
			t.Error("a repetition changes something")
		}
		events := o.events()
		if fields := strings.Join(fieldTexts(events[len(events)-1]), " "); !strings.Contains(fields, "none → all plans; at most 7 users") {
			t.Errorf("the event tells %s", fields)
		}
	})
}

// Who waits for a product that a group has with a limit is looked at where somebody comes to have it or
// has it no longer, and nowhere else.
func TestLineOfALimitedProductIsReadOnlyWhereWhoHasItMovesR8(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, st *dbtest.Statements) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 1)
		o.join(sales, ann, bob, cid)
		o.assign(group(sales), atMost(base, 2), nil, "")
		o.line(base, bob, cid)
		reads := func(change func()) bool {
			st.Reset()
			change()
			return slices.ContainsFunc(st.List(), func(text string) bool {
				return strings.Contains(text, "SELECT v.user_id FROM license_violations v") || strings.Contains(text, "SELECT count(*) FROM license_violations")
			})
		}
		if reads(func() { o.join(crew, ann, bob, dot) }) {
			t.Error("a change of who is in another group reads the line")
		}
		if reads(func() { o.join(sales, dot) }) {
			t.Error("who comes to wait reads the line")
		}
		if !reads(func() { o.do(func(d *licensing.Draft) error { d.RemoveMember(sales, ann); return nil }) }) {
			t.Error("a seat that goes from hand to hand does not read the line")
		}
		o.holds(bob, base)
		o.line(base, cid, dot)
		o.verify(t)
	})
}
