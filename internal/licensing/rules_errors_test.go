package licensing_test

import (
	"bytes"
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
	"github.com/licensegraph/licensegraph/internal/paging"
)

// troubled is an office in which every kind of error is there: one plan of Ann's base is
// withheld, Bob and Cid wait for a seat of it, Dot's base is excluded as a whole, and addon,
// which all have through a group and Cid directly, has no subscription any more.
type troubled struct {
	*office
	joined, edited, ended clock.Instant
}

func newTroubled(t *testing.T, db *database.DB) *troubled {
	t.Helper()
	o := &troubled{office: newOffice(t, db)}
	o.buy(base, 1)
	o.buy(suite, -1)
	gone := o.buy(addon, -1)
	o.join(sales, ann)
	o.assign(group(sales), only(base, mail), nil, "")
	o.assign(user(ann), give(suite), nil, "")
	o.assign(user(dot), give(suite), nil, "")
	o.join(sales, bob, cid, dot)
	o.joined = o.clock.Now()
	o.join(all, dot) // twice a member, one source (R1)
	o.assign(group(sales), only(base, mail, talk), nil, "")
	o.edited = o.clock.Now()
	o.assign(group(all), give(addon), nil, "")
	o.assign(user(cid), give(addon), nil, "")
	o.clock.Advance(time.Minute)
	o.ended = o.clock.Now()
	if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: gone.ID, AcknowledgeLosses: ptr(9)}); err != nil {
		t.Fatal(err)
	}
	return o
}

// errorsOf reads everybody's errors one user at a time, in the order of the list of all.
func (o *office) errorsOf(users ...uuid.UUID) []string {
	o.Helper()
	var errs []*licensing.LicenseError
	for _, u := range users {
		errs = append(errs, o.view(u).Errors()...)
	}
	plan := func(e *licensing.LicenseError) (key uuid.UUID) {
		if e.Plan != nil {
			key = e.Plan.ID
		}
		return key
	}
	slices.SortFunc(errs, func(a, b *licensing.LicenseError) int {
		pa, pb := plan(a), plan(b)
		for _, c := range []int{bytes.Compare(a.Product.ID[:], b.Product.ID[:]), bytes.Compare(a.UserID[:], b.UserID[:]),
			bytes.Compare(a.Source.Assignment.ID[:], b.Source.Assignment.ID[:])} {
			if c != 0 {
				return c
			}
		}
		return bytes.Compare(pa[:], pb[:])
	})
	return texts(errs)
}

func texts(errs []*licensing.LicenseError) []string {
	var all []string
	for _, e := range errs {
		plan := "whole"
		if e.Plan != nil {
			plan = e.Plan.DisplayName
		}
		all = append(all, fmt.Sprintf("%s %s %s %s %s %d", e.Product.DisplayName, e.UserID, e.Source.Kind, plan, e.Code, e.Since))
	}
	return all
}

func TestErrorsOfAllCodesAreListedInOneOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newTroubled(t, db)
		want := o.errorsOf(ann, bob, cid, dot)
		if len(want) != 9 {
			t.Fatalf("%d errors are there, want 9:\n%s", len(want), strings.Join(want, "\n"))
		}
		for _, size := range []int{1, 2, 4, 100} {
			var forward, backward []string
			for args := (paging.Args{First: &size}); ; {
				page, err := o.service.Errors(t.Context(), o.tenant, licensing.ErrorFilter{}, args)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := page.Count(t.Context()); err != nil || n != len(want) {
					t.Errorf("%d errors are counted, %v; want %d", n, err, len(want))
				}
				forward = append(forward, texts(page.Items)...)
				if page.HasPrevious != (len(forward) > len(page.Items)) {
					t.Errorf("after %d errors, earlier ones: %v", len(forward), page.HasPrevious)
				}
				if !page.HasNext {
					break
				}
				args.After = &page.Cursors[len(page.Cursors)-1]
			}
			for args := (paging.Args{Last: &size}); ; {
				page, err := o.service.Errors(t.Context(), o.tenant, licensing.ErrorFilter{}, args)
				if err != nil {
					t.Fatal(err)
				}
				backward = append(texts(page.Items), backward...)
				if !page.HasPrevious {
					break
				}
				args.Before = &page.Cursors[0]
			}
			if !slices.Equal(forward, want) || !slices.Equal(backward, want) {
				t.Errorf("pages of %d:\nforward  %s\nbackward %s\nwant     %s", size, strings.Join(forward, "\n"), strings.Join(backward, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

func TestErrorFiltersCombine(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newTroubled(t, db)
		everything := o.errorsOf(ann, bob, cid, dot)
		for _, c := range []struct {
			name   string
			filter licensing.ErrorFilter
			keep   func(text string) bool
			least  int
		}{
			{"a code", licensing.ErrorFilter{Codes: []fault.Code{fault.CountViolation}},
				func(s string) bool { return strings.Contains(s, "COUNT_VIOLATION") }, 2},
			{"codes", licensing.ErrorFilter{Codes: []fault.Code{fault.NoSubscription, fault.MutuallyExclusiveViolation}},
				func(s string) bool { return !strings.Contains(s, "COUNT_VIOLATION") }, 7},
			{"a product", licensing.ErrorFilter{Product: &addon}, func(s string) bool { return strings.HasPrefix(s, "Addon") }, 5},
			{"a user", licensing.ErrorFilter{User: &cid}, func(s string) bool { return strings.Contains(s, cid.String()) }, 3},
			{"a group's own assignments", licensing.ErrorFilter{Group: &all},
				func(s string) bool { return strings.HasPrefix(s, "Addon") && strings.Contains(s, "GROUP") }, 4},
			{"those of a nested group are its own", licensing.ErrorFilter{Group: &sales}, func(s string) bool { return strings.HasPrefix(s, "Base") }, 4},
			{"since the edit", licensing.ErrorFilter{Since: &o.edited},
				func(s string) bool { return strings.HasPrefix(s, "Addon") || strings.Contains(s, "Talk") }, 6},
			{"since the end", licensing.ErrorFilter{Since: &o.ended}, func(s string) bool { return strings.HasPrefix(s, "Addon") }, 5},
			{"all of them", licensing.ErrorFilter{Codes: []fault.Code{fault.NoSubscription}, Product: &addon, User: &cid, Group: &all, Since: &o.ended},
				func(s string) bool { return strings.HasPrefix(s, "Addon "+cid.String()+" GROUP") }, 1},
			{"nothing that is there", licensing.ErrorFilter{Product: &suite}, func(string) bool { return false }, 0},
			{"a user who is not there", licensing.ErrorFilter{User: ptr(numbered(4, 99))}, func(string) bool { return false }, 0},
		} {
			t.Run(c.name, func(t *testing.T) {
				want := slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return !c.keep(s) })
				page, err := o.service.Errors(t.Context(), o.tenant, c.filter, paging.Args{})
				if err != nil {
					t.Fatal(err)
				}
				if got := texts(page.Items); !slices.Equal(got, want) || len(want) != c.least {
					t.Errorf("listed are\n%s\nwant %d\n%s", strings.Join(got, "\n"), c.least, strings.Join(want, "\n"))
				}
				if n, err := page.Count(t.Context()); err != nil || n != len(want) {
					t.Errorf("%d are counted, %v", n, err)
				}
			})
		}
	})
}

// The instant from which somebody waits stays when the code changes, and a deleted user is in
// no list.
func TestSinceStaysWhenTheCodeChangesR5R19(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newTroubled(t, db)
		dots := o.view(dot).License(base).Sources[0].Errors
		if len(dots) != 1 || dots[0].Code != fault.MutuallyExclusiveViolation || dots[0].Since != o.joined {
			t.Errorf("dot's base is in error %v, want %s since %d", texts(dots), fault.MutuallyExclusiveViolation, o.joined)
		}
		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(cid).User); return nil })
		page, err := o.service.Errors(t.Context(), o.tenant, licensing.ErrorFilter{}, paging.Args{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := texts(page.Items), o.errorsOf(ann, bob, dot); !slices.Equal(got, want) || len(want) != 6 {
			t.Errorf("listed are\n%s", strings.Join(got, "\n"))
		}
		if n, err := page.Count(t.Context()); err != nil || n != 6 {
			t.Errorf("%d are counted, %v", n, err)
		}
	})
}

// A conflict names both plans, both products and the sources of the other side, which is not in
// error itself.
func TestConflictNamesBothSidesR9(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newTroubled(t, db)
		v := o.view(ann)
		l := v.License(base)
		if l.Status != licensing.StatusActiveWithError || !l.ConsumesSeat || len(l.Sources[0].Errors) != 1 {
			t.Fatalf("the license is %s with %d errors", l.Status, len(l.Sources[0].Errors))
		}
		e := l.Sources[0].Errors[0]
		d, is := e.Details.(*licensing.ExclusionDetails)
		if !is || d.ExclusionSet != "Rivals" || d.Plan.ID != talk || d.Product.ID != base || d.OtherPlan.ID != drive || d.OtherProduct.ID != suite ||
			len(d.OtherSources) != 1 || d.OtherSources[0].Kind != licensing.SourceDirect {
			t.Errorf("the details are %+v", e.Details)
		}
		for _, text := range []string{"Talk", "Base", "Drive", "Suite"} {
			if !strings.Contains(e.Message().String(), text) {
				t.Errorf("%q does not name %s", e.Message(), text)
			}
		}
		if other := v.License(suite); other.Status != licensing.StatusActive {
			t.Errorf("the other side is %s", other.Status)
		}
		talkPlan := l.Plans()[slices.IndexFunc(l.Plans(), func(p *licensing.EffectivePlan) bool { return p.Plan.ID == talk })]
		if talkPlan.Enabled || len(talkPlan.WithheldBy) != 1 || len(talkPlan.EnabledBy) != 0 {
			t.Errorf("talk is enabled %v, withheld by %d", talkPlan.Enabled, len(talkPlan.WithheldBy))
		}
		for plan, want := range map[uuid.UUID]licensing.DecisionReason{mail: licensing.DecisionEnabled, talk: licensing.DecisionSourceInError, extra: licensing.DecisionSourceInError} {
			if got := v.DecidePlan(v.Graph().Plan(plan)); got.Reason != want {
				t.Errorf("%s is decided by %s, want %s", v.Graph().Plan(plan).DisplayName, got.Reason, want)
			}
		}
	})
}

// Each way of changing the stored state behind the protocol's back is found.
func TestVerificationFindsTamperingR17(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newTroubled(t, db)
		o.verify(t)
		const bobs = ` WHERE user_id = '04000000-0000-7000-8000-00000000000c'`
		const base = `'01000000-0000-7000-8000-00000000000b'`
		copyRow := func(user uuid.UUID, code string) string {
			return `INSERT INTO license_violations (tenant_id, user_id, assignment_id, code, since, opened_by, product_id, principal_id, inherited, assignment_created_at)
				SELECT tenant_id, '` + user.String() + `', assignment_id, '` + code + `', since, opened_by, product_id, principal_id, inherited, assignment_created_at
				FROM license_violations` + bobs
		}
		for _, c := range []struct{ name, tamper, want string }{
			{"a violation that is gone", `DELETE FROM license_violations` + bobs, "counters of Base say 1 consumed, 2 waiting, 4 in error; recounted they are 2, 1 and 3"},
			{"a violation of a holder", copyRow(ann, "COUNT_VIOLATION"), "counters of Base"},
			{"a violation of no source", `UPDATE users SET deleted_at = 1 WHERE id = '` + bob.String() + `'`, "violations belong to no living source"},
			{"another code", `UPDATE license_violations SET code = 'MUTUALLY_EXCLUSIVE_VIOLATION'` + bobs, "code that does not fail"},
			{"the code of a later check", `UPDATE license_violations SET code = 'COUNT_VIOLATION' WHERE code = 'MUTUALLY_EXCLUSIVE_VIOLATION' AND plan_id IS NULL`, "first code that fails"},
			{"another plan", `UPDATE license_violations SET plan_id = '` + note.String() + `' WHERE plan_id IS NOT NULL`, "does not select"},
			{"another consumption", `UPDATE seat_counters SET consumed = consumed + 1 WHERE product_id = ` + base, "say 2 consumed"},
			{"another line", `UPDATE seat_counters SET waiting = 0 WHERE product_id = ` + base, "0 waiting"},
			{"another number of errors", `UPDATE seat_counters SET in_error = in_error - 1 WHERE product_id = ` + base, "3 in error"},
			{"a counter that is gone", `DELETE FROM seat_counters WHERE product_id = ` + base, "say 0 consumed"},
			{"a membership that is gone", `DELETE FROM memberships` + bobs, "counter of group Sales says 4 members; recounted there are 3"},
			{"another number of members", `UPDATE group_counters SET members = 9 WHERE members > 0`, "says 9 members"},
			{"a nesting that is gone", `DELETE FROM nestings`, ""},
			{"more seats", `UPDATE subscriptions SET seats = 5 WHERE product_id = ` + base, "waited for while one is free"},
			{"a subscription that ended", `UPDATE subscriptions SET status = 'CANCELLED', cancelled_at = 1 WHERE product_id = ` + base, "no living source"},
			{"another selection", `UPDATE assignments SET mode = 'ONLY', plans = '[]' WHERE group_id IS NOT NULL AND product_id = ` + base, "does not select"},
			{"an exclusion that is gone", `DELETE FROM exclusion_set_plans`, "would pass every check"},
			{"another place in line by its priority", `UPDATE license_violations SET rank = 1` + bobs, "wrong place in line"},
			{"another place in line", `UPDATE license_violations SET assignment_created_at = 1` + bobs, "wrong place in line"},
			{"another kind of principal", `UPDATE license_violations SET inherited = NOT inherited` + bobs, "wrong place in line"},
			{"another principal", `UPDATE license_violations SET principal_id = user_id` + bobs, "wrong place in line"},
			{"a plan that is on and excluded", `DELETE FROM license_violations WHERE plan_id IS NOT NULL`, "are on"},
		} {
			t.Run(c.name, func(t *testing.T) {
				undo := o.in(t).keep()
				o.in(t).exec(t, c.tamper)
				report, err := o.service.Verify(t.Context(), o.tenant, nil)
				undo()
				if err != nil {
					t.Fatal(err)
				}
				if report.OK() != (c.want == "") || !slices.ContainsFunc(report.Problems, func(p licensing.Problem) bool { return strings.Contains(p.Message, c.want) }) && c.want != "" {
					t.Errorf("found %+v, want %q", report.Problems, c.want)
				}
				if report.UsersChecked != 4 || report.VerifiedAt == 0 {
					t.Errorf("%d users were checked at %d", report.UsersChecked, report.VerifiedAt)
				}
				o.in(t).verify(t)
			})
		}
	})
}

// keep remembers the rows of all tables of a tenant, and returns what puts them back.
func (o *office) keep() (undo func()) {
	o.Helper()
	tables := []string{"exclusion_set_plans", "subscriptions", "memberships", "nestings", "group_counters", "seat_counters", "place_counters", "license_violations"}
	for _, table := range tables {
		o.exec(o.T, `CREATE TABLE kept_`+table+` AS SELECT * FROM `+table)
	}
	o.exec(o.T, `CREATE TABLE kept_users AS SELECT id, deleted_at FROM users`)
	o.exec(o.T, `CREATE TABLE kept_assignments AS SELECT id, mode, plans FROM assignments`)
	return func() {
		for _, table := range slices.Backward(tables) {
			o.exec(o.T, `DELETE FROM `+table)
		}
		for _, table := range tables {
			o.exec(o.T, `INSERT INTO `+table+` SELECT * FROM kept_`+table)
			o.exec(o.T, `DROP TABLE kept_`+table)
		}
		o.exec(o.T, `UPDATE users SET deleted_at = (SELECT k.deleted_at FROM kept_users k WHERE k.id = users.id)`)
		o.exec(o.T, `UPDATE assignments SET mode = (SELECT k.mode FROM kept_assignments k WHERE k.id = assignments.id),
			plans = (SELECT k.plans FROM kept_assignments k WHERE k.id = assignments.id)`)
		o.exec(o.T, `DROP TABLE kept_users`)
		o.exec(o.T, `DROP TABLE kept_assignments`)
	}
}
