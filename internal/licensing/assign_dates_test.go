package licensing_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// from gives a product from an instant on, and until one; 0 is none of them.
func from(product uuid.UUID, start, end clock.Instant) []licensing.LicenseInput {
	in := licensing.LicenseInput{Product: product}
	if start > 0 {
		in.StartsAt = optional.Of(start)
	}
	if end > 0 {
		in.EndsAt = optional.Of(end)
	}
	return []licensing.LicenseInput{in}
}

// own tells the status and dates of a principal's only assignment.
func (o *office) own(ref licensing.PrincipalRef) *licensing.Assignment {
	o.Helper()
	out := o.assign(ref, nil, nil, "")
	if own := out.Results[0].Assignments; len(own) == 1 {
		return own[0]
	}
	o.Fatalf("it has %+v", out.Results[0].Assignments)
	return nil
}

func (o *office) last() *audit.Event {
	o.Helper()
	all := o.events()
	return all[len(all)-1]
}

// Before its start an assignment is a fact without effect; at it, it begins by itself, and who finds
// no seat waits, direct ones too.
func TestAssignmentIsWithoutEffectUntilItStartsR1(t *testing.T) {
	for name, to := range map[string]licensing.PrincipalRef{"direct": user(ann), "of a group": group(all)} {
		dbtest.Each(t, func(t *testing.T, db *database.DB) {
			o := newOffice(t, db)
			o.buy(base, 1)
			o.join(sales, ann)
			o.assign(user(bob), give(base), nil, "")
			start := o.clock.Now().Add(day)
			if out := o.assign(to, from(base, start, 0), nil, ""); !out.Changed || out.Impact.UsersGaining+out.Impact.UsersInError != 0 {
				t.Errorf("%s: it needs no seat and brings nothing: %+v", name, out.Impact)
			}
			if a := o.own(to); a.Status != licensing.AssignmentScheduled || *a.StartsAt != start || a.EndsAt != nil {
				t.Errorf("%s: it is %+v", name, a)
			}
			if v := o.view(ann); len(v.Licenses())+len(v.Errors()) != 0 {
				t.Errorf("%s: Ann has %+v", name, v.Licenses())
			}
			o.verify(t)
			o.until(start - 1)
			if due := o.due(); due.Applied != 0 || due.Next != start {
				t.Errorf("%s: an instant too early: %+v", name, due)
			}
			o.holds(ann)
			o.until(start)
			o.applied(1)
			e := o.last()
			if e.Action != audit.AssignmentStart || e.Actor.Kind != audit.ActorSystem || e.Products[0].UsersInError != 1 || len(e.Subjects) != 1 || len(e.Fields) != 1 {
				t.Errorf("%s: the event is %+v", name, e)
			}
			errs := o.view(ann).Errors()
			if len(errs) != 1 || errs[0].Code != fault.CountViolation || errs[0].Since != e.OccurredAt {
				t.Fatalf("%s: the errors are %+v", name, errs)
			}
			if a := o.own(to); a.Status != licensing.AssignmentActive || *a.StartsAt != start || a.Version != 2 {
				t.Errorf("%s: it is %+v", name, a)
			}
			o.verify(t)
			o.assign(user(bob), nil, []uuid.UUID{base}, "")
			o.holds(ann, base)
			if s := o.view(ann).Licenses()[0].Sources[0]; s.Since != e.OccurredAt {
				t.Errorf("%s: it is a source since %s, want %s", name, s.Since, e.OccurredAt)
			}
			o.applied(0)
		})
	}
}

// At its end an assignment goes by itself: its seat goes to who waits, in the same change, and
// nobody is asked.
func TestAssignmentEndsByItselfAndHealsR1R13R27(t *testing.T) {
	for name, to := range map[string]licensing.PrincipalRef{"direct": user(ann), "of a group": group(all)} {
		dbtest.Each(t, func(t *testing.T, db *database.DB) {
			o := newOffice(t, db)
			o.terms(func(in *licensing.UpdateTenantInput) { in.LossThreshold = ptr(0) })
			o.buy(base, 1)
			o.join(all, ann)
			end := o.clock.Now().Add(day)
			o.assign(to, from(base, 0, end), nil, "")
			o.join(sales, bob)
			o.assign(group(sales), give(base), nil, "")
			o.holds(ann, base)
			o.until(end - 1)
			if due := o.due(); due.Applied != 0 || due.Next != end {
				t.Errorf("%s: an instant too early: %+v", name, due)
			}
			o.until(end)
			o.applied(1)
			o.holds(ann)
			o.holds(bob, base)
			e := o.last()
			if e.Action != audit.AssignmentEnd || e.Products[0].UsersGaining != 1 || e.Products[0].UsersLosing != 1 || e.Fields[0].After != nil {
				t.Errorf("%s: the event is %+v", name, e)
			}
			if out := o.assign(to, nil, nil, ""); len(out.Results[0].Assignments) != 0 {
				t.Errorf("%s: it is still there: %+v", name, out.Results[0].Assignments[0])
			}
			o.applied(0)
			o.verify(t)
		})
	}
}

// What ends and what begins at one instant is one change: a swap by the clock leaves no gap, and
// what needs the product that goes finds it in the one that comes.
func TestEndAndStartOfOneInstantAreOneChangeR5R23(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.buy(suite, 2)
		at := o.clock.Now().Add(day)
		o.assign(user(ann), from(base, 0, at), nil, "")
		o.assign(user(ann), from(suite, at, 0), nil, "")
		o.assign(user(bob), give(suite), nil, "")
		o.join(sales, cid)
		o.assign(group(sales), from(suite, at, 0), nil, "")
		o.until(at)
		o.applied(1)
		o.holds(ann, suite)
		o.holds(bob, suite)
		o.holds(cid)
		if e := o.last(); e.Action != audit.AssignmentEnd || len(e.Subjects) != 2 || len(e.Fields) != 3 {
			t.Errorf("the event is %+v", e)
		}
		o.verify(t)
	})
}

// After downtime what fell due is made up for in its order, one change for each instant, and an
// assignment that has begun and ended meanwhile is gone.
func TestAssignmentsAreMadeUpForInOrderR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		now := o.clock.Now()
		at := func(d time.Duration) clock.Instant { return now.Add(d) }
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), StartsAt: ptr(at(day))})
		o.assign(user(ann), from(base, at(day), at(2*day)), nil, "")
		o.assign(user(bob), from(base, at(3*day), 0), nil, "")
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(bob).User); return nil })
		o.clock.Advance(5 * day)
		o.applied(4)
		var got []audit.Action
		for _, e := range o.events()[len(o.events())-4:] {
			got = append(got, e.Action)
		}
		if want := []audit.Action{audit.SubscriptionStatus, audit.AssignmentStart, audit.AssignmentEnd, audit.AssignmentStart}; !slices.Equal(got, want) {
			t.Errorf("it came in the order %v, want %v", got, want)
		}
		o.holds(ann)
		o.do(func(d *licensing.Draft) error { d.RestoreUser(&o.view(bob).User); return nil })
		o.holds(bob, base)
		o.verify(t)
	})
}

// Dates are moved and cleared, and a repetition changes nothing.
func TestDatesAreEditedR24(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		start := o.clock.Now().Add(day)
		end := start.Add(day)
		to := user(ann)
		change := func(changed bool, add ...licensing.LicenseInput) *licensing.Assignment {
			t.Helper()
			if out := o.assign(to, add, nil, ""); out.Changed != changed {
				t.Errorf("changed is %v, want %v", out.Changed, changed)
			}
			return o.own(to)
		}
		change(true, from(base, start, end)...)
		change(false, from(base, start, end)...)
		change(false, from(base, start, 0)...) // absent keeps
		change(false, give(base)...)
		if a := change(true, from(base, start.Add(time.Hour), 0)...); *a.StartsAt != start.Add(time.Hour) || *a.EndsAt != end || a.Version != 2 {
			t.Errorf("moved: %+v", a)
		}
		if a := change(true, only(base, mail)...); a.Status != licensing.AssignmentScheduled || a.Selection.Mode != "ONLY" {
			t.Errorf("other plans: %+v", a)
		}
		o.holds(ann)
		out := o.assign(to, []licensing.LicenseInput{{Product: base, StartsAt: optional.Null[clock.Instant](), EndsAt: optional.Null[clock.Instant]()}}, nil, "")
		if out.Impact.UsersGaining != 1 {
			t.Errorf("without a start it begins: %+v", out.Impact)
		}
		if a := o.own(to); a.Status != licensing.AssignmentActive || a.StartsAt != nil || a.EndsAt != nil {
			t.Errorf("cleared: %+v", a)
		}
		o.holds(ann, base)
		change(false, from(base, o.clock.Now(), 0)...) // it has begun
		change(false, licensing.LicenseInput{Product: base, StartsAt: optional.Null[clock.Instant]()})
		if a := change(true, from(base, 0, end)...); *a.EndsAt != end {
			t.Errorf("with an end: %+v", a)
		}
		o.assign(to, nil, []uuid.UUID{base}, "")
		if a := change(true, from(base, o.clock.Now().Add(-day), 0)...); a.Status != licensing.AssignmentActive || a.StartsAt != nil {
			t.Errorf("a start that is past: %+v", a)
		}
		o.verify(t)
	})
}

// A scheduled direct assignment that is to begin with the call is judged as a new one.
func TestBeginningByHandIsJudgedR12R16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 1)
		start := o.clock.Now().Add(day)
		o.assign(user(ann), from(base, start, 0), nil, "")
		o.assign(user(bob), give(base), nil, "")
		now := []licensing.LicenseInput{{Product: base, StartsAt: optional.Null[clock.Instant]()}}
		o.unchanged(func() { o.assign(user(ann), now, nil, fault.CountViolation) })
		o.assign(user(bob), nil, []uuid.UUID{base}, "")
		o.cancel(sub)
		o.unchanged(func() { o.assign(user(ann), now, nil, fault.NoSubscription) })
		o.verify(t)
	})
}

// Dates that cannot be are refused by name, and nothing is stored.
func TestImpossibleDatesAreRefusedR1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.buy(suite, 5)
		now := o.clock.Now()
		soon, later := now.Add(day), now.Add(2*day)
		o.assign(user(ann), give(base), nil, "")
		o.assign(user(bob), from(base, soon, later), nil, "")
		swap := from(suite, soon, 0)
		swap[0].Replaces = &base
		for _, c := range []struct {
			name string
			to   uuid.UUID
			add  []licensing.LicenseInput
			path string
		}{
			{"an end that is past", cid, from(base, 0, now), "add.0.endsAt"},
			{"an end before the start", cid, from(base, later, soon), "add.0.endsAt"},
			{"an end at the start", cid, from(base, soon, soon), "add.0.endsAt"},
			{"an end before the start that is there", bob, from(base, 0, soon), "add.0.endsAt"},
			{"a start after the end that is there", bob, from(base, later, 0), "add.0.startsAt"},
			{"a start to come of what is in effect", ann, from(base, soon, 0), "add.0.startsAt"},
			{"a start to come of what replaces", ann, swap, "add.0.replaces"},
		} {
			o.unchanged(func() {
				out, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{user(c.to)}, Add: c.add})
				if err == nil && len(out.Results[0].Errors) == 1 {
					err = out.Results[0].Errors[0]
				}
				if f := o.refused(err, fault.InvalidValue); strings.Join(f.Path, ".") != c.path || f.Remediation == "" {
					t.Errorf("%s: the path is %v, want %s", c.name, f.Path, c.path)
				}
			})
		}
	})
}

// What is taken now for something that comes later is asked for from the first user on; what comes
// at once in its place is not.
func TestTakingNowForLaterIsAskedR23R27(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.buy(suite, 5)
		o.join(sales, bob)
		for _, to := range []licensing.PrincipalRef{user(ann), group(sales)} {
			o.assign(to, give(base), nil, "")
			in := licensing.AssignInput{Principals: []licensing.PrincipalRef{to}, Add: from(suite, o.clock.Now().Add(day), 0), Mode: licensing.AssignReplace}
			o.unchanged(func() {
				_, err := o.service.Assign(t.Context(), o.tenant, in)
				o.refused(err, fault.ConfirmationRequired)
			})
			in.AcknowledgeLosses = ptr(1)
			if out, err := o.service.Assign(t.Context(), o.tenant, in); err != nil || !out.Changed {
				t.Errorf("acknowledged: %+v, %v", out, err)
			}
		}
		o.holds(ann)
		o.holds(bob)
		o.verify(t)
	})
}

// A scheduled assignment counts as one: for the group that cannot be deleted, for the one of each
// product, and for what cannot be cancelled without a word. It is no loss.
func TestScheduledAssignmentsAreFactsR20(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 5)
		o.join(sales, ann)
		start := o.clock.Now().Add(day)
		o.assign(group(sales), from(base, start, 0), nil, "")
		o.assign(user(bob), from(base, start, 0), nil, "")
		if a := o.own(group(sales)); a.Status != licensing.AssignmentScheduled {
			t.Errorf("it is %+v", a)
		}
		if out := o.assign(user(ann), nil, []uuid.UUID{base}, ""); out.Changed { // R21: nothing is inherited yet
			t.Errorf("Ann had it: %+v", out.Impact)
		}
		o.assign(user(cid), give(base), nil, "")
		_, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID})
		if f := o.refused(err, fault.ConfirmationRequired); !strings.Contains(f.Message, "assignments to 0 groups") {
			t.Errorf("R15: %s", f.Message)
		}
		o.assign(user(cid), nil, []uuid.UUID{base}, "")
		o.cancel(sub)
		if v := o.view(ann); len(v.Errors()) != 0 {
			t.Errorf("the errors are %+v", v.Errors())
		}
		c, err := o.service.Errors(t.Context(), o.tenant, licensing.ErrorFilter{}, paging.Args{})
		if err != nil || len(c.Items) != 0 {
			t.Errorf("the list of errors is %+v, %v", c.Items, err)
		}
		o.assign(group(all), from(base, start, 0), nil, fault.NoSubscription)
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(2), StartsAt: &start})
		o.assign(group(all), from(base, start, 0), nil, "")
		o.until(start)
		o.applied(2)
		o.holds(ann, base)
		o.holds(bob, base)
		o.verify(t)
	})
}

// Many that are due at one instant are carried out in a few changes.
func TestManyAssignmentsOfOneInstantTakeFewChangesR1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		const many = 4500
		o.buy(base, -1)
		var refs []licensing.PrincipalRef
		o.do(func(d *licensing.Draft) error {
			for n := range many {
				key := numbered(9, n)
				refs = append(refs, user(key))
				d.CreateUser(&principal.User{ID: key, DisplayName: fmt.Sprint(n), UserPrincipalName: fmt.Sprint(n, "@example.com"), UsageLocation: ptr("NL"),
					UserType: principal.Member, AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			}
			return nil
		})
		start := o.clock.Now().Add(day)
		end := start.Add(day)
		if _, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: refs[:many-1], Add: from(base, start, end)}); err != nil {
			t.Fatal(err)
		}
		o.assign(refs[many-1], from(base, 0, start), nil, "") // one of the last change ends
		o.until(start)
		o.applied(3)
		if n := o.seats(base).Consumed; n != many-1 {
			t.Errorf("%d hold it", n)
		}
		var got []audit.Action
		for _, e := range o.events()[len(o.events())-3:] {
			got = append(got, e.Action)
		}
		if want := []audit.Action{audit.AssignmentStart, audit.AssignmentStart, audit.AssignmentEnd}; !slices.Equal(got, want) {
			t.Errorf("the changes are %v, want %v", got, want)
		}
		o.until(end)
		o.applied(3)
		if n := o.seats(base).Consumed; n != 0 {
			t.Errorf("%d hold it", n)
		}
	})
}

// Any number of servers may carry out what is due: each start and each end is made once.
func TestServersBeginAndEndEachAssignmentOnceR1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		start := o.clock.Now().Add(day)
		for n, to := range []licensing.PrincipalRef{user(ann), user(bob), group(sales)} {
			o.assign(to, from(base, start+clock.Instant(n), start.Add(day)+clock.Instant(n)), nil, "")
		}
		servers := make([]*licensing.Service, 3)
		for i := range servers {
			var err error
			if servers[i], err = licensing.New(licensing.Config{DB: db, Clock: o.clock, NewID: id.NewV7}); err != nil {
				t.Fatal(err)
			}
		}
		for _, at := range []clock.Instant{start.Add(time.Hour), start.Add(2 * day)} {
			o.until(at)
			var all sync.WaitGroup
			var applied atomic.Int64
			for _, s := range servers {
				all.Go(func() {
					due, err := s.ApplyDue(t.Context())
					if err != nil || len(due.Failed) > 0 {
						t.Errorf("%+v, %v", due, err)
						return
					}
					applied.Add(int64(due.Applied))
				})
			}
			all.Wait()
			if applied.Load() != 3 {
				t.Errorf("%d changes, want 3", applied.Load())
			}
			o.verify(t)
		}
		if n := o.query(`SELECT count(*) FROM assignments`); n[0] != "0" {
			t.Errorf("%s are left", n[0])
		}
	})
}

// What ends soon is listed by its end, for users and groups, in pages.
func TestExpiringAssignmentsAreListedByTheirEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 9)
		o.buy(suite, 9)
		now := o.clock.Now()
		in := func(days int) clock.Instant { return now.Add(time.Duration(days) * day) }
		o.assign(user(ann), from(base, 0, in(3)), nil, "")
		o.assign(group(all), from(suite, in(1), in(2)), nil, "")
		o.assign(user(bob), from(base, 0, in(40)), nil, "")
		o.assign(user(cid), give(base), nil, "")
		o.assign(user(dot), from(base, 0, in(1)), nil, "")
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(dot).User); return nil })
		list := func(f licensing.ExpiringFilter, args paging.Args, want ...clock.Instant) paging.Page[*licensing.Assignment] {
			t.Helper()
			c, err := o.service.ExpiringAssignments(t.Context(), o.tenant, f, args)
			if err != nil {
				t.Fatal(err)
			}
			var got []clock.Instant
			for _, a := range c.Items {
				got = append(got, *a.EndsAt)
			}
			if !slices.Equal(got, want) {
				t.Errorf("the ends are %v, want %v", got, want)
			}
			return c.Page
		}
		list(licensing.ExpiringFilter{}, paging.Args{}, in(2), in(3))
		list(licensing.ExpiringFilter{Until: ptr(in(40))}, paging.Args{}, in(2), in(3), in(40))
		list(licensing.ExpiringFilter{Until: ptr(in(40) - 1), Product: &base}, paging.Args{}, in(3))
		page := list(licensing.ExpiringFilter{Until: ptr(in(40))}, paging.Args{First: ptr(1)}, in(2))
		list(licensing.ExpiringFilter{Until: ptr(in(40))}, paging.Args{After: &page.Cursors[0]}, in(3), in(40))
	})
}

// What the clock does to assignments has the event behind it that gave them their dates (R28).
func TestStartsAndEndsOfAssignmentsNameTheirCauseR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		at := o.clock.Now().Add(time.Hour)
		for _, ref := range []licensing.PrincipalRef{group(all), user(cid)} {
			in := give(base)
			in[0].StartsAt, in[0].EndsAt = optional.Of(at), optional.Of(at.Add(time.Hour))
			o.assign(ref, in, nil, "")
			assigned := o.events()[len(o.events())-1]
			for _, turn := range []struct {
				at     clock.Instant
				action audit.Action
			}{{at, audit.AssignmentStart}, {at.Add(time.Hour), audit.AssignmentEnd}} {
				o.until(turn.at)
				o.applied(1)
				last := o.events()[len(o.events())-1]
				if last.Action != turn.action || last.CauseID == nil || *last.CauseID != assigned.ID {
					t.Errorf("%s has the cause %v, want %s", last.Action, last.CauseID, assigned.ID)
				}

			}
			at = at.Add(2 * time.Hour)
		}
	})
}
