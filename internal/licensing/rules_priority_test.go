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
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// ranked asks for a product with a priority.
func ranked(product uuid.UUID, priority int) []licensing.LicenseInput {
	return []licensing.LicenseInput{{Product: product, Priority: optional.Of(priority)}}
}

// line checks who waits for a product, in order, with the places that are shown.
func (o *office) line(product uuid.UUID, want ...uuid.UUID) {
	o.Helper()
	page, err := o.service.WaitingFor(o.Context(), o.tenant, product, paging.Args{})
	if err != nil {
		o.Fatal(err)
	}
	var got []uuid.UUID
	for i, w := range page.Items {
		got = append(got, w.UserID)
		if w.Place != i+1 {
			o.Errorf("place %d is shown as %d", i+1, w.Place)
		}
	}
	if !slices.Equal(got, want) {
		o.Errorf("in line are %v, want %v", got, want)
	}
	for i, user := range want {
		errs := o.view(user).Errors()
		if err := o.service.FillSeatDetails(o.Context(), o.tenant, errs); err != nil {
			o.Fatal(err)
		}
		place := slices.IndexFunc(errs, func(e *licensing.LicenseError) bool { return e.Product.ID == product && e.Code == fault.CountViolation })
		if place < 0 {
			o.Errorf("%s does not wait", user)
			continue
		}
		if d := errs[place].Details.(*licensing.SeatDetails); d.Place == nil || *d.Place != i+1 {
			o.Errorf("the error of %s tells the place %v, want %d", user, d.Place, i+1)
		}
	}
}

var urgent, spare, crew = numbered(3, 13), numbered(3, 14), numbered(3, 15)

func (o *office) makeGroups() {
	o.Helper()
	o.do(func(d *licensing.Draft) error {
		for key, name := range map[uuid.UUID]string{urgent: "Urgent", spare: "Spare", crew: "Crew"} {
			d.CreateGroup(&principal.Group{ID: key, DisplayName: name, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
		}
		return nil
	})
}

// newLineOfTwo is an office with one seat of base, which dot has; ann waits through sales, and then
// bob through a group of its own.
func newLineOfTwo(t *testing.T, db *database.DB) (*office, *licensing.Subscription) {
	t.Helper()
	o := newOffice(t, db)
	o.makeGroups()
	sub := o.buy(base, 1)
	o.assign(user(dot), give(base), nil, "")
	o.join(sales, ann)
	o.join(urgent, bob)
	o.assign(group(sales), give(base), nil, "")
	o.assign(group(urgent), give(base), nil, "")
	o.line(base, ann, bob)
	return o, sub
}

// Who waits with a higher priority gets the next seat, however long others have waited; an edit of
// the priority moves the line at once and takes nobody's seat. Own assignments still come first.
func TestPriorityOrdersWhoWaitsBeforeSinceR5(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o, sub := newLineOfTwo(t, db)
		out := o.assign(group(urgent), ranked(base, 5), nil, "")
		if i := out.Impact; !out.Changed || i.ChangeCount() > 0 || len(i.Products) > 0 {
			t.Errorf("changed %v, with %d changes of users and %d products", out.Changed, i.ChangeCount(), len(i.Products))
		}
		if a := out.Results[0].Assignments[0]; a.Priority != 5 || a.Version != 2 {
			t.Errorf("the assignment has the priority %d and version %d", a.Priority, a.Version)
		}
		o.holds(dot, base)
		o.line(base, bob, ann)
		o.verify(t)

		o.join(sales, cid)
		o.assign(group(sales), ranked(base, 7), nil, "")
		o.line(base, ann, cid, bob)
		if out := o.assign(group(sales), give(base), nil, ""); out.Changed {
			t.Error("an absent priority changes it")
		}
		o.assign(group(sales), []licensing.LicenseInput{{Product: base, Priority: optional.Null[int]()}}, nil, "")
		o.line(base, bob, ann, cid)
		o.assign(group(urgent), ranked(base, -1), nil, "")
		o.line(base, ann, cid, bob)

		o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(dot).User); return nil })
		o.holds(ann, base)
		o.do(func(d *licensing.Draft) error { // a source of a user's own comes before any priority
			d.RestoreUser(&o.view(dot).User)
			return nil
		})
		o.line(base, dot, cid, bob)
		o.assign(group(urgent), ranked(base, licensing.MaxPriority), nil, "")
		o.line(base, dot, bob, cid)
		o.resize(sub, 3)
		o.holds(dot, base)
		o.holds(bob, base)
		o.line(base, cid)
		o.verify(t)
	})
}

// A user's own assignment has a priority too: among such, it orders who waits.
func TestPriorityOfOwnAssignmentsR5(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 3)
		for _, u := range []uuid.UUID{ann, bob, cid} {
			o.assign(user(u), give(base), nil, "")
			o.do(func(d *licensing.Draft) error { d.DeleteUser(&o.view(u).User); return nil })
		}
		o.resize(sub, 0)
		for _, u := range []uuid.UUID{ann, bob, cid} {
			o.do(func(d *licensing.Draft) error { d.RestoreUser(&o.view(u).User); return nil })
		}
		o.line(base, ann, bob, cid)
		if out := o.assign(user(cid), ranked(base, 1), nil, ""); !out.Changed { // it waits, and is edited without being judged
			t.Error("a new priority changes nothing")
		}
		o.line(base, cid, ann, bob)
		o.verify(t)
		out, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{
			Principals: []licensing.PrincipalRef{user(bob)}, Add: []licensing.LicenseInput{{Product: base, Priority: optional.Of(9), Plans: &licensing.SelectionInput{Mode: tenantgraph.Only, Plans: []uuid.UUID{mail}}}}, DryRun: true,
		})
		if err != nil || !out.Changed {
			t.Fatal(out, err)
		}
		o.line(base, cid, ann, bob) // a dry run moves nobody
		o.resize(sub, 1)
		o.holds(cid, base)
	})
}

// A group with a higher priority is served before those who wait for what the same change frees;
// one with the same or a lower, after them.
func TestNewcomersOfAHigherPriorityComeBeforeWhoWaitsR5(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for priority, gets := range map[int]uuid.UUID{-1: ann, 0: ann, 1: bob} {
			o := newOffice(t, db)
			o.makeGroups()
			o.buy(base, 1)
			o.join(sales, dot) // nested in all
			o.assign(group(all), give(base), nil, "")
			o.join(spare, ann)
			o.assign(group(spare), give(base), nil, "")
			o.assign(group(urgent), ranked(base, priority), nil, "")
			o.join(crew, bob)
			o.line(base, ann)
			o.do(func(d *licensing.Draft) error {
				d.Unnest(all, sales)
				d.Nest(urgent, crew)
				return nil
			})
			o.holds(gets, base)
			o.verify(t)
		}
	})
}

// What one call frees goes by the priorities that the same call sets, also to those who wait
// through an assignment of which nothing but the priority changes.
func TestSeatsThatACallFreesGoByThePrioritiesThatItSetsR5R23(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.makeGroups()
		o.buy(base, 1)
		firstLevel := false
		o.join(sales, dot) // nested in all
		o.assign(group(all), give(base), nil, "")
		o.holds(dot, base)
		o.join(spare, ann)
		o.join(urgent, bob)
		o.assign(group(spare), give(base), nil, "")
		o.assign(group(urgent), []licensing.LicenseInput{{Product: base, IncludeNested: &firstLevel}}, nil, "")
		o.line(base, ann, bob)
		in := licensing.AssignInput{
			Principals: []licensing.PrincipalRef{group(all), group(urgent)},
			Add:        []licensing.LicenseInput{{Product: base, IncludeNested: &firstLevel, Priority: optional.Of(3)}},
		}
		for name, service := range map[string]*licensing.Service{"counted": o.counts, "by cases": o.byCases, "grouped": o.grouped} {
			preview := in
			preview.DryRun = true
			out, err := service.Assign(t.Context(), o.tenant, preview)
			if err != nil {
				t.Fatal(err)
			}
			page, err := out.Impact.Changes(t.Context(), 10, "")
			if err != nil {
				t.Fatal(err)
			}
			gains := slices.IndexFunc(page.Items, func(c *licensing.LicenseChange) bool { return c.Kind == licensing.Gained })
			if gains < 0 || page.Items[gains].UserID != bob {
				t.Errorf("%s: the changes are %v", name, changeTexts(page.Items))
			}
		}
		o.line(base, ann, bob) // a dry run moves nobody
		if _, err := o.service.Assign(t.Context(), o.tenant, in); err != nil {
			t.Fatal(err)
		}
		o.holds(bob, base)
		o.line(base, ann)
		o.verify(t)
	})
}

// A priority out of range is refused with its place; the audit event tells it before and after.
func TestPriorityIsBoundedAndAuditedR24R28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		for _, n := range []int{licensing.MinPriority - 1, licensing.MaxPriority + 1} {
			_, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: ranked(base, n)})
			if f := o.refused(err, fault.InvalidValue); !slices.Equal(f.Path, []string{"add", "0", "priority"}) {
				t.Errorf("refused at %v", f.Path)
			}
		}
		o.assign(group(sales), ranked(base, licensing.MinPriority), nil, "")
		o.assign(group(sales), ranked(base, 12), nil, "")
		events := o.events()
		fields := strings.Join(fieldTexts(events[len(events)-1]), " ")
		if !strings.Contains(fields, "all plans; priority -1000") || !strings.Contains(fields, "all plans; priority 12") {
			t.Errorf("the event tells %s", fields)
		}
	})
}
