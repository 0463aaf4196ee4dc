package licensing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// proposals are those for a user and a plan.
func (o *office) proposals(who, plan uuid.UUID) []*licensing.Proposal {
	o.Helper()
	v := o.view(who)
	all, err := o.service.Proposals(o.Context(), v.ExplainPlan(v.Graph().Plan(plan)))
	if err != nil {
		o.Fatal(err)
	}
	return all
}

// works makes the only proposal of a kind, and wants the plan to be allowed then.
func (o *office) works(who, plan uuid.UUID, kind licensing.ProposalKind) *licensing.Proposal {
	o.Helper()
	all := o.proposals(who, plan)
	i := slices.IndexFunc(all, func(p *licensing.Proposal) bool { return p.Kind == kind })
	if i < 0 {
		o.Fatalf("%s is not proposed, but %s", kind, kindsOf(all))
	}
	o.clock.Advance(time.Minute)
	if _, err := o.carryOut(o.Context(), o, all[i].Mutation, all[i].Input, false); err != nil {
		o.Fatalf("%s: %v", all[i].Explanation, err)
	}
	if v := o.view(who); !v.DecidePlan(v.Graph().Plan(plan)).Allowed {
		o.Errorf("the plan is not allowed after %s", all[i].Explanation)
	}
	return all[i]
}

// Of two groups that exclude each other the user may leave the first (R9).
func TestLeavingAGroupIsProposedR9(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, -1)
		o.buy(suite, -1)
		o.join(all, ann)
		o.join(sales, ann)
		o.assign(group(sales), give(base), nil, "")
		o.assign(group(all), give(suite), nil, "")
		o.works(ann, drive, licensing.LeaveGroup)
		o.holds(ann, suite)
	})
}

// A seat is freed only where it is then the user's: not for the second in line, nor where too many are
// taken; and by ending an assignment of who does not keep the product through a group (R5, R8).
func TestSeatIsFreedForWhoIsNextInLineR5(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		seats := o.buy(base, 2)
		o.join(sales, dot)
		o.assign(user(dot), give(base), nil, "")
		o.assign(group(sales), give(base), nil, "")
		o.assign(user(cid), give(base), nil, "")
		o.join(sales, ann)
		o.join(sales, bob)
		for _, p := range o.proposals(bob, mail) {
			if p.Kind == licensing.FreeSeat {
				o.Errorf("the second in line is to get a seat by %s", p.Explanation)
			}
		}
		if p := o.proposals(bob, mail); len(p) != 1 || p[0].UsersTouched != 1 || p[0].Input["seats"] != int64(4) {
			o.Errorf("for the second in line is proposed %+v", p)
		}
		o.resize(seats, 1)
		for _, p := range o.proposals(ann, mail) {
			if p.Kind == licensing.FreeSeat {
				o.Errorf("one seat of two too many is freed by %s", p.Explanation)
			}
		}
		o.resize(seats, 2)
		for _, p := range o.proposals(ann, mail) {
			if p.Kind == licensing.FreeSeat && slices.Contains(p.Input["principalIds"].([]any), any(id.Format(id.User, dot))) {
				o.Errorf("who keeps the product through a group is to free a seat by %s", p.Explanation)
			}
		}
		o.works(ann, mail, licensing.FreeSeat)
		o.holds(cid)
		o.holds(dot, base)
	})
}

// Where a change touches others who may want the same seats, it is proposed only with seats for all of
// them (R5): the switched plan heals everybody in the group, and there is a seat for one.
func TestChangesOfGroupsNeedSeatsForAllWhoWaitR5(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, -1)
		seats := o.buy(suite, 1)
		o.join(sales, ann, bob)
		o.assign(group(sales), give(base), nil, "")
		o.assign(group(all), give(suite), nil, "")
		for _, who := range []uuid.UUID{ann, bob} {
			for _, p := range o.proposals(who, drive) {
				if p.Kind == licensing.SwitchPlansOff {
					o.Errorf("one of two would get the seat by %s", p.Explanation)
				}
			}
		}
		o.resize(seats, 2)
		o.works(ann, drive, licensing.SwitchPlansOff)
		o.holds(bob, base, suite)
	})
}

// What is held and suspended can be used again by resuming the subscription, or by another one (R16);
// one that expired goes on without an end.
func TestSuspendedProductIsResumedR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, kind := range []licensing.ProposalKind{licensing.ResumeSubscription, licensing.BuySeats} {
			o := newOffice(t, db)
			sub := o.buy(base, 1)
			o.assign(user(ann), give(base), nil, "")
			soon := o.clock.Now().Add(time.Minute)
			update := licensing.UpdateSubscriptionInput{ID: sub.ID}
			update.EndsAt.Set, update.EndsAt.Value = true, &soon
			if _, err := o.service.UpdateSubscription(t.Context(), o.tenant, update); err != nil {
				t.Fatal(err)
			}
			o.clock.Advance(24 * 365 * time.Hour)
			if _, err := o.service.ApplyDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := o.service.ApplyDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p := o.in(t).works(ann, mail, kind); p.UsersTouched < 1 {
				t.Errorf("%d users hold it", p.UsersTouched)
			}
		}
	})
}

// A plan that needs another is brought by that one, which is said to be on through which source alone
// does not suffice (R10).
func TestPrerequisiteIsProposedR10(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.catalogue(func(data *tenantgraph.CatalogData) { data.Requires = map[uuid.UUID][]uuid.UUID{extra: {mail}} })
		o.buy(base, -1)
		o.buy(addon, -1)
		o.join(sales, ann)
		o.assign(group(sales), give(addon), nil, "")
		if p := o.works(ann, extra, licensing.AssignProduct); p.Input["add"] == nil {
			t.Errorf("%+v", p.Input)
		}
		v := o.view(ann)
		if x := v.ExplainPlan(v.Graph().Plan(extra)); len(x.Sources) != 1 || x.Sources[0].Verdict != licensing.VerdictEnables || x.Sources[0].Suffices {
			t.Errorf("%+v", x.Sources[0])
		}
	})
}
