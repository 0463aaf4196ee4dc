package oracle_test

import (
	"reflect"
	"testing"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

func (tn *tenant) wantSame(before *oracle.State) {
	tn.Helper()
	if !reflect.DeepEqual(before, tn.State) {
		tn.Fatalf("the state changed from %+v to %+v", before, tn.State)
	}
}

// R25: direct principals are judged in id order against the seats free before
// the call.
func TestDirectPrincipalsShareTheSeatsFreeBeforeTheCall(t *testing.T) {
	tn := newTenant(t)
	tn.seats(base, 3)
	tn.do(assign(ids(cid), base))
	out := tn.try(assign(ids(dot, bob, ann), base))
	tn.wantPrincipal(out, ann, "")
	tn.wantPrincipal(out, bob, "")
	tn.wantPrincipal(out, dot, oracle.CountViolation)
	tn.wantHolders(base, ann, bob, cid)
	tn.wantRows()
}

// R12, R23: a user's swap is judged as a whole: what leaves neither excludes
// what comes, nor stays when that is refused.
func TestDirectSwap(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(ann, bob), base))
	tn.seats(suite, 1)
	out := tn.try(oracle.Assign{Principals: ids(ann, bob), Add: []oracle.Add{{Product: suite}}, Remove: ids(base)})
	tn.wantPrincipal(out, ann, "")
	tn.wantPrincipal(out, bob, oracle.CountViolation)
	tn.wantHolders(base, bob)
	tn.wantHolders(suite, ann)
}

// R12, R25: group principals of the same call go through while a direct one is
// refused, whose own state is as if it had not asked.
func TestGroupEffectsOfACallThatRefusesADirectPrincipal(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(ann), suite))
	tn.join(sales, ann, bob)
	out := tn.try(assign(ids(ann, sales), base))
	tn.wantPrincipal(out, ann, oracle.MutuallyExclusive)
	tn.wantPrincipal(out, sales, "")
	tn.wantHolders(base, bob)
	tn.wantRows(whole(ann, sales, base, oracle.MutuallyExclusive, tn.now))
}

// R12, R25: what a group loses in the same call does not exclude what a direct
// principal gets.
func TestDirectPrincipalIsJudgedAfterWhatTheCallTakesAway(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(sales, ann), base))
	tn.join(sales, ann)
	tn.do(oracle.Assign{Principals: ids(ann, sales), Add: []oracle.Add{{Product: suite}}, Remove: ids(base)})
	tn.wantOn(ann, drive)
}

// R12: an edit that turns on a plan which fails is refused whole; one that only
// switches off never is, even where it leaves nothing on.
func TestEditsOfADirectAssignment(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(ann), suite))
	tn.do(assign(ids(ann), base))
	tn.exclude(oracle.SetOf(talk, drive))
	tn.wantRows(ofPlan(ann, ann, base, talk, oracle.MutuallyExclusive, tn.now))
	tn.do(edit(ann, base, oracle.OnlyPlans(talk)))
	tn.wantHolders(base)
	tn.wantRows(whole(ann, ann, base, oracle.MutuallyExclusive, tn.now))

	before := tn.Clone()
	tn.wantPrincipal(tn.try(edit(ann, base, oracle.OnlyPlans(mail, talk))), ann, oracle.MutuallyExclusive)
	tn.wantSame(before)
	tn.do(edit(ann, base, oracle.OnlyPlans(mail)))
	tn.wantOn(ann, mail, drive)
	tn.wantRows()
	before = tn.Clone()
	tn.wantPrincipal(tn.try(edit(ann, base, oracle.AllPlans())), ann, oracle.MutuallyExclusive)
	tn.wantSame(before)
}

// R12: a plan that was withheld before an edit is none that the edit adds.
func TestEditBesideAWithheldPlan(t *testing.T) {
	tn := newTenant(t)
	tn.do(oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{base: oracle.SetOf(mail, talk, note)}})
	tn.do(assign(ids(ann), suite))
	tn.do(edit(ann, base, oracle.OnlyPlans(mail, talk)))
	tn.exclude(oracle.SetOf(talk, drive))
	withheld := ofPlan(ann, ann, base, talk, oracle.MutuallyExclusive, tn.now)
	tn.do(edit(ann, base, oracle.AllPlans()))
	tn.wantOn(ann, mail, drive, note)
	tn.wantRows(withheld)
}

// R12: an edit of a direct source that waits is refused where it turns a plan on
// and the source still fails, and carried out where it only switches off.
func TestEditOfADirectSourceThatWaits(t *testing.T) {
	tn := newTenant(t)
	tn.do(edit(ann, base, oracle.OnlyPlans(mail, talk)))
	tn.do(oracle.DeleteUser{User: ann})
	tn.seats(base, 0)
	tn.do(oracle.RestoreUser{User: ann})
	row := whole(ann, ann, base, oracle.CountViolation, tn.now)
	tn.do(edit(ann, base, oracle.OnlyPlans(mail)))
	tn.wantRows(row)
	out := tn.try(edit(ann, base, oracle.OnlyPlans(talk)))
	tn.wantPrincipal(out, ann, oracle.CountViolation)
	if out := tn.try(edit(ann, base, oracle.OnlyPlans(mail))); out.Changed {
		t.Fatal("an identical assignment changes something (R12)")
	}
	tn.wantRows(row)
}

// R12, R16: without a subscription a new assignment is refused to users and
// groups, an identical one changes nothing, edits that only switch off and
// removals go through.
func TestAssigningWithoutASubscription(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(ann, sales), base))
	tn.do(edit(cid, base, oracle.OnlyPlans(mail)))
	tn.do(oracle.CancelSubscription{Subscription: subscriptionOf(base)})
	out := tn.try(assign(ids(ann, bob, sales, staff), base))
	for principal, code := range map[oracle.ID]oracle.Code{ann: "", sales: "", bob: oracle.NoSubscription, staff: oracle.NoSubscription} {
		tn.wantPrincipal(out, principal, code)
	}
	if out.Changed {
		t.Fatal("something changed")
	}
	tn.do(edit(ann, base, oracle.OnlyPlans(mail)))
	tn.wantPrincipal(tn.try(edit(cid, base, oracle.AllPlans())), cid, oracle.NoSubscription)
	tn.do(edit(sales, base, oracle.OnlyPlans(mail)))
	tn.do(edit(sales, base, oracle.AllPlans()))
	tn.do(oracle.Assign{Principals: ids(ann, sales, cid), Remove: ids(base)})
}

// R21: what is only inherited cannot be removed from a user, what is not there
// at all can, and a direct copy can.
func TestRemovingInheritedLicenses(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(all), base))
	tn.join(all, sales)
	tn.join(sales, ann, bob)
	tn.do(assign(ids(bob), base))
	out := tn.try(oracle.Assign{Principals: ids(ann, bob, cid, sales), Add: []oracle.Add{{Product: suite}}, Remove: ids(base)})
	tn.wantPrincipal(out, ann, oracle.LicenseIsInherited)
	tn.wantPrincipal(out, bob, "")
	tn.wantPrincipal(out, cid, "")
	tn.wantPrincipal(out, sales, "")
	tn.wantHolders(base, ann, bob)
	if _, stays := tn.Assignments[oracle.AssignmentKey{Principal: bob, Product: base}]; stays {
		t.Fatal("the direct copy stays")
	}
	if out := tn.try(oracle.Assign{Principals: ids(cid), Remove: ids(base)}); out.Changed || out.Principals[cid].Refusal != "" {
		t.Fatalf("%+v", out)
	}
}

// R25: what is wrong with the lists refuses the call, what is wrong with a
// principal only that one.
func TestRefusalsOfAssign(t *testing.T) {
	tn := newTenant(t)
	selection := oracle.OnlyPlans(mail)
	for name, c := range map[string]struct {
		op   oracle.Assign
		code oracle.Code
	}{
		"unknown product":        {assign(ids(ann), named(3, 9)), oracle.NotFound},
		"unknown product gone":   {oracle.Assign{Principals: ids(ann), Remove: ids(named(3, 9))}, oracle.NotFound},
		"the same product twice": {assign(ids(ann), base, base), oracle.DuplicateValue},
		"added and removed":      {oracle.Assign{Principals: ids(ann), Add: []oracle.Add{{Product: base}}, Remove: ids(base)}, oracle.DuplicateValue},
		"foreign plan":           {edit(ann, base, oracle.AllExcept(drive)), oracle.PlanNotInProduct},
		"two selections":         {oracle.Assign{Principals: ids(ann), Add: []oracle.Add{{Product: base, Selection: &selection, Switch: &oracle.Switch{}}}}, oracle.InvalidValue},
		"plan on and off":        {oracle.Assign{Principals: ids(ann), Add: []oracle.Add{{Product: base, Switch: &oracle.Switch{On: ids(mail), Off: ids(mail)}}}}, oracle.DuplicateValue},
	} {
		before := tn.Clone()
		if out := tn.try(c.op); out.Refusal != c.code || out.Changed {
			t.Fatalf("%s: %+v", name, out)
		}
		tn.wantSame(before)
	}
	tn.do(oracle.DeleteUser{User: dot})
	out := tn.try(assign(ids(ann, dot, named(1, 9)), base))
	tn.wantPrincipal(out, ann, "")
	tn.wantPrincipal(out, dot, oracle.NotFound)
	tn.wantPrincipal(out, named(1, 9), oracle.NotFound)
}

// R2, R12: one meaning has one form, and switches start from what is there.
func TestSelections(t *testing.T) {
	tn := newTenant(t)
	tn.do(edit(ann, base, oracle.AllExcept()))
	if out := tn.try(edit(ann, base, oracle.AllPlans())); out.Changed {
		t.Fatal("except nothing is not all")
	}
	sw := func(on, off []oracle.ID) oracle.Assign {
		return oracle.Assign{Principals: ids(ann), Add: []oracle.Add{{Product: base, Switch: &oracle.Switch{On: on, Off: off}}}}
	}
	tn.do(sw(nil, ids(talk)))
	tn.wantOn(ann, mail)
	tn.do(sw(ids(talk), ids(mail)))
	tn.wantOn(ann, talk)
	tn.do(sw(ids(mail), nil))
	if out := tn.try(assign(ids(ann), base)); out.Changed {
		t.Fatal("absent plans do not keep")
	}
	if out := tn.try(edit(ann, base, oracle.AllPlans())); out.Changed {
		t.Fatal("everything switched on again is not all")
	}
	tn.do(edit(ann, base, oracle.OnlyPlans()))
	tn.do(sw(ids(mail), nil))
	tn.wantOn(ann, mail)
}

// R12: a user is created with all licenses or not at all.
func TestCreatingAUserWithLicenses(t *testing.T) {
	tn := newTenant(t)
	tn.seats(suite, 0)
	before := tn.Clone()
	out := tn.try(oracle.CreateUser{User: named(1, 9), Location: "NL", Licenses: []oracle.Add{{Product: base}, {Product: suite}}})
	if out.Refusal != oracle.CountViolation || out.Changed {
		t.Fatalf("%+v", out)
	}
	tn.wantSame(before)
	tn.do(oracle.CreateUser{User: named(1, 9), Location: "NL", Licenses: []oracle.Add{{Product: base}}})
	tn.wantHolders(base, named(1, 9))
}
