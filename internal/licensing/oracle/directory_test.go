package oracle_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// R1: nesting is transitive, a diamond counts once, and an assignment may be
// for first-level members only.
func TestNestedMembersInherit(t *testing.T) {
	tn := newTenant(t)
	tn.join(all, sales, staff, bob)
	tn.join(sales, ann)
	tn.join(staff, ann)
	tn.do(assign(ids(all), base))
	tn.wantHolders(base, ann, bob)
	if sources := tn.Sources(ann); len(sources) != 1 {
		t.Fatalf("a diamond gives %v", sources)
	}
	no, yes := false, true
	tn.do(oracle.Assign{Principals: ids(all), Add: []oracle.Add{{Product: base, IncludeNested: &no}}})
	tn.wantHolders(base, bob)
	tn.do(edit(all, base, oracle.OnlyPlans(mail))) // absent keeps
	tn.wantHolders(base, bob)
	tn.do(oracle.Assign{Principals: ids(all), Add: []oracle.Add{{Product: base, IncludeNested: &yes}}})
	tn.wantHolders(base, ann, bob)
}

// R19, R12: deletion frees the seat to who waits; restoring makes all sources
// newcomers, of which direct ones that fail are kept.
func TestDeletingAndRestoringAUser(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(ann, sales), base))
	tn.join(sales, ann)
	tn.seats(base, 1)
	tn.join(sales, bob)
	tn.do(oracle.DeleteUser{User: ann})
	tn.wantHolders(base, bob)
	tn.wantRows()
	if out := tn.try(oracle.DeleteUser{User: ann}); out.Changed || out.Refusal != "" {
		t.Fatalf("deleted twice: %+v", out)
	}
	tn.do(oracle.RestoreUser{User: ann})
	tn.wantRows(
		whole(ann, ann, base, oracle.CountViolation, tn.now),
		whole(ann, sales, base, oracle.CountViolation, tn.now),
	)
	tn.leave(sales, bob)
	tn.wantHolders(base, ann)
	tn.wantRows() // the second source needs no seat (R4)
}

// R20: cycles are refused, each nesting that would close one, whatever the
// order; what leaves in the same call does not count.
func TestNestingCycles(t *testing.T) {
	tn := newTenant(t)
	tn.join(all, sales)
	out := tn.try(oracle.ChangeMembers{Changes: []oracle.GroupChange{
		{Group: sales, Add: ids(all, sales, ann)},
		{Group: staff, Add: ids(all)},
	}})
	for member, code := range map[oracle.Member]oracle.Code{
		{Group: sales, Member: all}:   oracle.GroupCycle,
		{Group: sales, Member: sales}: oracle.GroupCycle,
		{Group: sales, Member: ann}:   "",
		{Group: staff, Member: all}:   "",
	} {
		if got := out.Members[member]; got.Refusal != code || got.Changed != (code == "") {
			t.Fatalf("%v: %+v", member, got)
		}
	}
	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: all, Remove: ids(sales)}, {Group: sales, Add: ids(all)}}})

	other := newTenant(t)
	out = other.try(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: sales, Add: ids(staff)}, {Group: staff, Add: ids(sales)}}})
	if out.Changed {
		t.Fatalf("two nestings that close one cycle: %+v", out)
	}
}

// R20: a group with assignments stays; one without goes with its nestings, and
// its members lose what they had through it.
func TestDeletingAGroup(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(all), base))
	tn.join(all, sales)
	tn.join(sales, staff)
	tn.join(staff, ann)
	tn.wantHolders(base, ann)
	if out := tn.try(oracle.DeleteGroup{Group: all}); out.Refusal != oracle.GroupHasLicenses {
		t.Fatalf("%+v", out)
	}
	tn.do(oracle.DeleteGroup{Group: sales})
	tn.wantHolders(base)
	if len(tn.Nestings) != 0 {
		t.Fatalf("left: %v", tn.Nestings)
	}
	tn.do(oracle.DeleteGroup{Group: staff})
	if len(tn.Memberships) != 0 {
		t.Fatalf("left: %v", tn.Memberships)
	}
}

// R23, R24: an id both added and removed refuses the call; what is so already
// changes nothing.
func TestRefusalsOfChangeMembers(t *testing.T) {
	tn := newTenant(t)
	tn.join(sales, ann)
	for name, c := range map[string]struct {
		changes []oracle.GroupChange
		code    oracle.Code
	}{
		"unknown group":     {[]oracle.GroupChange{{Group: named(2, 9), Add: ids(ann)}}, oracle.NotFound},
		"added and removed": {[]oracle.GroupChange{{Group: sales, Add: ids(bob)}, {Group: sales, Remove: ids(bob)}}, oracle.InvalidValue},
		"nothing to do":     {[]oracle.GroupChange{{Group: sales, Add: ids(ann), Remove: ids(bob, staff)}}, ""},
		"unknown member":    {[]oracle.GroupChange{{Group: sales, Add: ids(named(1, 9))}}, ""},
	} {
		before := tn.Clone()
		if out := tn.try(oracle.ChangeMembers{Changes: c.changes}); out.Refusal != c.code || out.Changed {
			t.Fatalf("%s: %+v", name, out)
		}
		tn.wantSame(before)
	}
}

// R12, R24: what names something unknown is refused, what is so already changes
// nothing; neither leaves a trace.
func TestOperationsWithNothingToDo(t *testing.T) {
	tn := newTenant(t)
	unknown, same := named(9, 9), tn.Subscriptions[subscriptionOf(base)].Seats
	tn.do(oracle.CreateSubscription{Subscription: named(5, 9), Product: base})
	tn.do(oracle.CancelSubscription{Subscription: named(5, 9)})
	for name, c := range map[string]struct {
		op   oracle.Operation
		code oracle.Code
	}{
		"delete an unknown user":          {oracle.DeleteUser{User: unknown}, oracle.NotFound},
		"restore an unknown user":         {oracle.RestoreUser{User: unknown}, oracle.NotFound},
		"restore one who is there":        {oracle.RestoreUser{User: ann}, ""},
		"create a known user":             {oracle.CreateUser{User: ann, Location: "NL"}, oracle.InvalidValue},
		"create a user, unknown product":  {oracle.CreateUser{User: unknown, Location: "NL", Licenses: []oracle.Add{{Product: unknown}}}, oracle.NotFound},
		"create a known group":            {oracle.CreateGroup{Group: sales}, oracle.InvalidValue},
		"create a group, unknown member":  {oracle.CreateGroup{Group: unknown, Members: ids(unknown)}, oracle.NotFound},
		"delete an unknown group":         {oracle.DeleteGroup{Group: unknown}, oracle.NotFound},
		"subscribe an unknown product":    {oracle.CreateSubscription{Subscription: unknown, Product: unknown}, oracle.NotFound},
		"update an unknown subscription":  {oracle.UpdateSubscription{Subscription: unknown}, oracle.NotFound},
		"update to the same seats":        {oracle.UpdateSubscription{Subscription: subscriptionOf(base), Seats: same}, ""},
		"cancel an unknown subscription":  {oracle.CancelSubscription{Subscription: unknown}, oracle.NotFound},
		"cancel a cancelled subscription": {oracle.CancelSubscription{Subscription: named(5, 9)}, ""},
		"the catalogue as it is":          {oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{base: oracle.SetOf(mail, talk)}, Exclusions: []oracle.Set{}}, ""},
		"reprocess":                       {oracle.Reprocess{}, ""},
	} {
		before := tn.Clone()
		if out := tn.try(c.op); out.Refusal != c.code || out.Changed {
			t.Fatalf("%s: %+v", name, out)
		}
		tn.wantSame(before)
	}
}
