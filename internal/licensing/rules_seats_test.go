package licensing_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Negative seats, and seats that bring a product's sum over 2^31 − 1, are refused and change
// nothing; the sum itself is within.
func TestSeatsThatNoCountHoldsAreRefusedR14(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, math.MaxInt32-10)
		o.buy(suite, math.MaxInt32) // other products have a sum of their own
		gone := o.buy(base, 10)
		if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: gone.ID}); err != nil {
			t.Fatal(err)
		}
		create := func(seats int) error {
			_, err := o.service.CreateSubscription(t.Context(), o.tenant, licensing.CreateSubscriptionInput{Product: base, Seats: &seats})
			return err
		}
		update := func(seats int) error {
			_, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(seats)})
			return err
		}
		for name, call := range map[string]func() error{
			"create with fewer than none":       func() error { return create(-1) },
			"create with the least there is":    func() error { return create(math.MinInt32) },
			"create with one too many":          func() error { return create(11) },
			"create with the most there is":     func() error { return create(math.MaxInt32) },
			"update to fewer than none":         func() error { return update(-1) },
			"update to one too many, in theory": func() error { return update(math.MaxInt32 + 1) },
		} {
			t.Run(name, func(t *testing.T) {
				o := o.in(t)
				o.unchanged(func() {
					if f := o.refused(call(), fault.InvalidValue); !slices.Equal(f.Path, []string{"seats"}) || f.Remediation == "" {
						t.Errorf("the refusal is at %v: %s %s", f.Path, f.Message, f.Remediation)
					}
				})
			})
		}
		for _, seats := range []int{math.MaxInt32, math.MaxInt32 - 10} { // its own old seats do not count
			if err := update(seats); err != nil {
				t.Error(err)
			}
		}
		if err := create(10); err != nil { // the sum is 2^31 − 1 now
			t.Error(err)
		}
		o.refused(update(math.MaxInt32-9), fault.InvalidValue)
		if s := o.seats(base); *s.Total != math.MaxInt32 || *s.Available != math.MaxInt32 {
			t.Errorf("total %d, available %d", *s.Total, *s.Available)
		}
		o.buy(base, 0)
		o.buy(base, -1) // one without a limit beside them is no sum
		if s := o.seats(base); s.Total != nil || s.Available != nil || s.Enabled != math.MaxInt32 {
			t.Errorf("total %v, available %v, enabled %d", s.Total, s.Available, s.Enabled)
		}
	})
}

// Units that do not count today count for the bound all the same: when their date comes, nobody
// is there to be refused.
func TestSeatsOfAllThatIsNotCancelledAreBoundedTogetherR14(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(math.MaxInt32 - 10), StartsAt: ptr(o.clock.Now().Add(time.Hour))})
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(5), Status: licensing.SubscriptionLockedOut})
		_, err := o.service.CreateSubscription(t.Context(), o.tenant, licensing.CreateSubscriptionInput{Product: base, Seats: ptr(6)})
		o.refused(err, fault.InvalidValue)
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(5)})
		if s := o.seats(base); *s.Total != 5 || s.LockedOut != 5 || s.Enabled != 5 {
			t.Errorf("the seats are %+v", s)
		}
	})
}

// Fewer seats than are consumed is refused with the counts, unless over-allocation is allowed;
// then holders keep theirs, available is negative, and newcomers wait.
func TestLoweringSeatsBelowConsumedR15(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		first, second := o.buy(base, 2), o.buy(base, 1)
		o.join(sales, ann, bob, cid)
		o.assign(group(sales), give(base), nil, "")
		update := func(seats *int, allow bool) error {
			_, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{
				ID: first.ID, Seats: optional.Optional[int]{Set: true, Value: seats}, AllowOverAllocation: allow})
			return err
		}
		cancel := func(sub *licensing.Subscription, allow bool) error {
			_, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, AllowOverAllocation: allow})
			return err
		}
		details := func(f *fault.Error, total int, path string) {
			t.Helper()
			d, is := f.Details.(*licensing.SeatDetails)
			if !is || d.Product.ID != base || d.Total == nil || *d.Total != total || d.Consumed != 3 || d.Place != nil || !slices.Equal(f.Path, []string{path}) {
				t.Errorf("at %v: %+v", f.Path, f.Details)
			}
			if want := fmt.Sprint(3 - total); !strings.Contains(f.Remediation, "Free "+want+" seat") {
				t.Errorf("the remedy is %q", f.Remediation)
			}
		}
		o.unchanged(func() {
			details(o.refused(update(ptr(0), false), fault.SeatsBelowConsumed), 1, "seats")
			details(o.refused(cancel(second, false), fault.SeatsBelowConsumed), 2, "id")
		})
		if err := update(ptr(0), true); err != nil {
			t.Fatal(err)
		}
		if s := o.seats(base); *s.Total != 1 || s.Consumed != 3 || *s.Available != -2 {
			t.Errorf("total %d, consumed %d, available %d", *s.Total, s.Consumed, *s.Available)
		}
		for _, holder := range []uuid.UUID{ann, bob, cid} {
			o.holds(holder, base)
		}
		o.join(sales, dot)
		o.holds(dot)
		o.assign(user(dot), give(base), nil, fault.CountViolation)
		if err := update(ptr(1), false); err != nil { // raised, though still too few
			t.Error(err)
		}
		if err := update(nil, false); err != nil {
			t.Error(err)
		}
		o.holds(dot, base)
		o.unchanged(func() { o.refused(update(ptr(2), false), fault.SeatsBelowConsumed) }) // from unlimited to a limit
		o.verify(t)
	})
}

// Cancelling the last live subscription ends every source: nobody holds the product, its rows
// go, counters are 0, and each user's source is in error since the cancellation. Assignments
// stay, can be removed and switched off, and begin anew with the next subscription.
func TestCancellingTheLastSubscriptionR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 1)
		o.join(sales, ann, bob)
		o.assign(group(all), give(base), nil, "")
		o.assign(user(ann), only(base, mail), nil, "")
		if s := o.seats(base); s.Consumed != 1 || s.Waiting != 1 {
			t.Fatalf("consumed %d, waiting %d", s.Consumed, s.Waiting)
		}
		o.clock.Advance(time.Hour)
		ended := o.clock.Now()
		o.unchanged(func() { // R15: at any number, with the counts of users and groups
			_, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID})
			f := o.refused(err, fault.ConfirmationRequired)
			d, is := f.Details.(*licensing.LossDetails)
			if !is || *d != (licensing.LossDetails{UsersLosing: 1}) || !strings.Contains(f.Message, "last live subscription of Base") {
				t.Errorf("%s %+v", f.Message, f.Details)
			}
		})
		out, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, AcknowledgeLosses: ptr(1)})
		if err != nil {
			t.Fatal(err)
		}
		if out.Impact.UsersLosing != 1 || out.Subscription.Status != licensing.SubscriptionCancelled || *out.Subscription.EndsAt != ended {
			t.Errorf("%d users lose, subscription %+v", out.Impact.UsersLosing, out.Subscription)
		}
		if s := o.seats(base); s.Consumed != 0 || s.Waiting != 0 || s.InError != 0 || *s.Total != 0 {
			t.Errorf("the seats are %+v", s)
		}
		if rows := o.query(`SELECT code FROM license_violations`); len(rows) > 0 {
			t.Errorf("rows are left: %v", rows)
		}
		page, err := o.service.Errors(t.Context(), o.tenant, licensing.ErrorFilter{}, paging.Args{})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) != 3 {
			t.Fatalf("%d errors, want one for each of 3 sources", len(page.Items))
		}
		for _, e := range page.Items {
			if e.Code != fault.NoSubscription || e.Product.ID != base || e.Plan != nil || e.Since != ended || e.Remediation().IsZero() {
				t.Errorf("%s of %s since %d, want %s since %d", e.Code, e.Product.DisplayName, e.Since, fault.NoSubscription, ended)
			}
		}
		l := o.view(ann).License(base)
		if l == nil || l.Status != licensing.StatusError || l.ConsumesSeat || l.Capability != licensing.CapabilityNone || len(l.Sources) != 2 {
			t.Fatalf("the license is %+v", l)
		}
		for _, s := range l.Sources {
			if s.State != licensing.StatusError || len(s.Errors) != 1 || s.Errors[0].Code != fault.NoSubscription {
				t.Errorf("the source %s is %s with %v", s.Kind, s.State, s.Errors)
			}
		}
		if slices.ContainsFunc(l.Plans(), func(p *licensing.EffectivePlan) bool { return p.Enabled }) {
			t.Error("a plan is on")
		}
		o.verify(t)

		o.assign(user(cid), give(base), nil, fault.NoSubscription)
		o.assign(group(sales), give(base), nil, fault.NoSubscription)
		o.assign(user(ann), only(base, mail, talk), nil, fault.NoSubscription) // an edit that switches on
		if out := o.assign(user(ann), only(base), nil, ""); !out.Changed {
			t.Error("an edit that switches off changes nothing")
		}
		if out := o.assign(user(ann), nil, []uuid.UUID{base}, ""); !out.Changed {
			t.Error("a removal changes nothing")
		}
		o.clock.Advance(time.Hour)
		again := o.clock.Now()
		seats := 1
		renewed, err := o.service.CreateSubscription(t.Context(), o.tenant, licensing.CreateSubscriptionInput{Product: base, Seats: &seats})
		if err != nil {
			t.Fatal(err)
		}
		if renewed.Impact.UsersGaining != 1 || renewed.Impact.UsersInError != 1 {
			t.Errorf("%d users gain, %d are in error", renewed.Impact.UsersGaining, renewed.Impact.UsersInError)
		}
		o.holds(ann, base) // newcomers at one instant: the first by user id
		o.holds(bob)
		if e := o.view(bob).Errors(); len(e) != 1 || e[0].Code != fault.CountViolation || e[0].Since != again {
			t.Errorf("the errors are %+v, want one since %d", e, again)
		}
		_, err = o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(5)})
		o.refused(err, fault.InvalidValue) // cancelling is final
		o.verify(t)
	})
}

// Who waits is listed in the order in which seats come: direct before inherited, then since,
// then the older assignment, then the user's id; each user once, in the first place of all.
func TestWaitingUsersAreListedInTheOrderOfSeatsR5R8(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 4)
		eve := numbered(4, 15)
		o.do(func(d *licensing.Draft) error {
			d.CreateUser(&principal.User{ID: eve, DisplayName: "Eve", UserPrincipalName: "eve@example.com", UsageLocation: ptr("NL"), UserType: principal.Member,
				AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			return nil
		})
		for _, holder := range []uuid.UUID{cid, dot} {
			o.assign(user(holder), give(base), nil, "")
		}
		o.assign(user(bob), give(base), nil, "")
		o.join(sales, bob)
		o.resize(sub, 2)
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(bob).User); return nil })
		o.assign(group(sales), give(base), nil, "")
		o.join(sales, eve)                                                                    // waits first
		o.join(sales, ann)                                                                    // later, and bob is deleted still
		o.do(func(d *licensing.Draft) error { d.RestoreUser(&o.view(bob).User); return nil }) // last, but directly
		want := []struct {
			user    uuid.UUID
			sources int
		}{{bob, 2}, {eve, 1}, {ann, 1}}

		whole, err := o.service.WaitingFor(t.Context(), o.tenant, base, paging.Args{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := whole.Count(t.Context()); err != nil || n != len(want) || len(whole.Items) != len(want) {
			t.Fatalf("%d users wait, %d are listed, %v; want %d", n, len(whole.Items), err, len(want))
		}
		for i, w := range whole.Items {
			if w.UserID != want[i].user || w.Place != i+1 || len(w.Sources) != want[i].sources || w.Since == 0 {
				t.Errorf("place %d: %s at %d with %d sources, want %s with %d", i+1, w.UserID, w.Place, len(w.Sources), want[i].user, want[i].sources)
			}
		}
		var forward, backward []int
		for args := (paging.Args{First: ptr(1)}); ; {
			page, err := o.service.WaitingFor(t.Context(), o.tenant, base, args)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range page.Items {
				forward = append(forward, w.Place)
			}
			if !page.HasNext {
				break
			}
			args.After = &page.Cursors[0]
		}
		for args := (paging.Args{Last: ptr(2)}); ; {
			page, err := o.service.WaitingFor(t.Context(), o.tenant, base, args)
			if err != nil {
				t.Fatal(err)
			}
			places := make([]int, len(page.Items))
			for i, w := range page.Items {
				places[i] = w.Place
			}
			backward = append(places, backward...)
			if !page.HasPrevious {
				break
			}
			args.Before = &page.Cursors[0]
		}
		if places := []int{1, 2, 3}; !slices.Equal(forward, places) || !slices.Equal(backward, places) {
			t.Errorf("the places are %v forward and %v backward", forward, backward)
		}

		// The facts of each error: seats, and the user's place in line.
		var errs []*licensing.LicenseError
		for _, w := range want {
			errs = append(errs, o.view(w.user).Errors()...)
		}
		if err := o.service.FillSeatDetails(t.Context(), o.tenant, errs); err != nil {
			t.Fatal(err)
		}
		places := map[uuid.UUID]int{bob: 1, eve: 2, ann: 3}
		for _, e := range errs {
			d, is := e.Details.(*licensing.SeatDetails)
			if !is || d.Total == nil || *d.Total != 2 || d.Consumed != 2 || d.Place == nil || *d.Place != places[e.UserID] {
				t.Errorf("user %s: %+v", e.UserID, e.Details)
			}
		}

		// Seats come in that order.
		for i, w := range want {
			o.resize(sub, 3+i)
			o.holds(w.user, base)
		}
		o.verify(t)
	})
}

// A line that is longer than what is loaded at a time is served in its order all the same, by
// counting and by cases.
func TestLongLineIsServedInOrderR5R13(t *testing.T) {
	users, seats := 1300, 1150
	if testing.Short() {
		users, seats = 620, 560
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, byCases := range []bool{false, true} {
			t.Run(fmt.Sprintf("by cases %v", byCases), func(t *testing.T) {
				s := newSample(t, db, users)
				if byCases {
					s.service = s.byCases
				}
				s.exec(t, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '`+s.group.String()+`', id, 1 FROM users`)
				s.exec(t, fmt.Sprintf(`UPDATE group_counters SET members = %d`, users))
				s.subscribe(t, ptr(0))
				if _, err := s.assignTo(t.Context(), group(s.group)); err != nil {
					t.Fatal(err)
				}
				// Who has waited longer stands in front, whatever the ids: the last ones by id.
				s.exec(t, fmt.Sprintf(`UPDATE license_violations SET since = since - %d WHERE user_id > '%s'`, 1000, numbered(4, users-seats)))
				s.subscribe(t, &seats)
				s.verify(t)
				if n := s.number(t, `SELECT consumed FROM seat_counters`); n != seats {
					t.Errorf("%d seats are consumed, want %d", n, seats)
				}
				if n := s.number(t, fmt.Sprintf(`SELECT count(*) FROM license_violations WHERE user_id > '%s'`, numbered(4, users-seats))); n != 0 {
					t.Errorf("%d of those who waited longer have no seat", n)
				}
			})
		}
	})
}
