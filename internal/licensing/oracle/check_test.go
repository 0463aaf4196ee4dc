package oracle_test

import (
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// R17: each way in which a stored state can be wrong is found.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	// Ann holds suite; sales gives ann and bob base, of which talk is withheld
	// from ann. Of addon there is no seat; ann waits for it through staff.
	sound := func(t *testing.T) *tenant {
		tn := newTenant(t)
		tn.exclude(oracle.SetOf(talk, drive))
		tn.join(sales, ann, bob)
		tn.join(staff, ann)
		tn.do(edit(sales, base, oracle.OnlyPlans(mail)))
		tn.do(assign(ids(ann), suite))
		tn.do(edit(sales, base, oracle.AllPlans()))
		tn.seats(addon, 0)
		tn.do(assign(ids(staff), addon))
		return tn
	}
	row := func(s *oracle.State, r oracle.Row) { s.Violations[r.RowKey] = r.Violation }
	for name, c := range map[string]struct {
		spoil func(*oracle.State)
		want  string
	}{
		"a row that would pass": {func(s *oracle.State) { s.Exclusions = nil }, "no check fails"},
		"plans on that exclude": {func(s *oracle.State) { delete(s.Violations, ofPlan(ann, sales, base, talk, "", 0).RowKey) }, "exclude each other"},
		"a free seat": {func(s *oracle.State) {
			one := 1
			s.Subscriptions[subscriptionOf(addon)] = oracle.Subscription{Product: addon, Seats: &one}
		}, "a seat is free"},
		"an unlimited product": {func(s *oracle.State) { s.Subscriptions[subscriptionOf(addon)] = oracle.Subscription{Product: addon} }, "a seat is free"},
		"a holder without a seat": {func(s *oracle.State) {
			s.Assignments[oracle.AssignmentKey{Principal: ann, Product: addon}] = oracle.Assignment{Selection: oracle.AllPlans()}
		}, "needs no seat"},
		"a later check":                 {func(s *oracle.State) { row(s, ofPlan(ann, sales, base, talk, oracle.CountViolation, 1)) }, "first check that fails is MUTUALLY_EXCLUSIVE_VIOLATION"},
		"an earlier check":              {func(s *oracle.State) { row(s, whole(ann, staff, addon, oracle.MutuallyExclusive, 1)) }, "no check fails"},
		"a row of no source":            {func(s *oracle.State) { row(s, whole(cid, sales, base, oracle.CountViolation, 1)) }, "no such source"},
		"a row of a deleted user":       {func(s *oracle.State) { s.Users[ann] = oracle.User{Deleted: true} }, "no such source"},
		"a row of a plan not selected":  {func(s *oracle.State) { row(s, ofPlan(ann, sales, base, note, oracle.MutuallyExclusive, 1)) }, "not selected"},
		"a plan row beside a whole one": {func(s *oracle.State) { row(s, whole(ann, sales, base, oracle.MutuallyExclusive, 1)) }, "beside a whole row"},
		"a row without subscription":    {func(s *oracle.State) { delete(s.Subscriptions, subscriptionOf(addon)) }, "no live subscription"},
		"a source with everything withheld": {func(s *oracle.State) {
			s.Assignments[oracle.AssignmentKey{Principal: sales, Product: base}] = oracle.Assignment{Selection: oracle.OnlyPlans(talk)}
		}, "yet it is admitted"},
		"a cycle":                    {func(s *oracle.State) { s.Nestings[oracle.Nesting{Parent: all, Child: all}] = true }, "lies below itself"},
		"a product excluding itself": {func(s *oracle.State) { s.Exclusions = append(s.Exclusions, oracle.SetOf(mail, talk)) }, "excludes itself"},
	} {
		t.Run(name, func(t *testing.T) {
			tn := sound(t)
			c.spoil(tn.State)
			if err := tn.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}
