package oracle_test

import (
	"maps"
	"testing"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// R9: where a holder's group selection grows into a conflict, the holder keeps
// seat and plans, and the one plan is withheld until the other side goes.
func TestPlanAddedToAHoldersGroupSelectionIsWithheldAlone(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(talk, drive))
	tn.join(sales, ann, bob)
	tn.do(edit(sales, base, oracle.OnlyPlans(mail)))
	tn.do(assign(ids(ann), suite))
	tn.do(edit(sales, base, oracle.AllPlans()))
	tn.wantHolders(base, ann, bob)
	tn.wantOn(ann, mail, drive)
	tn.wantOn(bob, mail, talk)
	tn.wantRows(ofPlan(ann, sales, base, talk, oracle.MutuallyExclusive, tn.now))

	tn.do(oracle.Assign{Principals: ids(ann), Remove: ids(suite)})
	tn.wantOn(ann, mail, talk)
	tn.wantRows()
}

// R9: a source that has everything it still selects withheld is in error as a
// whole and gives its seat up.
func TestSourceWithEverythingWithheldWaitsAsAWhole(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(talk, drive))
	tn.join(sales, ann)
	tn.join(staff, bob)
	tn.do(edit(sales, base, oracle.OnlyPlans(mail)))
	tn.do(assign(ids(ann), suite))
	tn.do(edit(sales, base, oracle.AllPlans()))
	tn.seats(base, 1)
	tn.do(assign(ids(staff), base))
	waits := tn.now

	tn.do(edit(sales, base, oracle.OnlyPlans(talk)))
	tn.wantOn(ann, drive)
	tn.wantHolders(base, bob)
	tn.wantRows(whole(ann, sales, base, oracle.MutuallyExclusive, waits+1))
}

// R4: nothing selected is no error: the seat is taken, and a plan switched on
// from there makes one whole item that keeps the seat.
func TestSourceThatSelectsNothingTakesASeat(t *testing.T) {
	tn := newTenant(t)
	tn.seats(base, 1)
	tn.do(edit(ann, base, oracle.OnlyPlans()))
	tn.wantHolders(base, ann)
	tn.wantOn(ann)
	if code := tn.try(assign(ids(bob), base)).Principals[bob].Refusal; code != oracle.CountViolation {
		t.Fatalf("bob: %q", code)
	}
	tn.do(edit(ann, base, oracle.OnlyPlans(mail)))
	tn.wantOn(ann, mail)
}

// R5: a waiting source that is edited goes on waiting with its since, and its
// assignment is as old as it was.
func TestEditOfAWaitingSourceKeepsItsSince(t *testing.T) {
	tn := newTenant(t)
	tn.seats(base, 0)
	tn.join(sales, ann)
	tn.do(assign(ids(sales), base))
	row := whole(ann, sales, base, oracle.CountViolation, tn.now)
	tn.do(edit(sales, base, oracle.OnlyPlans(mail)))
	tn.wantRows(row)
	tn.do(edit(sales, base, oracle.AllExcept(mail)))
	tn.wantRows(row)
	if made := tn.Assignments[oracle.AssignmentKey{Principal: sales, Product: base}].CreatedAt; made != row.Since {
		t.Fatalf("the edit makes it of %d", made)
	}
}

// R9: held plans that a catalogue makes exclusive: the plan of the direct
// source stays, the other is withheld in every source that enables it.
func TestCatalogueMakesHeldPlansExclusive(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(sales, staff), base)) // older than the direct source
	tn.join(sales, ann)
	tn.join(staff, ann)
	tn.do(assign(ids(ann), suite))
	tn.exclude(oracle.SetOf(talk, drive))
	tn.wantOn(ann, mail, drive)
	tn.wantRows(
		ofPlan(ann, sales, base, talk, oracle.MutuallyExclusive, tn.now),
		ofPlan(ann, staff, base, talk, oracle.MutuallyExclusive, tn.now),
	)
	if got := tn.Effective(ann, base); !maps.Equal(got, oracle.SetOf(mail)) {
		t.Fatalf("effective plans of base: %v (R3)", got)
	}
	tn.exclude()
	tn.wantOn(ann, mail, talk, drive)
}

// R9, (4): of inherited plans the one of the older assignment stays.
func TestCatalogueKeepsThePlanOfTheOlderAssignment(t *testing.T) {
	tn := newTenant(t)
	tn.join(sales, ann)
	tn.do(assign(ids(sales), suite))
	tn.do(assign(ids(sales), base))
	tn.do(edit(sales, base, oracle.OnlyPlans(talk)))
	tn.exclude(oracle.SetOf(talk, drive))
	tn.wantOn(ann, drive)
	tn.wantRows(whole(ann, sales, base, oracle.MutuallyExclusive, tn.now))
}

// R2, R9: a plan that the vendor adds is a newcomer of its own where it is
// selected; one that leaves goes at once.
func TestPlansEnterAndLeaveAProduct(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(note, drive))
	tn.join(sales, ann, bob)
	tn.do(assign(ids(sales), base))
	tn.do(edit(cid, base, oracle.OnlyPlans(mail)))
	tn.do(assign(ids(ann), suite))
	tn.do(oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{base: oracle.SetOf(mail, note)}})
	tn.wantOn(ann, mail, drive)
	tn.wantOn(bob, mail, note)
	tn.wantOn(cid, mail)
	tn.wantRows(ofPlan(ann, sales, base, note, oracle.MutuallyExclusive, tn.now))

	tn.do(oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{base: {}}})
	tn.wantOn(bob)
	tn.wantHolders(base, ann, bob, cid)
	tn.wantRows()
}

// R9: a product may not exclude itself.
func TestCatalogueWithASelfExcludingProductIsRefused(t *testing.T) {
	tn := newTenant(t)
	before := tn.Clone()
	out := tn.try(oracle.ChangeCatalogue{Exclusions: []oracle.Set{oracle.SetOf(mail, talk)}})
	if out.Refusal != oracle.InvalidValue || out.Changed {
		t.Fatalf("%+v", out)
	}
	tn.wantSame(before)
}

// R16: without a live subscription nobody holds the product, its rows go and
// what it excluded heals; with one again all its sources are newcomers.
func TestLastSubscriptionGoesAndComesAgain(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.seats(base, 1)
	tn.do(assign(ids(sales), base))
	tn.join(sales, bob)
	tn.join(sales, ann, cid)
	tn.do(assign(ids(staff), suite))
	tn.join(staff, bob)
	tn.wantOn(bob, mail, talk)

	tn.do(oracle.CancelSubscription{Subscription: subscriptionOf(base)})
	tn.wantHolders(base)
	tn.wantOn(bob, drive)
	tn.wantRows()

	one := 1
	tn.do(oracle.CreateSubscription{Subscription: named(5, 9), Product: base, Seats: &one})
	tn.wantHolders(base, ann)
	tn.wantRows(
		whole(bob, sales, base, oracle.MutuallyExclusive, tn.now),
		whole(cid, sales, base, oracle.CountViolation, tn.now),
	)
}

// R15: lowering a total below what is consumed is refused unless allowed; a
// total that does not fall is not lowered.
func TestSeatsBelowConsumed(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(ann, bob, cid), base))
	two, one, zero := 2, 1, 0
	update := oracle.UpdateSubscription{Subscription: subscriptionOf(base), Seats: &two}
	if out := tn.try(update); out.Refusal != oracle.SeatsBelowConsumed {
		t.Fatalf("unlimited to two: %+v", out)
	}
	update.AllowOverAllocation = true
	tn.do(update)
	tn.wantHolders(base, ann, bob, cid)
	tn.do(oracle.CreateSubscription{Subscription: named(5, 8), Product: base, Seats: &zero})
	tn.do(oracle.CancelSubscription{Subscription: named(5, 8)})
	tn.do(oracle.CreateSubscription{Subscription: named(5, 9), Product: base, Seats: &one})
	if out := tn.try(oracle.CancelSubscription{Subscription: subscriptionOf(base)}); out.Refusal != oracle.SeatsBelowConsumed {
		t.Fatalf("one of two: %+v", out)
	}
	tn.do(oracle.CancelSubscription{Subscription: subscriptionOf(base), AllowOverAllocation: true})
	tn.wantHolders(base, ann, bob, cid)
	tn.do(oracle.UpdateSubscription{Subscription: named(5, 9), Seats: &two}) // raised, though below still
	if out := tn.try(oracle.UpdateSubscription{Subscription: subscriptionOf(base), Seats: &two}); out.Refusal != oracle.InvalidValue {
		t.Fatalf("a cancelled one: %+v", out)
	}
}

// R14: seats are a 32-bit count, over all live subscriptions of a product.
func TestSeatsOutOfRangeAreRefused(t *testing.T) {
	tn := newTenant(t)
	most, one, negative := 1<<31-1, 1, -1
	tn.do(oracle.CreateSubscription{Subscription: named(5, 8), Product: base, Seats: &most})
	for _, seats := range []*int{&one, &negative} {
		if out := tn.try(oracle.CreateSubscription{Subscription: named(5, 9), Product: base, Seats: seats}); out.Refusal != oracle.InvalidValue {
			t.Fatalf("%d: %+v", *seats, out)
		}
	}
}
