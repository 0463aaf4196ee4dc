package tenantgraph_test

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

func TestSelectionOfPlansR2(t *testing.T) {
	c := tenantgraph.NewCatalog(catalog(plain()), nil)
	gone := named(4, 99) // not even in the catalogue
	for _, s := range []struct {
		name  string
		mode  tenantgraph.Mode
		plans []uuid.UUID
		want  string
	}{
		{"all", tenantgraph.All, nil, "Mail Talk"},
		{"except some", tenantgraph.Except, []uuid.UUID{talk}, "Mail"},
		{"except all", tenantgraph.Except, []uuid.UUID{mail, talk}, ""},
		{"except one that has left the product", tenantgraph.Except, []uuid.UUID{left, mail}, "Talk"},
		{"except one that has left the catalogue", tenantgraph.Except, []uuid.UUID{gone}, "Mail Talk"},
		{"only some", tenantgraph.Only, []uuid.UUID{talk}, "Talk"},
		{"only none", tenantgraph.Only, nil, ""},
		{"only one of another product", tenantgraph.Only, []uuid.UUID{drive}, ""},
		{"only one that has left, and one that has not", tenantgraph.Only, []uuid.UUID{left, gone, mail}, "Mail"},
	} {
		t.Run(s.name, func(t *testing.T) {
			selection := tenantgraph.Selection{Mode: s.mode, Plans: s.plans}
			if got := plansOf(c, selection.Of(c, c.Product(base))); got != s.want {
				t.Errorf("selects %q, want %q", got, s.want)
			}
		})
	}
}

// A plan that the vendor adds is on for ALL and EXCEPT, off for ONLY.
func TestPlanAddedToAProductJoinsByTheFormOfTheSelectionR2(t *testing.T) {
	before := tenantgraph.NewCatalog(catalog(plain()), nil)
	grown := plain()
	grown[base] = append(grown[base], left)
	after := tenantgraph.NewCatalog(catalog(grown), before)
	for mode, want := range map[tenantgraph.Mode]bool{tenantgraph.All: true, tenantgraph.Except: true, tenantgraph.Only: false} {
		s := tenantgraph.Selection{Mode: mode, Plans: []uuid.UUID{talk}}
		if got := s.Of(after, after.Product(base)).Has(after.Plan(left).Index); got != want {
			t.Errorf("%s: the added plan is on: %v", mode, got)
		}
	}
}

// Two catalogues of one change have the same indices for the same things, so that what is
// selected before and after can be compared.
func TestCatalogueBuiltUponAnotherKeepsItsIndices(t *testing.T) {
	before := tenantgraph.NewCatalog(catalog(plain()), nil)
	data := catalog(plain())
	first := named(3, 0) // before all others by id
	data.Products = append(data.Products, tenantgraph.Product{ID: first, DisplayName: "First", DisplayNameKey: "first"})
	added := named(4, 0)
	data.Plans = append(data.Plans, tenantgraph.Plan{ID: added, DisplayName: "Added", DisplayNameKey: "added"})
	after := tenantgraph.NewCatalog(data, before)
	for _, p := range before.Products {
		if is := after.Product(p.ID).Index; is != p.Index || after.ProductAt(is).ID != p.ID {
			t.Errorf("%s had the index %d and has %d", p.DisplayName, p.Index, is)
		}
	}
	for _, p := range before.Plans {
		if is := after.Plan(p.ID).Index; is != p.Index || after.PlanAt(is).ID != p.ID {
			t.Errorf("%s had the index %d and has %d", p.DisplayName, p.Index, is)
		}
	}
	if after.ProductAt(after.Product(first).Index).ID != first || after.PlanAt(after.Plan(added).Index).ID != added {
		t.Error("what is new has an index of something else")
	}
}

func TestCatalogueLinksExclusionsBothWaysR9(t *testing.T) {
	c := tenantgraph.NewCatalog(catalog(plain(), tenantgraph.Exclusion{Name: "Calls", Plans: []uuid.UUID{talk, drive, named(4, 99)}},
		tenantgraph.Exclusion{Name: "More", Plans: []uuid.UUID{drive, talk}}), nil)
	for plan, other := range map[uuid.UUID]uuid.UUID{talk: drive, drive: talk} {
		if ex := c.Plan(plan).Excludes; len(ex) != 1 || ex[0].ID != other {
			t.Errorf("%s excludes %v", c.Plan(plan).DisplayName, ex)
		}
	}
	if len(c.Plan(mail).Excludes) > 0 {
		t.Error("a plan of no set excludes something")
	}
	on, joining := engine.NewPlanSet(c.Plan(drive).Index), engine.NewPlanSet(c.Plan(talk).Index)
	if conflict := c.Rules.Check(nil, on, joining); conflict.Set != "Calls" {
		t.Errorf("the set of the conflict is %q", conflict.Set)
	}
}

func TestPartNumbersAreFoundWithOtherBlanks(t *testing.T) {
	data := catalog(plain())
	data.Products[0].SkuPartNumber = "BASE\u00a0 "
	c := tenantgraph.NewCatalog(data, nil)
	if n := len(c.ByPartNumber("\tBASE")); n != 2 {
		t.Errorf("%d products bear the label, want 2", n)
	}
	if n := len(c.ByPartNumber("BA\u200bSE")); n != 2 { // the import takes it away, too
		t.Errorf("%d products bear the number pasted with a zero-width space, want 2", n)
	}
	if n := len(c.ByPartNumber("base")); n != 0 {
		t.Errorf("%d products are found in other letters", n)
	}
}

func TestSeatsAreTheUnitsOfLiveSubscriptionsR14(t *testing.T) {
	units := func(s *tenantgraph.Subscription, n int) *tenantgraph.Subscription { s.Seats = &n; return s }
	for _, c := range []struct {
		name      string
		all       []*tenantgraph.Subscription
		want      int64
		unlimited bool
	}{
		{"none", nil, 0, false},
		{"the sum", []*tenantgraph.Subscription{units(live(1, base, 1), 3), units(live(2, base, 2), 4)}, 7, false},
		{"cancelled ones do not count", []*tenantgraph.Subscription{units(live(1, base, 1), 3), units(cancelled(2, base, 2, 3), 4)}, 3, false},
		{"one without a limit", []*tenantgraph.Subscription{units(live(1, base, 1), 3), live(2, base, 2)}, 3, true},
		{"a cancelled one without a limit", []*tenantgraph.Subscription{units(live(1, base, 1), 3), cancelled(2, base, 2, 3)}, 3, false},
		{"other products", []*tenantgraph.Subscription{units(live(1, suite, 1), 3)}, 0, false},
		{"those in grace count", []*tenantgraph.Subscription{units(as("WARNING", live(1, base, 1)), 3), units(live(2, base, 2), 4)}, 7, false},
		{"suspended and locked out ones do not", []*tenantgraph.Subscription{units(as("SUSPENDED", live(1, base, 1)), 3), units(as("LOCKED_OUT", live(2, base, 2)), 4)}, 0, false},
		{"a scheduled one does not", []*tenantgraph.Subscription{units(scheduled(1, base, 1), 3)}, 0, false},
		{"without a limit, in grace", []*tenantgraph.Subscription{as("WARNING", live(1, base, 1))}, 0, true},
		{"without a limit, suspended", []*tenantgraph.Subscription{as("SUSPENDED", live(1, base, 1)), scheduled(2, base, 1)}, 0, false},
		{"more than 31 bits", []*tenantgraph.Subscription{units(live(1, base, 1), 1<<31-1), units(live(2, base, 1), 1<<31-1)}, 1<<32 - 2, false},
	} {
		tn := newTenant()
		tn.Subscriptions = c.all
		if units, unlimited := tn.graph().Seats(base); units != c.want || unlimited != c.unlimited {
			t.Errorf("%s: %d, unlimited %v; want %d, %v", c.name, units, unlimited, c.want, c.unlimited)
		}
	}
}

func TestProductIsLiveSinceItsLastGapR16(t *testing.T) {
	for _, c := range []struct {
		name  string
		all   []*tenantgraph.Subscription
		since clock.Instant
		live  bool
		ended clock.Instant
	}{
		{"never", nil, 0, false, 0},
		{"one", []*tenantgraph.Subscription{live(1, base, 5)}, 5, true, 0},
		{"cancelled", []*tenantgraph.Subscription{cancelled(1, base, 5, 9)}, 0, false, 9},
		{"bought again after a gap", []*tenantgraph.Subscription{cancelled(1, base, 5, 9), live(2, base, 12)}, 12, true, 9},
		{"bought again before the end", []*tenantgraph.Subscription{cancelled(1, base, 5, 9), live(2, base, 7)}, 5, true, 9},
		{"several without a gap", []*tenantgraph.Subscription{cancelled(1, base, 5, 9), cancelled(2, base, 7, 14), live(3, base, 12)}, 5, true, 14},
		{"a long one covers the gap of others", []*tenantgraph.Subscription{cancelled(1, base, 5, 20), cancelled(2, base, 6, 8), live(3, base, 15)}, 5, true, 20},
		{"a later one that ended", []*tenantgraph.Subscription{live(1, base, 5), cancelled(2, base, 7, 9)}, 5, true, 9},
		{"scheduled", []*tenantgraph.Subscription{scheduled(1, base, 5)}, 0, false, 0},
		{"scheduled, and cancelled before it began", []*tenantgraph.Subscription{never(1, base, 5, 9)}, 0, false, 0},
		{"begun later than it was bought", []*tenantgraph.Subscription{from(12, live(1, base, 5))}, 12, true, 0},
		{"bought before the end of another, begun after it", []*tenantgraph.Subscription{cancelled(1, base, 5, 9), from(12, live(2, base, 7))}, 12, true, 9},
		{"bought before the end of another, begun before it", []*tenantgraph.Subscription{cancelled(1, base, 5, 9), from(8, live(2, base, 7))}, 5, true, 9},
		{"begun in another order than bought", []*tenantgraph.Subscription{from(20, live(1, base, 1)), cancelled(2, base, 2, 6), from(4, live(3, base, 3))}, 2, true, 6},
		{"a scheduled one bridges no gap", []*tenantgraph.Subscription{cancelled(1, base, 5, 9), scheduled(2, base, 6), live(3, base, 12)}, 12, true, 9},
		{"nor does one that never began", []*tenantgraph.Subscription{cancelled(1, base, 5, 9), never(2, base, 6, 13), live(3, base, 12)}, 12, true, 9},
		{"suspended and locked out ones are live", []*tenantgraph.Subscription{as("LOCKED_OUT", live(1, base, 5)), as("SUSPENDED", live(2, base, 7))}, 5, true, 0},
		{"in grace", []*tenantgraph.Subscription{as("WARNING", live(1, base, 5))}, 5, true, 0},
		{"two gaps", []*tenantgraph.Subscription{cancelled(1, base, 1, 2), cancelled(2, base, 4, 6), live(3, base, 9)}, 9, true, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			tn := newTenant()
			tn.Subscriptions = c.all
			g := tn.graph()
			if since, is := g.LiveSince(base); is != c.live || c.live && since != c.since {
				t.Errorf("live %v since %d, want %v since %d", is, since, c.live, c.since)
			}
			if got := g.LastCancelled(base); got != c.ended {
				t.Errorf("last cancelled at %d, want %d", got, c.ended)
			}
		})
	}
}

// LiveSince is the first of the instants up to now at each of which a subscription is live.
func TestLiveSinceAgreesWithLookingAtEveryInstantR16(t *testing.T) {
	const now = 20
	rapid.Check(t, func(t *rapid.T) {
		tn := newTenant()
		tn.Subscriptions = nil
		covered := [now + 1]bool{}
		for n := range byte(rapid.IntRange(1, 5).Draw(t, "subscriptions")) {
			if rapid.IntRange(0, 4).Draw(t, "begins") == 0 { // it never did, and covers nothing
				tn.Subscriptions = append(tn.Subscriptions, scheduled(n, base, 1))
				continue
			}
			created := clock.Instant(rapid.IntRange(1, now).Draw(t, "created"))
			ended := clock.Instant(now + 1)
			if rapid.Bool().Draw(t, "cancelled") {
				ended = clock.Instant(rapid.IntRange(int(created), now).Draw(t, "ended"))
				tn.Subscriptions = append(tn.Subscriptions, cancelled(n, base, created, ended))
			} else {
				bought := clock.Instant(rapid.IntRange(1, int(created)).Draw(t, "bought"))
				status := rapid.SampledFrom([]string{"ENABLED", "WARNING", "SUSPENDED", "LOCKED_OUT"}).Draw(t, "status")
				tn.Subscriptions = append(tn.Subscriptions, as(status, from(created, live(n, base, bought))))
			}
			for i := created; i < ended; i++ {
				covered[i] = true
			}
		}
		// Two changes have two instants (R5), so none begins where another one ends.
		for _, a := range tn.Subscriptions {
			for _, b := range tn.Subscriptions {
				if b.CancelledAt != nil && a.LiveSince != nil && *b.CancelledAt == *a.LiveSince {
					t.Skip("an instant of two changes")
				}
			}
		}
		first := clock.Instant(now)
		for first > 1 && covered[first-1] {
			first--
		}
		since, is := tn.graph().LiveSince(base)
		if is != covered[now] || is && since != first {
			t.Fatalf("live %v since %d, want %v since %d", is, since, covered[now], first)
		}
	})
}

func TestProductsWithoutALiveSubscriptionReachNobodyR16(t *testing.T) {
	tn := newTenant("All").assign(of(1, 1, suite), of(2, 1, base), of(3, 1, suite))
	if n := len(tn.graph().LiveReach(group(1))); n != 3 {
		t.Errorf("%d assignments reach, want 3", n)
	}
	tn.Subscriptions = []*tenantgraph.Subscription{live(1, base, 1), cancelled(2, suite, 1, 2)}
	g := tn.graph()
	if all := g.LiveReach(group(1)); len(all) != 1 || all[0].ID != named(5, 2) {
		t.Errorf("%v reach, want assignment 2", reached(all))
	}
	if n := len(g.Reach(group(1))); n != 3 {
		t.Errorf("%d assignments are shown, want 3", n)
	}
	wantIDs(t, "groups that something reaches", g.ReachingGroups(), []uuid.UUID{group(1)})
}
