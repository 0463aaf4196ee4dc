package licensing_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// newPlaced is an office in which talk may be used in NL and BE only and note anywhere but in
// DE; sales has base and suite without drive.
func newPlaced(t *testing.T, db *database.DB) *office {
	t.Helper()
	o := newOffice(t, db)
	o.catalogue(func(data *tenantgraph.CatalogData) {
		for i := range data.Plans {
			switch data.Plans[i].ID {
			case talk:
				data.Plans[i].Location = tenantgraph.Location{Allowed: []string{"BE", "NL"}}
			case note:
				data.Plans[i].Location = tenantgraph.Location{Prohibited: []string{"DE"}}
			}
		}
	})
	for _, p := range []uuid.UUID{base, suite} {
		o.buy(p, 10)
	}
	o.assign(group(sales), slices.Concat(give(base), only(suite, note)), nil, "")
	o.join(sales, ann)
	return o
}

func (o *office) moveTo(key uuid.UUID, country *string) *licensing.Outcome {
	o.Helper()
	before := o.view(key).User
	return o.do(func(d *licensing.Draft) error {
		after := before
		after.UsageLocation, after.UpdatedAt, after.Version = country, d.Now, before.Version+1
		d.UpdateUser(&before, &after)
		return nil
	})
}

func (o *office) on(key uuid.UUID, want ...uuid.UUID) {
	o.Helper()
	var got []uuid.UUID
	for _, p := range o.view(key).Plans() {
		if p.Enabled {
			got = append(got, p.Plan.ID)
		}
	}
	order := func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		o.Errorf("%s has the plans %v, want %v", o.view(key).User.DisplayName, got, want)
	}
}

func TestMoveWithholdsBarredPlansAndHealsOthersInTheSameCommitR11(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newPlaced(t, db)
		o.on(ann, mail, talk, note)
		o.moveTo(ann, ptr("DE"))
		o.on(ann, mail)
		o.holds(ann, base) // of suite nothing is left: it takes no seat
		if s := o.seats(suite); s.Consumed != 0 || s.InError != 1 {
			t.Errorf("seats of suite: %+v", s)
		}
		o.verify(t)
		o.moveTo(ann, ptr("US"))
		o.on(ann, mail, note)
		e := o.errorOf(ann)
		if d, ok := e.Details.(*licensing.LocationDetails); !ok || d.Plan.ID != talk || d.Country != "US" || d.Origin != licensing.LocationOfUser || e.Plan.ID != talk {
			t.Errorf("%+v with %+v", e, e.Details)
		}
		if want := "The plan Talk of Base may not be used in US, the user's usage location."; e.Message().String() != want {
			t.Errorf("message %q, want %q", e.Message(), want)
		}
		o.moveTo(ann, ptr("BE"))
		o.on(ann, mail, talk, note)
		o.verify(t)
	})
}

// The tenant's country stands in for a location that a user does not have, and is never
// written to the user.
func TestTenantsCountryIsTheFallbackR11(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newPlaced(t, db)
		o.join(sales, bob)
		o.moveTo(ann, nil)
		o.on(ann, mail, talk, note) // NL
		out := o.settle(func(d *licensing.Draft) { d.SetTenant("DE", d.Graph.Terms) })
		if out.Impact.UsersLosing != 1 || out.Impact.UsersInError != 1 {
			t.Errorf("%d lose, %d in error", out.Impact.UsersLosing, out.Impact.UsersInError)
		}
		o.on(ann, mail)
		o.on(bob, mail, talk, note) // has a location
		for _, e := range o.view(ann).Errors() {
			if d, ok := e.Details.(*licensing.LocationDetails); !ok || d.Country != "DE" || d.Origin != licensing.LocationOfTenant {
				t.Errorf("details %+v", e.Details)
			}
		}
		if at := o.view(ann).User.UsageLocation; at != nil {
			t.Errorf("the country %s was written to the user", *at)
		}
		o.verify(t)
		o.settle(func(d *licensing.Draft) { d.SetTenant("BE", d.Graph.Terms) })
		o.on(ann, mail, talk, note)
		o.verify(t)
	})
}

// settle carries out a change of the tenant itself.
func (o *office) settle(plan func(d *licensing.Draft)) *licensing.Outcome {
	o.Helper()
	return o.do(func(d *licensing.Draft) error {
		plan(d)
		return nil
	})
}

func TestCreatingADirectAssignmentNeedsALocationR11(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newPlaced(t, db)
		o.assign(user(bob), give(base), nil, "")
		o.moveTo(bob, nil) // cleared later: the country stands in
		o.on(bob, mail, talk)
		o.assign(user(bob), only(base, mail), nil, "") // an edit needs none
		o.assign(user(bob), give(suite), []uuid.UUID{base}, fault.UsageLocationRequired)
		o.moveTo(bob, ptr("DE"))
		e := o.assign(user(bob), only(suite, note), nil, fault.LocationViolation).Results[0].Errors[0]
		if d, ok := e.Details.(*licensing.LocationDetails); !ok || d.Country != "DE" || d.Origin != licensing.LocationOfUser {
			t.Errorf("details %+v", e.Details)
		}
		o.on(bob, mail)
	})
}

// Which plans may be used where is the catalogue's to say: a change of it withholds and heals.
func TestCatalogueChangesOfLocationsTakeEffectAtOnceR11R22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newPlaced(t, db)
		o.moveTo(ann, ptr("DE"))
		o.catalogue(nil)
		o.on(ann, mail, talk, note)
		if errs := o.view(ann).Errors(); len(errs) > 0 {
			t.Errorf("%d errors are left", len(errs))
		}
		o.verify(t)
	})
}

// Automatic plans come to every enabled user by any live subscription, take no seat and no
// part in any check, and are no license.
func TestAutomaticPlansComeToEveryEnabledUserR7(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.catalogue(func(data *tenantgraph.CatalogData) {
			for i := range data.Plans {
				if data.Plans[i].ID == talk {
					data.Plans[i].AutoAssigned = true
				}
			}
		})
		o.on(ann)
		sub := o.buy(base, 1)
		o.buy(suite, 1)
		o.on(ann, talk)
		v := o.view(ann)
		if len(v.Licenses()) > 0 || o.seats(base).Consumed != 0 {
			t.Error("an automatic plan is a license or takes a seat")
		}
		source := v.Plans()[0].EnabledBy[0]
		if source.Kind != licensing.SourceAutomatic || source.Assignment != nil || source.Group != nil || source.Since != sub.StartsAt {
			t.Errorf("source %+v", source)
		}
		if d := v.DecidePlan(v.Graph().Plan(talk)); !d.Allowed || d.EnabledBy[0].Kind != licensing.SourceAutomatic {
			t.Errorf("decision %+v", d)
		}
		o.assign(user(ann), give(suite), nil, "") // drive excludes talk, but for talk being automatic
		o.on(ann, drive, note, talk)
		before := o.view(bob).User
		o.do(func(d *licensing.Draft) error {
			after := before
			after.AccountEnabled = false
			d.UpdateUser(&before, &after)
			return nil
		})
		o.on(bob)
		if d := o.view(bob).DecidePlan(v.Graph().Plan(talk)); d.Reason != licensing.DecisionAccountDisabled {
			t.Errorf("decision %+v", d)
		}
		o.verify(t)
	})
}
