package licensing_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

func TestTermsThatNoTenantHasAreRefusedR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		type in = licensing.UpdateTenantInput
		for path, inputs := range map[string][]in{
			"country":              {{Country: ptr("")}, {Country: ptr("XX")}, {Country: ptr("NLD")}, {Country: ptr(" NL")}},
			"lossThreshold":        {{LossThreshold: ptr(-1)}, {LossThreshold: ptr(math.MaxInt32 + 1)}},
			"gracePeriod":          {{Grace: ptr(-time.Second)}, {Grace: ptr(licensing.MaxTerm + time.Second)}, {Grace: ptr(time.Millisecond)}},
			"suspensionPeriod":     {{Suspension: ptr(-time.Second)}},
			"deletedUserRetention": {{DeletedUserRetention: ptr(time.Second + 1)}},
		} {
			for _, in := range inputs {
				o.unchanged(func() {
					_, err := o.service.UpdateTenant(t.Context(), o.tenant, in)
					if f := o.refused(err, fault.InvalidValue); !slices.Equal(f.Path, []string{path}) {
						t.Errorf("refused at %v, want %s", f.Path, path)
					}
				})
			}
		}
	})
}

// Terms are stored, shown by the graph, and recorded; the same again changes nothing, and a dry
// run stores nothing.
func TestTermsOfATenantR16R26R28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		in := licensing.UpdateTenantInput{Country: ptr("de"), LossThreshold: ptr(math.MaxInt32), Grace: ptr(time.Duration(0)), Suspension: ptr(licensing.MaxTerm),
			DeletedUserRetention: ptr(90 * time.Second), DryRun: true}
		o.unchanged(func() {
			if out, err := o.service.UpdateTenant(t.Context(), o.tenant, in); err != nil || !out.Changed || out.Country != "DE" {
				t.Errorf("%+v, %v", out, err)
			}
		})
		in.DryRun = false
		if _, err := o.service.UpdateTenant(t.Context(), o.tenant, in); err != nil {
			t.Fatal(err)
		}
		g, err := o.service.Graph(t.Context(), o.tenant)
		if err != nil {
			t.Fatal(err)
		}
		want := licensing.Terms{LossThreshold: math.MaxInt32, Suspension: licensing.MaxTerm, DeletedUserRetention: 90 * time.Second}
		if g.Terms != want || g.Country != "DE" {
			t.Errorf("the terms are %+v, in %s", g.Terms, g.Country)
		}
		e := o.events()[len(o.events())-1]
		var fields []string
		for _, f := range e.Fields {
			fields = append(fields, f.Field+" "+text(f.Before)+" → "+text(f.After))
		}
		if e.Action != audit.TenantUpdate || len(e.Subjects) != 1 || e.Subjects[0].Name != "Test" || !slices.Equal(fields, []string{"country NL → DE",
			"lossThreshold 100 → 2147483647", "gracePeriodSeconds 2592000 → 0", "suspensionPeriodSeconds 7776000 → 1728000000", "deletedUserRetentionSeconds 2592000 → 90"}) {
			t.Errorf("the event is %+v with %q", e, fields)
		}
		o.unchanged(func() {
			if out, err := o.service.UpdateTenant(t.Context(), o.tenant, in); err != nil || out.Changed {
				t.Errorf("again: %+v, %v", out, err)
			}
		})
	})
}
