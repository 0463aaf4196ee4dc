package oracle_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// R5, R23: who moves from one group to another keeps the last seat of an add-on
// that both have, though a direct source has waited longer.
func TestMoveKeepsTheLastSeatOfAnAddOn(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(bob), addon))
	tn.seats(addon, 1)
	tn.do(assign(ids(sales, staff), base, addon))
	tn.do(oracle.DeleteUser{User: bob})
	tn.join(sales, ann)
	tn.do(oracle.RestoreUser{User: bob})
	waits := whole(bob, bob, addon, oracle.CountViolation, tn.now)
	tn.wantRows(waits)

	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: sales, Remove: ids(ann)}, {Group: staff, Add: ids(ann)}}})
	tn.wantHolders(addon, ann)
	tn.wantRows(waits)
	tn.leave(staff, ann)
	tn.wantHolders(addon, bob)
}

// R5 (1), R23: members whose product a group swaps come before a user for whom
// another source of the new product has waited longer.
func TestSwapOnAGroupComesBeforeASourceThatWaits(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(sales), base))
	tn.do(assign(ids(staff), suite))
	tn.seats(suite, 1)
	tn.join(sales, ann, dot)
	tn.join(staff, dot)
	waits := tn.now
	tn.wantRows(whole(dot, staff, suite, oracle.MutuallyExclusive, waits))

	tn.do(oracle.Assign{Principals: ids(sales), Add: []oracle.Add{{Product: suite}}, Remove: ids(base)})
	tn.wantHolders(suite, ann)
	tn.wantRows(
		whole(dot, sales, suite, oracle.CountViolation, tn.now),
		whole(dot, staff, suite, oracle.CountViolation, waits),
	)
}

// R5 (1): in one call on two groups only those are kept who are members of the
// one that swaps and held what it gives up.
func TestSwapOnAGroupComesBeforeNewcomers(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(sales), base))
	tn.seats(base, 1)
	tn.seats(suite, 1)
	tn.join(sales, dot)
	tn.join(sales, cid)
	tn.join(staff, ann)
	tn.wantHolders(base, dot)
	tn.do(oracle.Assign{Principals: ids(staff, sales), Add: []oracle.Add{{Product: suite}}, Remove: ids(base)})
	tn.wantHolders(suite, dot)
	tn.wantRows(
		whole(ann, staff, suite, oracle.CountViolation, tn.now),
		whole(cid, sales, suite, oracle.CountViolation, tn.now),
	)
}

// R5 (1): a source that waited already is not kept by what its principal gives
// up in the call, nor one of another principal.
func TestOnlyASourceThatBeginsReplacesOneOfItsPrincipal(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(all), base))
	tn.do(assign(ids(staff), suite))
	tn.seats(suite, 1)
	tn.join(all, ann, bob)
	tn.join(staff, bob)
	tn.do(assign(ids(all), suite))
	waits := tn.now
	tn.join(sales, ann)
	tn.do(oracle.Assign{Principals: ids(all, sales), Add: []oracle.Add{{Product: suite}}, Remove: ids(base)})
	tn.wantHolders(suite, bob)
	tn.wantRows(
		whole(ann, sales, suite, oracle.CountViolation, tn.now),
		whole(ann, all, suite, oracle.CountViolation, waits),
	)
}

// R5 (1): what the user held before comes before a newcomer of an older
// assignment.
func TestProductHeldBeforeComesBeforeOneThatExcludesIt(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(all), suite))
	tn.do(assign(ids(sales, staff), base))
	tn.join(sales, ann)
	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{
		{Group: sales, Remove: ids(ann)}, {Group: staff, Add: ids(ann)}, {Group: all, Add: ids(ann)},
	}})
	tn.wantOn(ann, mail, talk)
	tn.wantRows(whole(ann, all, suite, oracle.MutuallyExclusive, tn.now))
}

// R5: a reserved seat is not for a source that comes earlier in the order.
func TestReservedSeatIsNotGivenAway(t *testing.T) {
	tn := newTenant(t)
	firstLevel := false
	tn.do(assign(ids(all), suite))
	tn.do(assign(ids(sales), base))
	tn.join(all, staff)
	tn.join(staff, dot)
	tn.join(sales, ann, dot)
	tn.seats(suite, 1)
	// Ann is kept by the swap and comes first by id; dot loses the source
	// through staff and has one through sales.
	tn.do(oracle.Assign{
		Principals: ids(all, sales),
		Add:        []oracle.Add{{Product: suite, IncludeNested: &firstLevel}}, Remove: ids(base),
	})
	tn.wantHolders(suite, dot)
	tn.wantRows(whole(ann, sales, suite, oracle.CountViolation, tn.now))
}

// R5, R9: of two newcomers that exclude each other the first is without a seat,
// so the second wins and the first is told the first check that fails.
func TestNewcomerWithoutASeatDoesNotBlockTheOneItExcludes(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.seats(base, 0)
	tn.join(sales, ann)
	tn.do(assign(ids(sales), base, suite))
	tn.wantOn(ann, drive)
	tn.wantRows(whole(ann, sales, base, oracle.MutuallyExclusive, tn.now))

	waits := tn.now
	tn.seats(base, 1) // the holder of suite is not displaced
	tn.wantRows(whole(ann, sales, base, oracle.MutuallyExclusive, waits))
	tn.do(oracle.Assign{Principals: ids(sales), Remove: ids(suite)})
	tn.wantOn(ann, mail, talk)
}

// R5 (4): of two newcomers of one instant that exclude each other the product
// with the lower skuId wins, where both have seats.
func TestFirstOfTwoNewcomersThatExcludeEachOtherWins(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(bob), base))
	tn.seats(base, 2)
	tn.join(sales, ann)
	tn.do(assign(ids(sales), suite, base))
	tn.wantOn(ann, mail, talk)
	tn.wantRows(whole(ann, sales, suite, oracle.MutuallyExclusive, tn.now))
}

// R5 (4): before the skuId the age of the assignment decides.
func TestNewcomerOfTheOlderAssignmentWins(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive))
	tn.do(assign(ids(sales), suite))
	tn.do(assign(ids(sales), base))
	tn.join(sales, ann)
	tn.wantOn(ann, drive)
	tn.wantRows(whole(ann, sales, base, oracle.MutuallyExclusive, tn.now))
}

// R5 (3): what a user gets when a block goes depends on what that user waited
// for first, though the sources are the same.
func TestUsersWithTheSameSourcesWhoWaitedInDifferentOrders(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(mail, drive, note))
	tn.do(assign(ids(all), base))
	tn.do(assign(ids(sales), suite))
	tn.do(assign(ids(staff), addon))
	tn.join(all, ann, bob)
	tn.join(sales, ann)
	tn.join(staff, bob)
	tn.join(staff, ann)
	tn.join(sales, bob)
	tn.wantOn(ann, mail, talk)
	tn.wantOn(bob, mail, talk)

	tn.do(oracle.Assign{Principals: ids(all), Remove: ids(base)})
	tn.wantOn(ann, drive)
	tn.wantOn(bob, note)
}

// R1, R5: a source that ends and begins again is a newcomer.
func TestSourceThatEndsAndBeginsAgainWaitsAnew(t *testing.T) {
	tn := newTenant(t)
	tn.seats(base, 0)
	tn.do(assign(ids(sales), base))
	tn.join(sales, ann)
	tn.join(sales, bob)
	second := tn.now
	tn.leave(sales, ann)
	tn.join(sales, ann)
	tn.wantRows(
		whole(ann, sales, base, oracle.CountViolation, tn.now),
		whole(bob, sales, base, oracle.CountViolation, second),
	)
	tn.seats(base, 1)
	tn.wantHolders(base, bob)
}

// R1: a source that goes on by another path across a change has not ended.
func TestSourceThatChangesItsPathGoesOn(t *testing.T) {
	tn := newTenant(t)
	tn.seats(base, 0)
	tn.do(assign(ids(all), base))
	tn.join(all, sales, staff)
	tn.join(sales, ann)
	row := whole(ann, all, base, oracle.CountViolation, tn.now)
	tn.wantRows(row)
	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: staff, Add: ids(ann)}, {Group: sales, Remove: ids(ann)}}})
	tn.wantRows(row)
	tn.join(all, ann)
	tn.do(oracle.DeleteGroup{Group: staff})
	tn.wantRows(row)
}

// R5 (2): direct sources come before inherited ones that have waited longer.
func TestDirectComesBeforeInherited(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(bob), base))
	tn.do(oracle.DeleteUser{User: bob})
	tn.seats(base, 0)
	tn.do(assign(ids(sales), base))
	tn.join(sales, ann)
	tn.do(oracle.RestoreUser{User: bob})
	tn.seats(base, 1)
	tn.wantHolders(base, bob)
}

// R5, R14: a user who moves keeps the seat even where more are taken than there
// are.
func TestMoveKeepsASeatOfAnOverAllocatedProduct(t *testing.T) {
	tn := newTenant(t)
	tn.do(assign(ids(sales, staff), base))
	tn.join(sales, ann, bob)
	tn.seats(base, 1)
	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: sales, Remove: ids(bob)}, {Group: staff, Add: ids(bob)}}})
	tn.wantHolders(base, ann, bob)
	tn.leave(staff, bob)
	tn.wantHolders(base, ann)
}

// R13: a seat that was reserved and cannot be used is given on in the same
// change.
func TestUnusedReservationIsReleased(t *testing.T) {
	tn := newTenant(t)
	tn.exclude(oracle.SetOf(talk, drive))
	tn.do(edit(sales, base, oracle.OnlyPlans(mail)))
	tn.do(assign(ids(staff), base))
	tn.do(assign(ids(ann), suite))
	tn.seats(base, 1)
	tn.join(sales, ann)
	tn.join(sales, bob)
	tn.wantHolders(base, ann)
	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: sales, Remove: ids(ann)}, {Group: staff, Add: ids(ann)}}})
	tn.wantHolders(base, bob)
	tn.wantRows(whole(ann, staff, base, oracle.MutuallyExclusive, tn.now))
}
