package licensing_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// excluding asks for a product for all but members of groups.
func excluding(product uuid.UUID, groups ...uuid.UUID) []licensing.LicenseInput {
	return []licensing.LicenseInput{{Product: product, ExcludeGroups: optional.Of(groups)}}
}

// excluded checks from what a user is excluded: "product of group by path".
func (o *office) excluded(key uuid.UUID, want ...string) {
	o.Helper()
	var got []string
	for _, x := range o.view(key).ExcludedSources() {
		var by []string
		for _, g := range x.ExcludedByPath {
			by = append(by, g.DisplayName)
		}
		got = append(got, x.Assignment.Product.DisplayName+" of "+x.Group.DisplayName+" by "+strings.Join(by, "/"))
		if x.ExcludedBy != x.ExcludedByPath[0] || x.Path[0] != x.Group {
			o.Errorf("the paths begin at %s and %s", x.ExcludedByPath[0].DisplayName, x.Path[0].DisplayName)
		}
	}
	if !slices.Equal(got, want) {
		o.Errorf("%s is excluded from %v, want %v", o.view(key).User.DisplayName, got, want)
	}
}

// Members of an excluded group, and of groups nested in it, do not get the source, whatever brings
// it; their other sources stay. Who leaves the group gets it in the same commit, who joins loses it.
func TestMembersOfExcludedGroupsAreOutOfTheSourceR1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 2)
		o.buy(addon, -1)
		o.do(func(d *licensing.Draft) error { d.Nest(spare, crew); return nil })
		o.join(sales, ann, bob, cid) // nested in all
		o.join(crew, bob)
		o.assign(group(all), excluding(base, spare), nil, "")
		o.assign(group(sales), give(addon), nil, "")
		o.holds(ann, base, addon)
		o.holds(bob, addon)
		o.holds(cid, base, addon)
		o.excluded(ann)
		o.excluded(bob, "Base of All by Spare/Crew")
		if s := o.seats(base); s.Consumed != 2 || s.Waiting != 0 {
			t.Errorf("the seats are %+v", s)
		}
		o.verify(t)

		o.do(func(d *licensing.Draft) error { d.AddMember(spare, cid); d.RemoveMember(crew, bob); return nil })
		o.holds(bob, base, addon)
		o.holds(cid, addon)
		o.excluded(cid, "Base of All by Spare")
		o.join(sales, dot)
		o.line(base, dot)
		o.do(func(d *licensing.Draft) error { d.AddMember(spare, ann); return nil }) // makes room
		o.holds(dot, base, addon)
		o.verify(t)

		o.assign(group(all), give(base), nil, "") // absent keeps
		o.excluded(ann, "Base of All by Spare")
		o.assign(group(all), []licensing.LicenseInput{{Product: base, ExcludeGroups: optional.Null[[]uuid.UUID]()}}, nil, "")
		o.excluded(ann)
		o.line(base, ann, cid)
		o.assign(group(all), excluding(base, urgent, spare), nil, "")
		o.line(base)
		o.excluded(ann, "Base of All by Spare")
		o.assign(group(all), excluding(base), nil, "")
		o.line(base, ann, cid)
		o.verify(t)
	})
}

// What a user is excluded from is not inherited: to remove it is no refusal. A user's own
// assignment of the product is another source.
func TestWhoIsExcludedHasWhatIsTheUsersOwnR1R21(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, -1)
		o.join(sales, ann, bob)
		o.join(spare, bob)
		o.assign(group(sales), excluding(base, spare), nil, "")
		o.assign(user(ann), nil, []uuid.UUID{base}, fault.LicenseIsInherited)
		if out := o.assign(user(bob), nil, []uuid.UUID{base}, ""); out.Changed {
			t.Error("something was removed")
		}
		o.assign(user(bob), give(base), nil, "")
		o.holds(bob, base)
		o.excluded(bob, "Base of Sales by Spare")
		o.verify(t)
	})
}

// With a group that is excluded ends what it excludes: its members get the source in the same
// commit, the assignment names it no longer, and the event tells.
func TestExcludedGroupThatIsDeletedExcludesNoLongerR1R20(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 1)
		o.join(sales, ann, bob)
		o.join(spare, ann, bob)
		o.assign(group(sales), excluding(base, spare, crew), nil, "")
		o.holds(ann)
		out := o.do(func(d *licensing.Draft) error { d.DeleteGroup(spare); return nil })
		if out.Impact.UsersGaining != 1 || out.Impact.UsersInError != 1 {
			t.Errorf("%d gain, %d are in error", out.Impact.UsersGaining, out.Impact.UsersInError)
		}
		o.holds(ann, base)
		o.line(base, bob)
		a := o.assign(group(sales), give(base), nil, "").Results[0].Assignments[0]
		if len(a.ExcludedGroups) != 1 || a.ExcludedGroups[0].ID != crew || a.Version != 2 {
			t.Errorf("version %d excludes %v", a.Version, a.ExcludedGroups)
		}
		events := o.events()
		fields := strings.Join(fieldTexts(events[len(events)-1]), " ")
		if !strings.Contains(fields, "all plans; not for members of Crew, Spare → all plans; not for members of Crew") {
			t.Errorf("the event tells %s", fields)
		}
		o.verify(t)
	})
}

// What cannot be excluded is refused where it stands in the input.
func TestExclusionsThatMakeNoSenseAreRefusedR1R25(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, -1)
		many := make([]uuid.UUID, licensing.MaxExcludedGroups+1)
		for i := range many {
			many[i] = numbered(3, 100+i)
		}
		for _, c := range []struct {
			name     string
			excluded []uuid.UUID
			code     fault.Code
			path     []string
		}{
			{"an unknown group", []uuid.UUID{spare, ann}, fault.NotFound, []string{"add", "0", "excludeGroupIds", "1"}},
			{"too many", many, fault.TooMany, []string{"add", "0", "excludeGroupIds"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				_, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: excluding(base, c.excluded...)})
				if f := o.in(t).refused(err, c.code); !slices.Equal(f.Path, c.path) {
					t.Errorf("refused at %v", f.Path)
				}
			})
		}
		for _, ref := range []licensing.PrincipalRef{user(ann), group(spare)} {
			out := o.assign(ref, excluding(base, crew, spare), nil, fault.InvalidValue)
			if f := out.Results[0].Errors[0]; !slices.Equal(f.Path, []string{"add", "0", "excludeGroupIds"}) {
				t.Errorf("refused at %v", f.Path)
			}
		}
		o.assign(user(ann), excluding(base), nil, "") // nothing to exclude
		o.assign(group(spare), excluding(base, crew, crew), nil, "")
	})
}

// A product without a live subscription is in error for those whom it reaches, and for nobody who
// is excluded (R16).
func TestWhoIsExcludedIsNotInErrorWithoutASubscriptionR1R16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		sub := o.buy(base, 5)
		o.join(sales, ann, bob)
		o.join(spare, bob)
		o.assign(group(sales), excluding(base, spare), nil, "")
		if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, AcknowledgeLosses: ptr(9)}); err != nil {
			t.Fatal(err)
		}
		if got := o.errorsOf(ann, bob); len(got) != 1 || !strings.Contains(got[0], "NO_SUBSCRIPTION") {
			t.Errorf("the errors are %q", got)
		}
		listed, err := o.service.Errors(t.Context(), o.tenant, licensing.ErrorFilter{}, paging.Args{})
		if err != nil || len(listed.Items) != 1 || listed.Items[0].UserID != ann {
			t.Errorf("listed are %v, %v", texts(listed.Items), err)
		}
		if n, err := listed.Count(t.Context()); n != 1 || err != nil {
			t.Errorf("%d are counted, %v", n, err)
		}
		o.verify(t)
	})
}

// A nesting alone excludes: counting, cases and grouped cases tell the same of it.
func TestNestingIntoAnExcludedGroupTakesTheSourceR1R26(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 2)
		o.join(sales, ann, bob, cid)
		o.join(crew, bob, cid)
		o.assign(group(sales), excluding(base, spare), nil, "")
		o.line(base, cid)
		for name, service := range map[string]*licensing.Service{"counted": o.counts, "by cases": o.byCases, "grouped": o.grouped} {
			out, err := service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.GroupUpdate, DryRun: true}, func(_ context.Context, d *licensing.Draft) error {
				d.Nest(spare, crew)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if i := out.Impact; i.UsersLosing != 1 || i.ChangeCount() != 2 || len(i.Products) != 1 || *i.Products[0].SeatsAfter.Available != 1 || i.Products[0].SeatsAfter.Waiting != 0 {
				t.Errorf("%s: %d lose, of %d changes: %+v", name, i.UsersLosing, i.ChangeCount(), i.Products)
			}
		}
		o.do(func(d *licensing.Draft) error { d.Nest(spare, crew); return nil })
		o.holds(ann, base)
		o.holds(bob)
		o.line(base)
		o.verify(t)
	})
}

// Who is excluded from a product that nobody can have is promised nothing by it; who is excluded no
// longer is (R23).
func TestWhoIsExcludedIsPromisedNothingR1R23(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, c := range []struct {
			name   string
			spare  bool // a member of the excluded group before
			leaves bool // and not after
			joins  bool // becomes a member of the group with the product by the call; else was one
			asks   bool
		}{
			{"not excluded", false, false, true, true},
			{"excluded", true, false, true, false},
			{"excluded no longer", true, true, true, true},
			{"excluded no longer, by what was there", true, true, false, true},
			{"still excluded, by what was there", true, false, false, false},
		} {
			o := newOffice(t, db)
			o.makeGroups()
			o.buy(base, 5)
			sub := o.buy(addon, 5)
			o.join(sales, ann)
			o.assign(group(sales), give(base), nil, "")
			if c.spare {
				o.join(spare, ann)
			}
			if !c.joins {
				o.join(urgent, ann)
			}
			o.assign(group(urgent), excluding(addon, spare), nil, "")
			if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, AcknowledgeLosses: ptr(9)}); err != nil {
				t.Fatal(err)
			}
			for name, service := range map[string]*licensing.Service{"counted": o.counts, "by cases": o.byCases, "grouped": o.grouped} {
				out, err := service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.GroupUpdate, DryRun: true}, func(_ context.Context, d *licensing.Draft) error {
					d.RemoveMember(sales, ann)
					if c.leaves {
						d.RemoveMember(spare, ann)
					}
					if c.joins {
						d.AddMember(urgent, ann)
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if asks := out.Confirmation != nil; asks != c.asks || out.Impact.UsersLosing != 1 {
					t.Errorf("%s, %s: asks %v, %d lose", c.name, name, asks, out.Impact.UsersLosing)
				}
			}
		}
	})
}

// A group that goes is excluded from nothing any more, also where the same change edits the assignment
// that excluded it, in whatever order both are planned (R1, R20, R30).
func TestAGroupThatGoesIsForgottenByWhatTheSameChangeEditsR20R30(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		in := give(base)
		in[0].ExcludeGroups = optional.Of([]uuid.UUID{sales})
		o.assign(group(all), in, nil, "")
		in = give(base)
		in[0].Priority = optional.Of(3)
		o.do(func(d *licensing.Draft) error {
			d.DeleteGroup(sales)
			return licensing.PlanAssign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(all)}, Add: in}).Plan(t.Context(), d)
		})
		if rows := o.query(`SELECT excluded_groups FROM assignments WHERE priority = 3`); len(rows) != 1 || rows[0] != "[]" {
			t.Errorf("the assignment excludes %v", rows)
		}
	})
}
