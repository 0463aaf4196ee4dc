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

// newDependent is an office in which extra needs mail or note, with seats of everything.
func newDependent(t *testing.T, db *database.DB) *office {
	t.Helper()
	o := newOffice(t, db)
	o.catalogue(func(data *tenantgraph.CatalogData) {
		data.Requires = map[uuid.UUID][]uuid.UUID{extra: {mail, note}}
	})
	for _, p := range []uuid.UUID{base, suite, addon} {
		o.buy(p, 10)
	}
	return o
}

// errorOf returns the user's only error.
func (o *office) errorOf(user uuid.UUID) *licensing.LicenseError {
	o.Helper()
	errs := o.view(user).Errors()
	if len(errs) != 1 {
		o.Fatalf("%s has %d errors, want 1", o.view(user).User.DisplayName, len(errs))
	}
	return errs[0]
}

func TestDirectAddThatLacksAPrerequisiteIsRefusedNamingBothSidesR10R12(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newDependent(t, db)
		o.unchanged(func() {
			out := o.assign(user(ann), give(addon), nil, fault.DependencyViolation)
			e := out.Results[0].Errors[0]
			d, ok := e.Details.(*licensing.DependencyDetails)
			if !ok || d.Plan.ID != extra || d.Product.ID != addon || len(d.RequiresAnyOf) != 2 || d.RequiresAnyOf[0].ID != mail || d.RequiresAnyOf[1].ID != note {
				t.Errorf("details %+v", e.Details)
			}
			if want := "The plan Extra of Addon needs one of these plans, and none is on for the user: Mail, Note."; e.Message != want {
				t.Errorf("message %q, want %q", e.Message, want)
			}
			if !slices.Equal(e.Path, []string{"add", "0"}) || e.Remediation == "" {
				t.Errorf("path %v, remediation %q", e.Path, e.Remediation)
			}
		})
		o.assign(user(ann), give(addon, base), nil, "") // together: its base comes with it
		o.holds(ann, addon, base)
		o.join(sales, bob)
		o.assign(group(sales), only(suite, note), nil, "")
		o.assign(user(bob), give(addon), nil, "") // any source will do
		o.holds(bob, addon, suite)
	})
}

func TestDirectCallThatTakesAPrerequisiteAwayIsRefusedNamingBothR10(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newDependent(t, db)
		o.assign(user(ann), give(base, addon), nil, "")
		for name, c := range map[string]struct {
			add    []licensing.LicenseInput
			remove []uuid.UUID
			path   []string
		}{
			"removing it":          {nil, []uuid.UUID{suite, base}, []string{"remove", "1"}},
			"switching it off":     {only(base, talk), nil, []string{"add", "0"}},
			"swapping it for less": {only(suite, drive), []uuid.UUID{base}, []string{"remove", "0"}},
		} {
			t.Run(name, func(t *testing.T) {
				o := o.in(t)
				o.unchanged(func() {
					e := o.assign(user(ann), c.add, c.remove, fault.DependencyViolation).Results[0].Errors[0]
					if d, ok := e.Details.(*licensing.DependencyDetails); !ok || d.Plan.ID != extra || d.Product.ID != addon {
						t.Errorf("details %+v", e.Details)
					}
					if want := "Without the plan Mail the plan Extra of Addon would go off, which needs it."; e.Message != want {
						t.Errorf("message %q, want %q", e.Message, want)
					}
					if !slices.Equal(e.Path, c.path) {
						t.Errorf("path %v, want %v", e.Path, c.path)
					}
				})
			})
		}
		o.assign(user(ann), only(suite, note), []uuid.UUID{base}, "") // another comes in the same call
		o.holds(ann, suite, addon)
		o.assign(user(ann), nil, []uuid.UUID{addon, suite}, "") // whatever the order of removals
		o.holds(ann)
	})
}

func TestDependentsOfAGroupAreWithheldVisiblyAndHealR10R13(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newDependent(t, db)
		o.join(sales, ann)
		o.assign(group(sales), give(base, addon), nil, "")
		o.holds(ann, base, addon)
		out := o.assign(group(sales), nil, []uuid.UUID{base}, "")
		if out.Impact.UsersLosing != 1 || out.Impact.UsersInError != 1 {
			t.Errorf("%d lose, %d in error", out.Impact.UsersLosing, out.Impact.UsersInError)
		}
		o.holds(ann)
		e := o.errorOf(ann)
		if d, ok := e.Details.(*licensing.DependencyDetails); !ok || d.Plan.ID != extra || e.Code != fault.DependencyViolation || e.Since != o.clock.Now() {
			t.Errorf("error %+v with %+v", e, e.Details)
		}
		if d := o.view(ann).DecidePlan(o.view(ann).Graph().Plan(extra)); d.Allowed || d.Reason != licensing.DecisionSourceInError {
			t.Errorf("decision %+v", d)
		}
		o.assign(user(ann), only(suite, note), nil, "") // the other prerequisite, by another product and source
		o.holds(ann, suite, addon)
		if errs := o.view(ann).Errors(); len(errs) > 0 {
			t.Errorf("%d errors are left", len(errs))
		}
		o.verify(t)
	})
}

// A prerequisite that the vendor withdraws, or takes to another plan, is a change like any other.
func TestCatalogueChangesOfPrerequisitesTakeEffectAtOnceR10R22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		for _, p := range []uuid.UUID{base, suite, addon} {
			o.buy(p, 10)
		}
		o.assign(user(ann), give(addon), nil, "")
		o.catalogue(func(data *tenantgraph.CatalogData) { data.Requires = map[uuid.UUID][]uuid.UUID{extra: {mail}} })
		o.holds(ann)
		if e := o.errorOf(ann); e.Code != fault.DependencyViolation || e.Message().String() != "The plan Extra of Addon needs the plan Mail, which is not on for the user." {
			t.Errorf("%s: %s", e.Code, e.Message())
		}
		o.verify(t)
		o.catalogue(nil)
		o.holds(ann, addon)
		o.verify(t)
	})
}
