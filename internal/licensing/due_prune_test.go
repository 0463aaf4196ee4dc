package licensing_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// event returns the last event of an action.
func (o *office) event(action audit.Action) *audit.Event {
	o.Helper()
	var last *audit.Event
	for _, e := range o.events() {
		if e.Action == action {
			last = e
		}
	}
	if last == nil {
		o.Fatalf("there is no %s", action)
	}
	return last
}

// causedBy wants the last event of an action to be caused by another one, or by none.
func (o *office) causedBy(action audit.Action, cause *audit.Event) {
	o.Helper()
	switch e := o.event(action); {
	case cause == nil && e.CauseID != nil:
		o.Errorf("%s has the cause %s", action, e.CauseID)
	case cause != nil && (e.CauseID == nil || *e.CauseID != cause.ID):
		o.Errorf("%s has the cause %v, want %s %d", action, e.CauseID, cause.Action, cause.Sequence)
	}
}

// What the clock brings about names the event that set its date.
func TestWhatFallsDueNamesItsCauseR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.terms(func(in *licensing.UpdateTenantInput) { in.Grace, in.Suspension = ptr(3*day), ptr(5*day) })
		now := o.clock.Now()
		sub := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(3), StartsAt: ptr(now.Add(day)), EndsAt: ptr(now.Add(10 * day)), Status: licensing.SubscriptionScheduled})
		created := o.event(audit.SubscriptionCreate)
		o.resize(sub, 5) // sets no date
		o.until(now.Add(day))
		o.applied(1)
		o.causedBy(audit.SubscriptionStatus, created)
		o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, EndsAt: optional.Of(now.Add(8 * day))})
		updated := o.event(audit.SubscriptionUpdate)
		o.until(now.Add(8 * day))
		o.applied(1)
		o.causedBy(audit.SubscriptionStatus, updated)
		o.until(now.Add(11 * day))
		o.applied(1)
		o.causedBy(audit.SubscriptionStatus, updated)
		o.causedBy(audit.SubscriptionUpdate, nil)

		_, err := o.service.Change(o.Context(), o.tenant, licensing.Options{Action: audit.UserDelete}, func(_ context.Context, d *licensing.Draft) error {
			u := &o.view(ann).User
			d.DeleteUser(u)
			at := d.Now.String()
			d.Subject(id.User, ann, u.DisplayName)
			d.Field("deletedAt", nil, &at)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		o.clock.Advance(31 * day)
		o.due()
		o.causedBy(audit.UserRemove, o.event(audit.UserDelete))
		o.verify(t)
	})
}

// Events are removed once they are older than the tenant keeps them by a tenth more, all that are
// older than it does; what is left goes on from the checkpoint, and what referred to them reads as
// nothing.
func TestAuditEventsAreRemovedAfterTheRetentionR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		o.assign(group(sales), give(base), nil, "")
		o.join(sales, ann, bob) // bob waits; the event that opened it will be removed
		o.clock.Advance(1000 * day)
		o.applied(0) // they are kept for ever
		o.terms(func(in *licensing.UpdateTenantInput) { in.AuditRetention = ptr(10 * day) })
		set := o.event(audit.TenantUpdate)
		kept := set.Sequence
		o.applied(1)
		events := o.events()
		if events[0].Sequence != kept || len(events) != 2 {
			t.Fatalf("%d events are left from %d on, want 2 from %d on", len(events), events[0].Sequence, kept)
		}
		told := o.event(audit.AuditPrune)
		if told.Actor.Kind != audit.ActorSystem || told.Subjects[0].ID != id.Format(id.Tenant, o.tenant) || text(told.Fields[0].Before) != strconv.FormatInt(kept-1, 10) {
			t.Errorf("the event is %+v", told)
		}
		o.causedBy(audit.AuditPrune, set)
		if n, err := audit.NewLog(db).Count(t.Context(), o.tenant, audit.Filter{}); err != nil || n != 2 {
			t.Errorf("%d are counted, %v", n, err)
		}
		o.verify(t)

		// An instant too early, and at it: the slack is a tenth of the retention.
		due := set.OccurredAt.Add(11 * day)
		o.until(due - 1)
		o.applied(0)
		o.until(due)
		o.applied(1)
		o.causedBy(audit.AuditPrune, set) // which is among those removed
		if found, err := audit.NewLog(db).ByIDs(t.Context(), o.tenant, []uuid.UUID{set.ID}); err != nil || found[0] != nil {
			t.Errorf("the cause reads as %v, %v", found, err)
		}
		o.verify(t)
		if is := len(o.query(`SELECT sequence FROM audit_checkpoints`)); is != 2 {
			t.Errorf("%d checkpoints", is)
		}
		// Without an event in the meantime, the removals go on seldom, and one by one.
		for range 3 {
			o.clock.Advance(11 * day)
			o.applied(1)
			if n := len(o.events()); n != 1 {
				t.Errorf("%d events are left", n)
			}
		}
		o.causedBy(audit.AuditPrune, nil)
		o.verify(t)
		if opened := o.view(bob).Errors(); len(opened) == 0 {
			t.Error("Bob does not wait any more")
		}
	})
}

// Many events go in several changes, each of which removes a bounded number.
func TestRemovalsOfAuditEventsAreBoundedR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		const events = audit.PruneBatch + 10
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			var head audit.Head
			err := tx.QueryRowContext(ctx, `SELECT `+audit.HeadColumns+` FROM tenants t WHERE t.id = $1`, o.tenant).Scan(head.Dest()...)
			for n := range events {
				var e *audit.Sealed
				if err == nil {
					e, err = audit.Seal(o.tenant, head, &audit.Event{ID: uuid.New(), OccurredAt: o.clock.Now() + clock.Instant(n+1), Actor: audit.ActorFrom(ctx), Action: audit.UserCreate})
				}
				if err == nil {
					err = e.Insert(ctx, tx)
				}
				if err != nil {
					return err
				}
				head.Sequence, head.Last = e.Sequence(), e.Hash()
			}
			_, err = tx.ExecContext(ctx, `UPDATE tenants SET audit_sequence = $2, audit_hash = $3, last_instant = $4 WHERE id = $1`,
				o.tenant, head.Sequence, head.Last[:], o.clock.Now()+events+1)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		o.clock.Advance(30 * day)
		o.terms(func(in *licensing.UpdateTenantInput) { in.AuditRetention = ptr(day) })
		o.applied(2)
		if n := len(o.events()); n != 3 { // the terms, and two removals
			t.Errorf("%d events are left", n)
		}
		o.verify(t)
	})
}

// An audit log that is damaged is left as it is, and keeps nothing else from being done.
func TestADamagedAuditLogIsNotRemovedAndStopsNothingR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), EndsAt: ptr(o.clock.Now().Add(20 * day))})
		o.terms(func(in *licensing.UpdateTenantInput) { in.AuditRetention = ptr(day) })
		o.exec(t, `UPDATE audit_events SET actor = 'nobody' WHERE sequence = 1`)
		before := len(o.events())
		o.clock.Advance(21 * day)
		o.applied(1)
		if o.statusOf(sub) != licensing.SubscriptionWarning || len(o.events()) != before+1 {
			t.Errorf("%s, %d events", o.statusOf(sub), len(o.events()))
		}
		report, err := o.service.Verify(t.Context(), o.tenant, nil)
		if err != nil || len(report.Problems) != 1 || report.Problems[0].Rule != "R28" || !strings.Contains(report.Problems[0].Message, "Event 1 ") {
			t.Errorf("found %+v, %v", report, err)
		}
		o.exec(t, `UPDATE audit_events SET actor = 'licensegraph' WHERE sequence = 1`)
		o.applied(0) // it is tried again after an hour
		o.clock.Advance(time.Hour)
		o.applied(1)
		o.verify(t)
	})
}
