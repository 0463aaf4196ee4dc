package licensing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// create makes a subscription a minute later.
func (o *office) create(in licensing.CreateSubscriptionInput) *licensing.Subscription {
	o.Helper()
	o.clock.Advance(time.Minute)
	out, err := o.service.CreateSubscription(o.Context(), o.tenant, in)
	if err != nil {
		o.Fatal(err)
	}
	return out.Subscription
}

// update changes a subscription a minute later.
func (o *office) update(in licensing.UpdateSubscriptionInput) *licensing.SubscriptionOutcome {
	o.Helper()
	o.clock.Advance(time.Minute)
	out, err := o.service.UpdateSubscription(o.Context(), o.tenant, in)
	if err != nil {
		o.Fatal(err)
	}
	return out
}

func (o *office) setStatus(sub *licensing.Subscription, status licensing.SubscriptionStatus) *licensing.SubscriptionOutcome {
	o.Helper()
	return o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, Status: status})
}

// cell is what one status does: with 2 seats, of which Ann has one.
type cell struct {
	status     licensing.SubscriptionStatus
	capability licensing.Capability
	total      int
	holds      bool
	newcomer   fault.Code // for Bob, who asks for the product of his own
	decision   licensing.DecisionReason
}

var matrix = []cell{
	{licensing.SubscriptionScheduled, licensing.CapabilityNone, 0, false, fault.NoSubscription, licensing.DecisionNotLicensed},
	{licensing.SubscriptionEnabled, licensing.CapabilityEnabled, 2, true, "", licensing.DecisionEnabled},
	{licensing.SubscriptionWarning, licensing.CapabilityWarning, 2, true, "", licensing.DecisionEnabled},
	{licensing.SubscriptionSuspended, licensing.CapabilitySuspended, 0, true, fault.CountViolation, licensing.DecisionProductNotUsable},
	{licensing.SubscriptionLockedOut, licensing.CapabilityLockedOut, 0, true, fault.CountViolation, licensing.DecisionProductNotUsable},
	{licensing.SubscriptionCancelled, licensing.CapabilityNone, 0, false, fault.NoSubscription, licensing.DecisionSourceInError},
}

// bring makes a product's one subscription have a status, with Ann holding the product where it
// can be held.
func (o *office) bring(status licensing.SubscriptionStatus) *licensing.Subscription {
	o.Helper()
	if status == licensing.SubscriptionScheduled {
		return o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(2), StartsAt: ptr(o.clock.Now().Add(time.Hour))})
	}
	sub := o.buy(base, 2)
	o.assign(user(ann), give(base), nil, "")
	switch status {
	case licensing.SubscriptionEnabled:
	case licensing.SubscriptionCancelled:
		o.cancel(sub)
	default:
		o.setStatus(sub, status)
	}
	return sub
}

func (o *office) cancel(sub *licensing.Subscription) *licensing.SubscriptionOutcome {
	o.Helper()
	o.clock.Advance(time.Minute)
	out, err := o.service.CancelSubscription(o.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, AcknowledgeLosses: ptr(100)})
	if err != nil {
		o.Fatal(err)
	}
	return out
}

// What each status means to a holder, to a newcomer of its own and to one through a group, and
// what the seats and the capability say.
func TestWhatEachStatusMeansR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, c := range matrix {
			t.Run(string(c.status), func(t *testing.T) {
				o := newOffice(t, db)
				sub := o.bring(c.status)
				g, err := o.service.Graph(t.Context(), o.tenant)
				if err != nil {
					t.Fatal(err)
				}
				if is := licensing.SubscriptionIn(g, sub.ID).Status; is != c.status {
					t.Fatalf("it is %s", is)
				}
				if is := licensing.CapabilityOf(g, base); is != c.capability {
					t.Errorf("the product is %s, want %s", is, c.capability)
				}
				s := o.seats(base)
				units := map[licensing.SubscriptionStatus]int{licensing.SubscriptionEnabled: s.Enabled, licensing.SubscriptionWarning: s.Warning,
					licensing.SubscriptionSuspended: s.Suspended, licensing.SubscriptionLockedOut: s.LockedOut}
				for status, n := range units {
					want := 0
					if status == c.status {
						want = 2
					}
					if n != want {
						t.Errorf("%d units are %s, want %d", n, status, want)
					}
				}
				consumed := 0
				if c.holds {
					consumed = 1
				}
				if s.Total == nil || *s.Total != c.total || s.Consumed != consumed || *s.Available != c.total-consumed {
					t.Errorf("total %v, consumed %d, available %v; want %d and %d", s.Total, s.Consumed, s.Available, c.total, consumed)
				}
				if c.holds {
					o.holds(ann, base)
				} else {
					o.holds(ann)
				}
				if is := o.view(ann).DecidePlan(g.Plan(mail)); is.Reason != c.decision || is.Allowed != (c.decision == licensing.DecisionEnabled) {
					t.Errorf("may Ann use Mail: %v, %s; want %s", is.Allowed, is.Reason, c.decision)
				}
				o.assign(user(bob), give(base), nil, c.newcomer)
				o.join(sales, cid)
				inherited := c.newcomer
				if inherited != fault.NoSubscription {
					inherited = ""
				}
				o.assign(group(sales), give(base), nil, inherited)
				if wants := c.newcomer == fault.CountViolation; wants { // through the group it waits, and the error says why
					o.holds(cid)
					errs := o.view(cid).Errors()
					if message := errs[0].Message().String(); !strings.Contains(message, "2 seats are suspended or locked out") { // without the details, too
						t.Errorf("the message is %q", message)
					}
					if err := o.service.FillSeatDetails(t.Context(), o.tenant, errs); err != nil {
						t.Fatal(err)
					}
					if len(errs) != 1 || errs[0].Code != fault.CountViolation {
						t.Fatalf("Cid's errors are %+v", errs)
					}
					d := errs[0].Details.(*licensing.SeatDetails)
					idle := d.Suspended
					if c.status == licensing.SubscriptionLockedOut {
						idle = d.LockedOut
					}
					if *d.Total != 0 || d.Consumed != 1 || idle != 2 || d.Suspended+d.LockedOut != 2 {
						t.Errorf("the details are %+v", d)
					}
				}
				o.verify(t)
			})
		}
	})
}

// Who waits goes on waiting through every status that is live, in the same place, and is served
// when units count again.
func TestWaitingUsersStayInLineThroughStatusesR13R16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 1)
		o.assign(user(ann), give(base), nil, "")
		o.join(sales, bob)
		o.assign(group(sales), give(base), nil, "")
		waiting := o.query(`SELECT user_id, since, code FROM license_violations`)
		for _, status := range []licensing.SubscriptionStatus{licensing.SubscriptionWarning, licensing.SubscriptionSuspended, licensing.SubscriptionLockedOut, licensing.SubscriptionEnabled} {
			if out := o.setStatus(sub, status); out.Impact.UsersGaining+out.Impact.UsersLosing+out.Impact.UsersChanged+out.Impact.UsersInError > 0 {
				t.Errorf("%s: it changes something for somebody", status)
			}
			if is := o.query(`SELECT user_id, since, code FROM license_violations`); !slices.Equal(is, waiting) {
				t.Errorf("%s: %v wait, want %v", status, is, waiting)
			}
		}
		o.setStatus(sub, licensing.SubscriptionSuspended)
		o.resize(sub, 2)
		o.holds(bob) // suspended units serve nobody
		o.setStatus(sub, licensing.SubscriptionWarning)
		o.holds(bob, base)
		o.verify(t)
	})
}

// To suspend and to resume changes nothing for who holds the product: seat, plans, dependents
// and rivals stay as they are, and so do the rows that say so. With case and count alike.
func TestSuspendAndResumeChangeNothingForHoldersR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, byCases := range []bool{false, true} {
			t.Run(fmt.Sprintf("by cases %v", byCases), func(t *testing.T) {
				o := newOffice(t, db)
				if byCases {
					o.service = o.byCases
				}
				sub := o.buy(base, 5)
				o.buy(suite, 5)
				o.assign(user(ann), give(base), nil, "")
				o.join(sales, ann, bob)
				o.assign(group(sales), give(base), nil, "")
				o.assign(group(sales), give(suite), nil, "") // refused to both: Talk is on
				rows := o.query(`SELECT user_id, assignment_id, plan_id, code, since, opened_by FROM license_violations ORDER BY 1, 2`)
				plans := func() string {
					var b strings.Builder
					for _, key := range []uuid.UUID{ann, bob} {
						for _, p := range o.view(key).Plans() {
							fmt.Fprintf(&b, "%s %v ", p.Plan.DisplayName, p.Enabled)
						}
					}
					return b.String()
				}
				on := plans()
				for _, status := range []licensing.SubscriptionStatus{licensing.SubscriptionSuspended, licensing.SubscriptionLockedOut, licensing.SubscriptionEnabled} {
					out := o.setStatus(sub, status)
					if !out.Changed || out.Impact.ChangeCount() > 0 {
						t.Errorf("%s: changed %v, %d changes for users", status, out.Changed, out.Impact.ChangeCount())
					}
					if s := o.seats(base); s.Consumed != 2 || s.InError != 0 {
						t.Errorf("%s: the seats are %+v", status, s)
					}
					if is := plans(); is != on {
						t.Errorf("%s: the plans are %s, want %s", status, is, on)
					}
					if is := o.query(`SELECT user_id, assignment_id, plan_id, code, since, opened_by FROM license_violations ORDER BY 1, 2`); !slices.Equal(is, rows) || len(is) != 2 {
						t.Errorf("%s: the rows are %v, want %v", status, is, rows)
					}
					o.assign(user(ann), only(base, mail), nil, "") // R4: a holder's edit needs no seat
					o.assign(user(ann), give(base), nil, "")
					o.verify(t)
				}
			})
		}
	})
}

// A product can do what its best subscription can.
func TestCapabilityIsThatOfTheBestSubscriptionR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		var subs []*licensing.Subscription
		for _, status := range []licensing.SubscriptionStatus{licensing.SubscriptionLockedOut, licensing.SubscriptionSuspended, licensing.SubscriptionWarning, licensing.SubscriptionEnabled} {
			subs = append(subs, o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), Status: status}))
			o.capable(licensing.Capability(status))
		}
		o.create(licensing.CreateSubscriptionInput{Product: base, StartsAt: ptr(o.clock.Now().Add(time.Hour))}) // unlimited, and not live
		if s := o.seats(base); *s.Total != 2 || s.Enabled != 1 || s.Warning != 1 || s.Suspended != 1 || s.LockedOut != 1 {
			t.Errorf("the seats are %+v", s)
		}
		for i, want := range []licensing.Capability{licensing.CapabilityWarning, licensing.CapabilitySuspended, licensing.CapabilityLockedOut, licensing.CapabilityNone} {
			o.cancel(subs[3-i])
			o.capable(want)
		}
	})
}

func (o *office) capable(want licensing.Capability) {
	o.Helper()
	g, err := o.service.Graph(o.Context(), o.tenant)
	if err != nil {
		o.Fatal(err)
	}
	if is := licensing.CapabilityOf(g, base); is != want {
		o.Errorf("the product is %s, want %s", is, want)
	}
}

// An unlimited subscription that is suspended leaves no unlimited product.
func TestUnlimitedCountsWhileItsUnitsWouldR14R16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, -1)
		o.assign(user(ann), give(base), nil, "")
		o.setStatus(sub, licensing.SubscriptionSuspended) // R15: no lowering
		if s := o.seats(base); s.Total == nil || *s.Total != 0 || *s.Available != -1 {
			t.Errorf("the seats are %+v", s)
		}
		o.assign(user(bob), give(base), nil, fault.CountViolation)
		o.setStatus(sub, licensing.SubscriptionWarning)
		o.assign(user(bob), give(base), nil, "")
		if s := o.seats(base); s.Total != nil || s.Warning != 0 {
			t.Errorf("the seats are %+v", s)
		}
	})
}

// What a purchase may say of itself, and what becomes of it.
func TestCreatingSubscriptionsWithStatusAndDatesR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		now := o.clock.Now()
		past, later, end := ptr(now.Add(-48*time.Hour)), ptr(now.Add(48*time.Hour)), ptr(now.Add(96*time.Hour))
		type in = licensing.CreateSubscriptionInput
		for name, c := range map[string]struct {
			in     in
			status licensing.SubscriptionStatus
			code   fault.Code
			path   string
		}{
			"nothing said":                            {in{}, licensing.SubscriptionEnabled, "", ""},
			"from now to a date":                      {in{EndsAt: end, RenewsAt: later}, licensing.SubscriptionEnabled, "", ""},
			"begun in the past":                       {in{StartsAt: past}, licensing.SubscriptionEnabled, "", ""},
			"from later on":                           {in{StartsAt: later, EndsAt: end}, licensing.SubscriptionScheduled, "", ""},
			"enabled, from later on":                  {in{Status: "ENABLED", StartsAt: later}, licensing.SubscriptionScheduled, "", ""},
			"scheduled":                               {in{Status: "SCHEDULED", StartsAt: later}, licensing.SubscriptionScheduled, "", ""},
			"scheduled without a date":                {in{Status: "SCHEDULED"}, "", fault.Required, "startsAt"},
			"scheduled in the past":                   {in{Status: "SCHEDULED", StartsAt: past}, "", fault.InvalidValue, "startsAt"},
			"scheduled now":                           {in{Status: "SCHEDULED", StartsAt: &now}, "", fault.InvalidValue, "startsAt"},
			"expired":                                 {in{Status: "WARNING", StartsAt: ptr(past.Add(-time.Hour)), EndsAt: past}, licensing.SubscriptionWarning, "", ""},
			"expired without a date":                  {in{Status: "WARNING"}, licensing.SubscriptionWarning, "", ""},
			"suspended":                               {in{Status: "SUSPENDED"}, licensing.SubscriptionSuspended, "", ""},
			"locked out long ago":                     {in{Status: "LOCKED_OUT", StartsAt: ptr(now.Add(-9000 * time.Hour)), EndsAt: ptr(now.Add(-8000 * time.Hour))}, licensing.SubscriptionLockedOut, "", ""},
			"expired before it begins":                {in{Status: "WARNING", StartsAt: later}, "", fault.InvalidValue, "status"},
			"enabled and expired":                     {in{StartsAt: ptr(past.Add(-time.Hour)), EndsAt: past}, "", fault.InvalidValue, "status"},
			"in grace, which is over":                 {in{Status: "WARNING", StartsAt: ptr(now.Add(-9000 * time.Hour)), EndsAt: ptr(now.Add(-8000 * time.Hour))}, "", fault.InvalidValue, "status"},
			"cancelled":                               {in{Status: "CANCELLED"}, "", fault.InvalidValue, "status"},
			"an unknown status":                       {in{Status: "PAUSED"}, "", fault.InvalidValue, "status"},
			"ending before it begins":                 {in{StartsAt: later, EndsAt: later}, "", fault.InvalidValue, "endsAt"},
			"ending in the past, beginning by itself": {in{EndsAt: past}, "", fault.InvalidValue, "endsAt"},
		} {
			t.Run(name, func(t *testing.T) {
				o := o.in(t)
				c.in.Product, c.in.Seats = base, ptr(1)
				out, err := o.service.CreateSubscription(t.Context(), o.tenant, c.in)
				if c.code != "" {
					if f := o.refused(err, c.code); !slices.Equal(f.Path, []string{c.path}) {
						t.Errorf("refused at %v, want %s: %s", f.Path, c.path, f.Message)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				s := out.Subscription
				if s.Status != c.status || !same(s.EndsAt, c.in.EndsAt) || !same(s.RenewsAt, c.in.RenewsAt) || c.in.StartsAt != nil && s.StartsAt != *c.in.StartsAt {
					t.Errorf("it is %+v", s)
				}
				if c.in.StartsAt == nil && s.StartsAt != s.CreatedAt {
					t.Errorf("it starts at %s and was created at %s", s.StartsAt, s.CreatedAt)
				}
			})
		}
	})
}

func same(a, b *clock.Instant) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// Where a subscription may be moved by hand, and what is refused.
func TestUpdatingStatusAndDatesR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		type in = licensing.UpdateSubscriptionInput
		live := []licensing.SubscriptionStatus{licensing.SubscriptionEnabled, licensing.SubscriptionWarning, licensing.SubscriptionSuspended, licensing.SubscriptionLockedOut}
		o := newOffice(t, db)
		attempt := func(sub *licensing.Subscription, in in) (*licensing.SubscriptionOutcome, error) {
			in.ID = sub.ID
			return o.service.UpdateSubscription(t.Context(), o.tenant, in)
		}
		one := func(status licensing.SubscriptionStatus) *licensing.Subscription {
			t.Helper()
			return o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), Status: status})
		}
		scheduled := func() *licensing.Subscription {
			t.Helper()
			return o.create(licensing.CreateSubscriptionInput{Product: suite, Seats: ptr(1), StartsAt: ptr(o.clock.Now().Add(time.Hour))})
		}
		for _, from := range live {
			for _, to := range live {
				sub := one(from)
				out, err := attempt(sub, in{Status: to})
				if err != nil || out.Changed != (from != to) || out.Changed && (out.Subscription.Status != to || out.Subscription.Version != 2) {
					t.Errorf("from %s to %s: %+v, %v", from, to, out, err)
				}
			}
			for _, to := range []licensing.SubscriptionStatus{licensing.SubscriptionScheduled, licensing.SubscriptionCancelled, "PAUSED"} {
				_, err := attempt(one(from), in{Status: to})
				if f := o.refused(err, fault.InvalidValue); !slices.Equal(f.Path, []string{"status"}) {
					t.Errorf("from %s to %s: refused at %v", from, to, f.Path)
				}
			}
		}

		sub := scheduled()
		for _, to := range live[1:] {
			_, err := attempt(sub, in{Status: to})
			o.refused(err, fault.InvalidValue)
		}
		if out, err := attempt(sub, in{Status: licensing.SubscriptionScheduled}); err != nil || out.Changed {
			t.Errorf("scheduled as it is: %+v, %v", out, err)
		}
		o.clock.Advance(time.Minute)
		out, err := attempt(sub, in{Status: licensing.SubscriptionEnabled, Seats: optional.Of(3)})
		if err != nil || out.Subscription.Status != licensing.SubscriptionEnabled || out.Subscription.StartsAt != o.clock.Now() || *out.Subscription.Seats != 3 {
			t.Errorf("to begin at once: %+v, %v", out, err)
		}
		o.assign(user(ann), give(suite), nil, "")

		cancelled := one(licensing.SubscriptionEnabled)
		o.cancel(cancelled)
		for _, change := range []in{{Status: licensing.SubscriptionEnabled}, {Seats: optional.Of(9)}, {EndsAt: optional.Of(o.clock.Now().Add(time.Hour))}} {
			_, err := attempt(cancelled, change)
			o.refused(err, fault.InvalidValue)
		}
		waiting := scheduled()
		if out := o.cancel(waiting); !out.Changed || out.Subscription.Status != licensing.SubscriptionCancelled || out.Impact.UsersLosing > 0 {
			t.Errorf("one that has not begun: %+v", out)
		}
		if out := o.cancel(waiting); out.Changed {
			t.Error("cancelled again")
		}
		o.holds(ann, suite)
	})
}

// Dates of an existing subscription: null clears, the end lies after the start, a later end
// renews what had expired, and what the dates would undo at once is refused.
func TestDatesOfSubscriptionsR16R24(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		at := func(d time.Duration) clock.Instant { return o.clock.Now().Add(d) }
		sub := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), EndsAt: ptr(at(10 * time.Hour)), RenewsAt: ptr(at(9 * time.Hour))})

		out := o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, RenewsAt: optional.Null[clock.Instant]()})
		if !out.Changed || out.Subscription.RenewsAt != nil || !same(out.Subscription.EndsAt, sub.EndsAt) {
			t.Errorf("the date of renewal is cleared: %+v", out.Subscription)
		}
		if out := o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, RenewsAt: optional.Null[clock.Instant](), EndsAt: optional.Of(*sub.EndsAt)}); out.Changed {
			t.Error("the same dates change something")
		}
		_, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, EndsAt: optional.Of(sub.StartsAt)})
		if f := o.refused(err, fault.InvalidValue); !slices.Equal(f.Path, []string{"endsAt"}) {
			t.Errorf("refused at %v", f.Path)
		}

		// It expires, and is renewed in each of the ways.
		o.clock.Advance(11 * time.Hour)
		end := func(d time.Duration) optional.Optional[clock.Instant] { return optional.Of(at(d)) }
		for _, expired := range []licensing.SubscriptionStatus{licensing.SubscriptionWarning, licensing.SubscriptionSuspended, licensing.SubscriptionLockedOut} {
			for name, renewal := range map[string]optional.Optional[clock.Instant]{"a later end": end(5 * time.Hour), "no end": optional.Null[clock.Instant]()} {
				o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, Status: expired, EndsAt: end(-time.Hour)})
				_, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Status: licensing.SubscriptionEnabled})
				if f := o.refused(err, fault.InvalidValue); !slices.Equal(f.Path, []string{"status"}) || f.Remediation == "" {
					t.Errorf("enabled with a past end: at %v", f.Path)
				}
				out := o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, EndsAt: renewal})
				if out.Subscription.Status != licensing.SubscriptionEnabled || !same(out.Subscription.EndsAt, renewal.Value) {
					t.Errorf("%s with %s: %+v", expired, name, out.Subscription)
				}
			}
		}
		o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, Status: licensing.SubscriptionWarning, EndsAt: end(-time.Hour)})
		if out := o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, Status: licensing.SubscriptionSuspended, EndsAt: end(5 * time.Hour)}); out.Subscription.Status != licensing.SubscriptionSuspended {
			t.Errorf("a status that is given stays: %+v", out.Subscription)
		}
		if out := o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, EndsAt: end(6 * time.Hour)}); out.Subscription.Status != licensing.SubscriptionSuspended {
			t.Errorf("what was suspended by hand before its end is not resumed by another one: %+v", out.Subscription)
		}
		// An end that has come expires it by the clock, as a change of its own.
		o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, Status: licensing.SubscriptionEnabled})
		if out := o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, EndsAt: end(-time.Hour)}); out.Subscription.Status != licensing.SubscriptionEnabled {
			t.Errorf("it is %s already", out.Subscription.Status)
		}
		o.applied(1)
		o.capable(licensing.CapabilityWarning)
	})
}

// Lowering seats is judged by what the seats do, and a change of status is not lowering.
func TestStatusIsNotLoweringR15(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 3)
		o.join(sales, ann, bob)
		o.assign(group(sales), give(base), nil, "")
		lower := func(status licensing.SubscriptionStatus, allow bool) error {
			_, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{
				ID: sub.ID, Status: status, Seats: optional.Of(1), AllowOverAllocation: allow})
			return err
		}
		o.refused(lower(licensing.SubscriptionWarning, false), fault.SeatsBelowConsumed)
		o.setStatus(sub, licensing.SubscriptionSuspended)
		o.refused(lower(licensing.SubscriptionEnabled, false), fault.SeatsBelowConsumed)
		if err := lower(licensing.SubscriptionLockedOut, false); err != nil { // they count before as little as after
			t.Error(err)
		}
		o.setStatus(sub, licensing.SubscriptionEnabled)
		if s := o.seats(base); *s.Available != -1 {
			t.Errorf("the seats are %+v", s)
		}
		second := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(7), Status: licensing.SubscriptionSuspended})
		o.cancel(second) // none of its units counted
		_, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1)}).ID})
		if f := o.refused(err, fault.SeatsBelowConsumed); !slices.Equal(f.Path, []string{"id"}) {
			t.Errorf("refused at %v", f.Path)
		}
		o.holds(ann, base)
		o.holds(bob, base)
		o.verify(t)
	})
}

// Every fact that a change moves is in its event.
func TestSubscriptionEventsTellEveryFactR16R28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		end := o.clock.Now().Add(100 * time.Hour)
		start := o.clock.Now().Add(10 * time.Hour)
		sub := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(5), StartsAt: &start, EndsAt: &end})
		o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Null[int](), Status: licensing.SubscriptionEnabled,
			RenewsAt: optional.Of(end), EndsAt: optional.Null[clock.Instant]()})
		began := o.clock.Now()
		o.cancel(sub)
		events := o.events()
		var got []string
		for _, e := range events[len(events)-3:] {
			for _, f := range e.Fields {
				got = append(got, fmt.Sprintf("%s %s: %s → %s", e.Action, f.Field, text(f.Before), text(f.After)))
			}
			if len(e.Subjects) != 1 || e.Subjects[0].ID != sub.NodeID() || e.Subjects[0].Name != "Base" || e.Summary == "" {
				t.Errorf("the event is %+v", e)
			}
		}
		want := []string{
			"subscription.create seats: - → 5", "subscription.create status: - → SCHEDULED",
			"subscription.create startsAt: - → " + start.String(), "subscription.create endsAt: - → " + end.String(),
			"subscription.update seats: 5 → unlimited", "subscription.update status: SCHEDULED → ENABLED",
			"subscription.update startsAt: " + start.String() + " → " + began.String(),
			"subscription.update renewsAt: - → " + end.String(), "subscription.update endsAt: " + end.String() + " → -",
			"subscription.cancel status: ENABLED → CANCELLED",
		}
		if !slices.Equal(got, want) {
			t.Errorf("the events tell\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

// Sources begin with the subscription that makes the product live, not with one that was bought
// before and starts later.
func TestSourcesBeginWhenTheSubscriptionDoesR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		first := o.buy(base, 5)
		o.join(sales, ann)
		o.assign(group(sales), give(base), nil, "")
		o.cancel(first)
		gap := o.clock.Now()
		start := gap.Add(time.Hour)
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(5), StartsAt: &start})
		if errs := o.view(ann).Errors(); len(errs) != 1 || errs[0].Code != fault.NoSubscription || errs[0].Since != gap {
			t.Errorf("while it is scheduled: %+v", errs)
		}
		o.clock.Advance(2 * time.Hour)
		began := o.clock.Now()
		o.applied(1)
		o.holds(ann, base)
		l := o.view(ann).License(base)
		if l.Since != began || l.Sources[0].Since != began {
			t.Errorf("since %s, want %s", l.Since, began)
		}
		o.verify(t)
	})
}

// A user who is created while a product is suspended waits like any newcomer.
func TestCreatedUserMeetsASuspendedProductR12R16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(5), Status: licensing.SubscriptionSuspended})
		o.assign(group(sales), give(base), nil, "")
		eve := numbered(4, 15)
		o.do(func(d *licensing.Draft) error {
			d.CreateUser(&principal.User{ID: eve, DisplayName: "Eve", UserPrincipalName: "eve@example.com", UsageLocation: ptr("NL"), UserType: principal.Member,
				AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			d.AddMember(sales, eve)
			return nil
		})
		o.holds(eve)
		if e := o.view(eve).Errors(); len(e) != 1 || e[0].Code != fault.CountViolation {
			t.Errorf("the errors are %+v", e)
		}
		o.verify(t)
	})
}
