package licensing_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// A call that changes nothing says so, and nothing of it is left: no event, no instant, no
// revision.
func TestCallThatChangesNothingLeavesNothingR24(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub, ended := o.buy(base, 5), o.buy(suite, 5)
		o.join(sales, ann)
		o.assign(group(sales), give(base), nil, "")
		o.assign(user(bob), only(base, mail), nil, "")
		if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: ended.ID}); err != nil {
			t.Fatal(err)
		}
		assign := func(in licensing.AssignInput) func() (*licensing.Outcome, error) {
			return func() (*licensing.Outcome, error) {
				out, err := o.service.Assign(t.Context(), o.tenant, in)
				if err != nil {
					return nil, err
				}
				for _, r := range out.Results {
					if r.Changed || len(r.Errors) > 0 {
						t.Errorf("the result of %s is changed %v, errors %v", r.Principal.ID, r.Changed, r.Errors)
					}
				}
				return out.Outcome, nil
			}
		}
		for name, call := range map[string]func() (*licensing.Outcome, error){
			"an identical assignment to a group": assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: give(base)}),
			"the same plans in another order": assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(bob)}, Add: []licensing.LicenseInput{
				{Product: base, Plans: &licensing.SelectionInput{Mode: tenantgraph.Only, Plans: []uuid.UUID{mail, mail}}}}}),
			"plans left out keep what is selected": assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(bob)}, Add: give(base)}),
			"removing what is not there":           assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(cid), group(all)}, Remove: []uuid.UUID{base, base}}),
			"nothing to do":                        assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(ann), user(ann)}}),
			"nobody":                               assign(licensing.AssignInput{Add: give(base)}),
			"the seats there are": func() (*licensing.Outcome, error) {
				out, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(5)})
				return outcomeOf(out), err
			},
			"no seats given": func() (*licensing.Outcome, error) {
				out, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID})
				return outcomeOf(out), err
			},
			"cancelling once more": func() (*licensing.Outcome, error) {
				out, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: ended.ID})
				return outcomeOf(out), err
			},
			"reprocessing": func() (*licensing.Outcome, error) {
				return o.service.Reprocess(t.Context(), o.tenant, []licensing.PrincipalRef{user(ann), group(sales)}, false)
			},
			"a draft of nothing": func() (*licensing.Outcome, error) {
				return o.service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.UserUpdate}, func(context.Context, *licensing.Draft) error { return nil })
			},
			"a member that comes and goes": func() (*licensing.Outcome, error) {
				return o.service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.GroupMembersChange}, func(_ context.Context, d *licensing.Draft) error {
					d.AddMember(sales, dot)
					d.RemoveMember(sales, dot)
					return nil
				})
			},
		} {
			t.Run(name, func(t *testing.T) {
				o.clock.Advance(time.Minute)
				o.in(t).unchanged(func() {
					out, err := call()
					if err != nil {
						t.Fatal(err)
					}
					if out.Changed || out.EventID != uuid.Nil || out.Impact.ChangeCount() != 0 || len(out.Impact.Products) != 0 {
						t.Errorf("changed %v, event %s, %d changes of %d products", out.Changed, out.EventID, out.Impact.ChangeCount(), len(out.Impact.Products))
					}
				})
			})
		}
	})
}

func outcomeOf(out *licensing.SubscriptionOutcome) *licensing.Outcome {
	if out == nil {
		return nil
	}
	return out.Outcome
}

// A product that has left the catalogue is refused anew, to users and groups, while existing
// assignments can be edited, kept and removed.
func TestRetiredProductGoesOnWhereItIsAssignedR22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 5)
		o.join(sales, ann)
		o.assign(group(sales), give(base), nil, "")
		o.assign(user(bob), give(base), nil, "")
		retired := o.clock.Now()
		o.exec(t, `UPDATE products SET retired_at = $1 WHERE id = $2`, retired, base)
		o.exec(t, `UPDATE catalog SET revision = revision + 1`)

		for _, ref := range []licensing.PrincipalRef{user(cid), group(all)} {
			out := o.assign(ref, give(base), nil, fault.ProductRetired)
			if path := out.Results[0].Errors[0].Path; !slices.Equal(path, []string{"add", "0"}) {
				t.Errorf("the error is at %v", path)
			}
		}
		_, err := o.service.CreateSubscription(t.Context(), o.tenant, licensing.CreateSubscriptionInput{Product: base})
		o.refused(err, fault.ProductRetired)

		o.holds(ann, base)
		if out := o.assign(user(bob), only(base, mail), nil, ""); !out.Changed {
			t.Error("an edit changes nothing")
		}
		if out := o.assign(group(sales), only(base, talk), nil, ""); !out.Changed {
			t.Error("an edit of a group's changes nothing")
		}
		o.resize(sub, 7)
		o.join(sales, dot) // a member is no new assignment
		o.holds(dot, base)
		o.assign(user(bob), nil, []uuid.UUID{base}, "")
		o.assign(group(sales), nil, []uuid.UUID{base}, "")
		o.holds(bob)
		o.assign(user(bob), give(base), nil, fault.ProductRetired)
		o.verify(t)
	})
}

// Versions rise with an object's own fields, assignments and nestings; members and what is
// derived never move them.
func TestVersionsRiseWithWhatIsAnObjectsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		moves := func(name string, table string, key uuid.UUID, by int, call func()) {
			t.Helper()
			version, updated := o.versions(table, key)
			call()
			is, at := o.versions(table, key)
			if is != version+by || (at != updated) != (by > 0) {
				t.Errorf("%s: version %d since %d, was %d since %d", name, is, at, version, updated)
			}
		}
		moves("a member that joins, for the group", "groups", sales, 0, func() { o.join(sales, ann) })
		moves("joining, for the user", "users", bob, 0, func() { o.join(sales, bob) })
		moves("a group's assignment", "groups", sales, 1, func() { o.assign(group(sales), give(base), nil, "") })
		moves("an edit of it", "groups", sales, 1, func() { o.assign(group(sales), only(base, mail), nil, "") })
		moves("an edit of it, for the user", "users", ann, 0, func() { o.assign(group(sales), give(base), nil, "") })
		moves("an assignment to a parent", "groups", sales, 0, func() { o.assign(group(all), give(base), nil, "") })
		moves("a user's own assignment", "users", ann, 1, func() { o.assign(user(ann), give(base), nil, "") })
		moves("a refused one", "users", cid, 0, func() { o.assign(user(cid), give(base), nil, fault.CountViolation) })
		moves("an identical one", "users", ann, 0, func() { o.assign(user(ann), give(base), nil, "") })
		moves("its removal", "users", ann, 1, func() { o.assign(user(ann), nil, []uuid.UUID{base}, "") })
		moves("a seat that comes free, for who waits", "users", bob, 0, func() { o.do(func(d *licensing.Draft) error { d.RemoveMember(sales, ann); return nil }) })
		o.holds(bob, base)
		for name, key := range map[string]uuid.UUID{"the parent": all, "the child": sales} {
			moves("a nesting that ends, for "+name, "groups", key, 1, func() { o.do(func(d *licensing.Draft) error { d.Unnest(all, sales); return nil }) })
			moves("a nesting, for "+name, "groups", key, 1, func() { o.do(func(d *licensing.Draft) error { d.Nest(all, sales); return nil }) })
		}
	})
}

// A change made on an outdated reading is refused, and changes nothing.
func TestExpectedVersionGuardsAgainstOutdatedReadings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 5)
		assign := func(expected int, refs ...licensing.PrincipalRef) (*licensing.AssignOutcome, error) {
			return o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: refs, Add: give(base), ExpectedVersion: &expected})
		}
		for _, ref := range []licensing.PrincipalRef{user(ann), group(sales)} {
			version, _ := o.versions(map[id.Kind]string{id.User: "users", id.Group: "groups"}[ref.Kind], ref.ID)
			o.unchanged(func() {
				out, err := assign(version+1, ref)
				if err != nil {
					t.Fatal(err)
				}
				if errs := out.Results[0].Errors; len(errs) != 1 || errs[0].Code != fault.VersionConflict || !slices.Equal(errs[0].Path, []string{"expectedVersion"}) {
					t.Errorf("%s: the result bears %+v", ref.Kind, errs)
				}
			})
			if out, err := assign(version, ref); err != nil || len(out.Results[0].Errors) > 0 || !out.Changed {
				t.Errorf("%s: %+v, %v", ref.Kind, out, err)
			}
		}
		_, err := assign(1, user(bob), user(cid))
		o.refused(err, fault.InvalidValue)
		if _, err := assign(1, user(bob), user(bob)); err != nil { // the same principal twice is one
			t.Error(err)
		}

		o.unchanged(func() {
			_, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(9), ExpectedVersion: ptr(2)})
			o.refused(err, fault.VersionConflict)
			_, err = o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, ExpectedVersion: ptr(2)})
			o.refused(err, fault.VersionConflict)
		})
		out, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(9), ExpectedVersion: ptr(1)})
		if err != nil || out.Subscription.Version != 2 || *out.Subscription.Seats != 9 {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

// A removal of what comes through groups alone is refused, naming them; nothing of that user's
// part is stored.
func TestInheritedLicenseCannotBeRemovedOnTheUserR21(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.buy(addon, 5)
		o.join(sales, ann)
		o.assign(group(all), give(base), nil, "")
		out := o.assign(user(ann), give(addon), []uuid.UUID{base}, fault.LicenseIsInherited)
		f := out.Results[0].Errors[0]
		if d, is := f.Details.(*licensing.InheritedDetails); !is || len(d.Groups) != 1 || d.Groups[0].ID != all || !strings.Contains(f.Message, "All") {
			t.Errorf("%s %+v", f.Message, f.Details)
		}
		if !reflect.DeepEqual(f.Path, []string{"remove", "0"}) {
			t.Errorf("the error is at %v", f.Path)
		}
		o.holds(ann, base)
		o.assign(user(ann), give(base), nil, "")
		if out := o.assign(user(ann), nil, []uuid.UUID{base}, ""); !out.Changed {
			t.Error("the direct copy cannot be removed")
		}
		o.holds(ann, base)
	})
}
