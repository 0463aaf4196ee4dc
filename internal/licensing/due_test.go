package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	"github.com/licensegraph/licensegraph/internal/principal"
)

const day = 24 * time.Hour

// due carries out what is due.
func (o *office) due() *licensing.Due {
	o.Helper()
	due, err := o.service.ApplyDue(o.Context())
	if err != nil || len(due.Failed) > 0 {
		o.Fatalf("%+v, %v", due, err)
	}
	return due
}

// applied carries out what is due and wants a number of changes.
func (o *office) applied(want int) {
	o.Helper()
	if due := o.due(); due.Applied != want {
		o.Fatalf("%d changes were made, want %d", due.Applied, want)
	}
}

func (o *office) until(at clock.Instant) {
	o.clock.Advance(time.Duration(at-o.clock.Now()) * time.Microsecond)
}

func (o *office) statusOf(sub *licensing.Subscription) licensing.SubscriptionStatus {
	o.Helper()
	s, err := o.service.SubscriptionByID(o.Context(), o.tenant, sub.ID)
	if err != nil {
		o.Fatal(err)
	}
	return s.Status
}

// transitions reads the events of what came by the clock: products and statuses, oldest first.
func (o *office) transitions() []string {
	o.Helper()
	var all []string
	for _, e := range o.events() {
		if e.Action != audit.SubscriptionStatus {
			continue
		}
		if e.Actor.Kind != audit.ActorSystem || len(e.Fields) != 1 || len(e.Subjects) != 1 || e.Summary == "" {
			o.Errorf("the event is %+v", e)
		}
		all = append(all, fmt.Sprintf("%s %s", e.Subjects[0].Name, text(e.Fields[0].After)))
	}
	return all
}

// A subscription goes through its life by its dates and the tenant's terms: each transition at
// its instant, none before, and each a change by the system.
func TestSubscriptionGoesThroughItsLifeByTheClockR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.terms(func(in *licensing.UpdateTenantInput) { in.Grace, in.Suspension = ptr(3*day), ptr(5*day) })
		start := o.clock.Now().Add(day)
		end := start.Add(10 * day)
		sub := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(5), StartsAt: &start, EndsAt: &end})
		for _, step := range []struct {
			at     clock.Instant
			status licensing.SubscriptionStatus
		}{
			{start, licensing.SubscriptionEnabled}, {end, licensing.SubscriptionWarning}, {end.Add(3 * day), licensing.SubscriptionSuspended},
			{end.Add(8 * day), licensing.SubscriptionLockedOut},
		} {
			before := o.statusOf(sub)
			o.until(step.at - 1)
			if due := o.due(); due.Applied != 0 || due.Next != step.at {
				t.Fatalf("before %s: %+v, want the next at %s", step.status, due, step.at)
			}
			if is := o.statusOf(sub); is != before {
				t.Fatalf("it is %s an instant too early", is)
			}
			o.until(step.at)
			o.applied(1)
			if is := o.statusOf(sub); is != step.status {
				t.Fatalf("it is %s, want %s", is, step.status)
			}
			o.applied(0)
			if step.status == licensing.SubscriptionEnabled {
				o.assign(user(ann), give(base), nil, "")
			}
			o.holds(ann, base)
			o.verify(t)
		}
		o.clock.Advance(10_000 * day)
		if due := o.due(); due.Applied != 0 || due.Next != 0 {
			t.Errorf("what is locked out stays so: %+v", due)
		}
		if got, want := o.transitions(), []string{"Base ENABLED", "Base WARNING", "Base SUSPENDED", "Base LOCKED_OUT"}; !slices.Equal(got, want) {
			t.Errorf("the events are %v, want %v", got, want)
		}
		if v := o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(6)}).Subscription.Version; v != 6 {
			t.Errorf("the version is %d, want 6", v)
		}
	})
}

func (o *office) terms(set func(in *licensing.UpdateTenantInput)) *licensing.TenantOutcome {
	o.Helper()
	o.clock.Advance(time.Minute)
	var in licensing.UpdateTenantInput
	set(&in)
	out, err := o.service.UpdateTenant(o.Context(), o.tenant, in)
	if err != nil {
		o.Fatal(err)
	}
	return out
}

// After downtime everything that fell due is made up for in the order in which it did, over all
// tenants and kinds; of one subscription one step after the other.
func TestDowntimeIsMadeUpForInOrderR16R19(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		now := o.clock.Now()
		at := func(d time.Duration) *clock.Instant { return ptr(now.Add(d)) }
		o.terms(func(in *licensing.UpdateTenantInput) {
			in.Grace, in.Suspension, in.DeletedUserRetention = ptr(4*day), ptr(10*day), ptr(5*day)
		})
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), StartsAt: at(day), EndsAt: at(2 * day)}) // 1 on, 2, 6, 16
		o.create(licensing.CreateSubscriptionInput{Product: suite, Seats: ptr(1), StartsAt: at(3 * day)})                 // 3
		o.create(licensing.CreateSubscriptionInput{Product: addon, Seats: ptr(1), EndsAt: at(30 * time.Hour)})            // 1¼, 5¼, 15¼
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(dot).User); return nil })                              // 5 and some minutes
		o.clock.Advance(100 * day)
		o.applied(9)
		var got []string
		events := o.events()
		last := clock.Instant(0)
		for _, e := range events {
			if e.OccurredAt <= last {
				t.Errorf("event %d is at %s, the one before at %s", e.Sequence, e.OccurredAt, last)
			}
			last = e.OccurredAt
			switch e.Action {
			case audit.SubscriptionStatus:
				got = append(got, e.Subjects[0].Name+" "+text(e.Fields[0].After))
			case audit.UserRemove:
				got = append(got, e.Subjects[0].Name)
			}
		}
		want := []string{"Base ENABLED", "Addon WARNING", "Base WARNING", "Suite ENABLED", "Dot", "Addon SUSPENDED", "Base SUSPENDED", "Addon LOCKED_OUT", "Base LOCKED_OUT"}
		if !slices.Equal(got, want) {
			t.Errorf("it came in the order %v, want %v", got, want)
		}
		o.verify(t)
	})
}

// When a subscription begins, those whose sources wait for it get the product in the same change,
// and others get an error; there is one event.
func TestBeginningServesTheSourcesInTheSameChangeR13R16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		first := o.buy(base, 5)
		o.join(sales, ann, bob)
		o.assign(group(sales), give(base), nil, "")
		o.cancel(first)
		start := o.clock.Now().Add(day)
		o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), StartsAt: &start})
		o.until(start)
		o.applied(1)
		o.holds(ann, base)
		o.holds(bob)
		e := o.events()[len(o.events())-1]
		if e.Action != audit.SubscriptionStatus || len(e.Products) != 1 || e.Products[0].UsersGaining != 1 || e.Products[0].UsersInError != 1 {
			t.Errorf("the event is %+v", e)
		}
		if errs := o.view(bob).Errors(); len(errs) != 1 || errs[0].Code != fault.CountViolation || errs[0].Since != e.OccurredAt {
			t.Errorf("the errors are %+v", errs)
		}
		o.verify(t)
	})
}

// Other terms and other dates move what is due.
func TestTermsAndDatesMoveWhatIsDueR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		end := o.clock.Now().Add(day)
		sub := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), EndsAt: &end})
		o.until(end.Add(20 * day))
		o.applied(1) // in grace for 30 days
		o.terms(func(in *licensing.UpdateTenantInput) { in.Grace = ptr(10 * day) })
		o.applied(1)
		if is := o.statusOf(sub); is != licensing.SubscriptionSuspended {
			t.Errorf("it is %s", is)
		}
		o.terms(func(in *licensing.UpdateTenantInput) {
			in.Grace, in.Suspension = ptr(time.Duration(0)), ptr(time.Duration(0))
		})
		o.applied(1)
		o.update(licensing.UpdateSubscriptionInput{ID: sub.ID, EndsAt: optional.Of(o.clock.Now().Add(day))})
		o.applied(0)
		o.clock.Advance(2 * day)
		o.applied(3) // through all of them at once
		o.cancel(sub)
		o.update(licensing.UpdateSubscriptionInput{ID: o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), EndsAt: ptr(o.clock.Now().Add(day))}).ID,
			EndsAt: optional.Null[clock.Instant]()})
		o.clock.Advance(1000 * day)
		o.applied(0)
	})
}

// After the retention nothing is left of a deleted user but the audit log; before it nothing is
// missing. Those of other tenants are kept by their own terms.
func TestDeletedUsersAreRemovedForGoodR19(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.terms(func(in *licensing.UpdateTenantInput) { in.DeletedUserRetention = ptr(7 * day) })
		o.join(sales, ann, bob)
		o.assign(group(sales), give(base), nil, "")
		o.assign(user(ann), give(base), nil, "")
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(ann).User); return nil })
		deleted := *o.view(ann).User.DeletedAt
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(cid).User); return nil }) // a minute later
		o.otherTenant(deleted)
		o.until(deleted.Add(7*day) - 1)
		if due := o.due(); due.Applied != 0 || due.Next != deleted.Add(7*day) {
			t.Errorf("an instant too early: %+v", due)
		}
		before := o.view(bob)
		seats := o.seats(base)
		o.until(deleted.Add(7 * day))
		o.applied(1)
		if views, err := o.service.ReadUsers(t.Context(), o.tenant, []uuid.UUID{ann, cid}); err != nil || views[0] != nil || views[1] == nil {
			t.Errorf("Ann is still known, or Cid is not any more: %+v, %v", views, err)
		}
		for _, line := range o.dump() {
			if strings.Contains(line, ann.String()) {
				t.Errorf("left behind: %s", line)
			}
		}
		if is := o.seats(base); fmt.Sprint(is.Consumed, is.InError) != fmt.Sprint(seats.Consumed, seats.InError) {
			t.Errorf("the seats are %+v, were %+v", is, seats)
		}
		if is := o.view(bob); is.User.Version != before.User.Version || len(is.Licenses()) != 1 {
			t.Errorf("Bob is %+v", is.User)
		}
		e := o.events()[len(o.events())-1]
		if e.Action != audit.UserRemove || e.Actor.Kind != audit.ActorSystem || len(e.Subjects) != 1 || e.Subjects[0] != (audit.Subject{ID: id.Format(id.User, ann), Name: "Ann"}) {
			t.Errorf("the event is %+v", e)
		}
		if len(e.Fields) != 1 || text(e.Fields[0].Before) != "ann@example.com" || e.Fields[0].After != nil {
			t.Errorf("its fields are %+v", e.Fields)
		}
		o.applied(0)
		o.verify(t)
	})
}

// otherTenant makes a tenant with the usual terms and a user who was deleted at an instant.
func (o *office) otherTenant(deleted clock.Instant) {
	o.Helper()
	err := o.db.Write(o.Context(), func(ctx context.Context, tx *database.Tx) error {
		other := uuid.New()
		_, err := tx.ExecContext(ctx, `INSERT INTO tenants (id, name, name_key, country, last_instant, created_at) VALUES ($1, 'Other', 'other', 'NL', 0, 1)`, other)
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO users (id, tenant_id, user_principal_name, user_principal_name_key, display_name, display_name_key,
				user_type, account_enabled, created_at, updated_at, deleted_at) VALUES ($1, $2, 'x', 'x', 'X', 'x', 'MEMBER', true, 1, 1, $3)`, uuid.New(), other, deleted)
		}
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
}

// A restored user is not removed, however long ago the deletion was; deleted again, the retention
// begins anew.
func TestRestoredUsersStayR19(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(ann).User); return nil })
		o.clock.Advance(29 * day)
		o.do(func(d *licensing.Draft) error { d.RestoreUser(&o.view(ann).User); return nil })
		o.clock.Advance(29 * day)
		o.applied(0)
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(ann).User); return nil })
		o.clock.Advance(29 * day)
		o.applied(0)
		o.clock.Advance(2 * day)
		o.applied(1)
	})
}

// Many users go in few changes, each of them whole.
func TestManyUsersAreRemovedInBatchesR19R28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		const many = 1203
		o.do(func(d *licensing.Draft) error {
			for n := range many {
				name := fmt.Sprintf("leaver %d", n)
				d.CreateUser(&principal.User{ID: numbered(4, 1000+n), DisplayName: name, UserPrincipalName: strings.ReplaceAll(name, " ", "") + "@example.com",
					UserType: principal.Member, AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
				d.AddMember(sales, numbered(4, 1000+n))
			}
			return nil
		})
		o.exec(t, `UPDATE users SET deleted_at = 5 WHERE display_name LIKE 'leaver%'`)
		o.exec(t, `UPDATE group_counters SET members = 0`)
		o.applied(3)
		if left := o.query(`SELECT count(*) FROM users`); left[0] != "4" {
			t.Errorf("%s users are left", left[0])
		}
		subjects := 0
		for _, e := range o.events() {
			if e.Action == audit.UserRemove {
				subjects += len(e.Subjects)
			}
		}
		if subjects != many {
			t.Errorf("%d subjects, want %d", subjects, many)
		}
		o.verify(t)
	})
}

// Servers that do it at the same time make each change once, and none that is not due because
// another one has just made the one before.
func TestSeveralServersMakeEachDueChangeOnceR16R19(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		const many = 12
		start := o.clock.Now().Add(day)
		end := start.Add(day)
		for n := range many {
			o.create(licensing.CreateSubscriptionInput{Product: []uuid.UUID{base, suite, addon}[n%3], Seats: ptr(1), StartsAt: &start, EndsAt: &end})
		}
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(ann).User); return nil })
		servers := make([]*licensing.Service, 4)
		for i := range servers {
			var err error
			if servers[i], err = licensing.New(licensing.Config{DB: db, Clock: o.clock, NewID: id.NewV7}); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct {
			at     clock.Instant
			status licensing.SubscriptionStatus
			users  int
		}{
			{start, licensing.SubscriptionEnabled, 0}, {end, licensing.SubscriptionWarning, 0},
			{end.Add(30 * day), licensing.SubscriptionSuspended, 1}, {end.Add(120 * day), licensing.SubscriptionLockedOut, 0},
		} {
			o.until(step.at)
			results, errs := make([]*licensing.Due, len(servers)), make([]error, len(servers))
			var all sync.WaitGroup
			for i, s := range servers {
				all.Go(func() { results[i], errs[i] = s.ApplyDue(t.Context()) })
			}
			all.Wait()
			applied := 0
			for i, r := range results {
				if errs[i] != nil || len(r.Failed) > 0 {
					t.Fatalf("server %d: %+v, %v", i, r, errs[i])
				}
				applied += r.Applied
			}
			if applied != many+step.users {
				t.Errorf("%s: %d changes, want %d", step.status, applied, many+step.users)
			}
			if is := o.query(`SELECT DISTINCT status FROM subscriptions`); !slices.Equal(is, []string{string(step.status)}) {
				t.Fatalf("they are %v, want all %s", is, step.status)
			}
			o.verify(t)
		}
		if n := len(o.transitions()); n != 4*many {
			t.Errorf("%d transitions, want %d", n, 4*many)
		}
	})
}

// What goes wrong at one tenant keeps no other one waiting, and nothing of that tenant comes out
// of order.
func TestTroubleOfOneTenantKeepsNoOtherWaitingR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.create(licensing.CreateSubscriptionInput{Product: base, Seats: ptr(1), EndsAt: ptr(o.clock.Now().Add(day))})
		o.otherTenant(1)
		broken := uuid.MustParse(o.query(`SELECT id FROM tenants WHERE name = 'Other'`)[0])
		// Somebody wrote to the database by hand: a deleted user who is still in error.
		o.exec(t, `INSERT INTO assignments (id, tenant_id, user_id, product_id, mode, created_at, updated_at)
			SELECT '`+uuid.NewString()+`', tenant_id, id, '`+base.String()+`', 'ALL', 1, 1 FROM users WHERE tenant_id = '`+broken.String()+`'`)
		o.exec(t, `INSERT INTO license_violations (tenant_id, user_id, assignment_id, code, since, opened_by, product_id, principal_id, inherited, assignment_created_at)
			SELECT tenant_id, user_id, id, 'COUNT_VIOLATION', 1, id, product_id, user_id, false, 1 FROM assignments WHERE tenant_id = '`+broken.String()+`'`)
		o.clock.Advance(2 * day)
		due, err := o.service.ApplyDue(t.Context())
		if err != nil || due.Applied != 1 || len(due.Failed) != 1 || due.Failed[broken] == nil {
			t.Errorf("%+v, %v", due, err)
		}
		if is := o.statusOf(sub); is != licensing.SubscriptionWarning {
			t.Errorf("it is %s", is)
		}
		if due, err := o.service.ApplyDue(t.Context(), broken); err != nil || due.Applied != 0 || len(due.Failed) != 0 {
			t.Errorf("without the broken one: %+v, %v", due, err)
		}
	})
}

// To look costs two statements, of subscriptions and users and of audit events, which read indices only of what is due.
func TestLookingForWhatIsDueReadsIndicesR16(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, s *dbtest.Statements) {
		o := newOffice(t, db)
		s.Reset()
		o.applied(0)
		if n := s.Count(); n != 2 {
			t.Fatalf("%d statements: %v", n, s.List())
		}
		queries := s.List()
		var plan []string
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			plan = nil
			explain, detail := "EXPLAIN ", make([]any, 1)
			if db.Dialect() == database.SQLite {
				explain, detail = "EXPLAIN QUERY PLAN ", make([]any, 4)
			} else if _, err := tx.ExecContext(ctx, `SET LOCAL enable_seqscan = off`); err != nil { // small tables are read whole otherwise
				return err
			}
			var line any
			for i := range detail {
				detail[i] = &line
			}
			for _, query := range queries {
				err := database.Each(ctx, tx, func(scan func(...any) error) error {
					err := scan(detail...)
					plan = append(plan, fmt.Sprint(line))
					return err
				}, explain+query, o.clock.Now(), db.Dialect().UUIDArray(nil))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(plan, "\n")
		for index, times := range map[string]int{"subscriptions_beginning": 1, "subscriptions_ending": 3, "users_deleted": 1, "assignments_beginning": 1, "auditevent_tenant_id_sequence": 1} {
			if n := strings.Count(all, index); n != times {
				t.Errorf("%s is read %d times, want %d:\n%s", index, n, times, all)
			}
		}
		// There are two indices of ends, which cost the same where nothing ends.
		if n := strings.Count(all, "assignments_ending") + strings.Count(all, "assignments_expiring"); n != 1 {
			t.Errorf("indices of ends are read %d times, want once:\n%s", n, all)
		}
	})
}
