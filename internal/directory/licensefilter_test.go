package directory_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Lists by licenses are SQL; a user's own licenses are derived in memory. On random worlds
// with nested groups, scarce seats, conflicts, plans withheld for every reason, products
// without subscription or with a suspended or a scheduled one, plans that come to everybody,
// assignments that have not begun, disabled accounts and deleted users, both must say the same.
func TestFiltersOnLicensesAgreeWithWhatEachUserHasR3R7R9R10R11R16(t *testing.T) {
	each(t, func(w *world) {
		for seed := range uint64(4) {
			w.tenant = w.newTenantIn(fmt.Sprintf("Random %d", seed), []string{"NL", "BE"}[seed%2])
			users, groups := w.random(rand.New(rand.NewPCG(seed, 7)))
			w.sound()
			views := map[string]*licensing.UserView{}
			for _, u := range users {
				if v := w.view(u); v.User.DeletedAt == nil {
					views[u.DisplayName] = v
				}
			}
			expect := func(what string, filter directory.UserFilter, holds func(v *licensing.UserView) bool) {
				w.t.Helper()
				want := []string{}
				for name, v := range views {
					if holds(v) {
						want = append(want, name)
					}
				}
				slices.Sort(want)
				w.same(fmt.Sprintf("seed %d, %s", seed, what), w.list(directory.UserQuery{Filter: filter}), want)
			}
			for name, p := range w.products() {
				expect("holders of "+name, directory.UserFilter{Product: &p}, func(v *licensing.UserView) bool { return holding(v, p) })
			}
			for name, p := range map[string]uuid.UUID{
				"mail": w.mailPlan, "chat": w.chat, "old": w.old, "new": w.newer, "air": w.air, "talk": w.talk, "home": w.home, "archive": w.archive,
				"board": w.boardPlan, "hello": w.hello, "unknown": uuid.New(),
			} {
				expect("plan "+name, directory.UserFilter{Plan: &p}, func(v *licensing.UserView) bool { return enabled(v, p) })
			}
			for _, g := range groups {
				expect("members of "+g.DisplayName, directory.UserFilter{Group: &g.ID}, func(v *licensing.UserView) bool { return within(v, g.ID) })
			}
			anything := func(v *licensing.UserView) bool {
				return slices.ContainsFunc(v.Licenses(), func(l *licensing.EffectiveLicense) bool { return holding(v, l.Product.ID) })
			}
			for _, want := range []bool{true, false} {
				expect(fmt.Sprintf("hasLicense %v", want), directory.UserFilter{HasLicense: &want},
					func(v *licensing.UserView) bool { return anything(v) == want })
				expect(fmt.Sprintf("hasLicenseError %v", want), directory.UserFilter{HasLicenseError: &want},
					func(v *licensing.UserView) bool { return failing(v) == want })
			}
			expect("all together", directory.UserFilter{Product: &w.suite, Plan: &w.chat, Group: &groups[0].ID, HasLicenseError: ptr(false)},
				func(v *licensing.UserView) bool {
					return holding(v, w.suite) && enabled(v, w.chat) && within(v, groups[0].ID) && !failing(v)
				})
			for what, narrow := range map[string]struct {
				filter directory.UserFilter
				holds  func(v *licensing.UserView) bool
			}{
				"plan":       {directory.UserFilter{Plan: &w.old}, func(v *licensing.UserView) bool { return enabled(v, w.old) }},
				"automatic":  {directory.UserFilter{Plan: &w.hello}, func(v *licensing.UserView) bool { return enabled(v, w.hello) }},
				"group":      {directory.UserFilter{Group: &groups[1].ID}, func(v *licensing.UserView) bool { return within(v, groups[1].ID) }},
				"error":      {directory.UserFilter{HasLicenseError: ptr(true)}, failing},
				"license":    {directory.UserFilter{HasLicense: ptr(false)}, func(v *licensing.UserView) bool { return false }},
				"department": {directory.UserFilter{Departments: []string{}}, func(v *licensing.UserView) bool { return false }},
				"location":   {directory.UserFilter{UsageLocations: []string{}}, func(v *licensing.UserView) bool { return false }},
				"account":    {directory.UserFilter{AccountEnabled: ptr(false)}, func(v *licensing.UserView) bool { return !v.User.AccountEnabled }},
			} {
				narrow.filter.Product = &w.suite
				expect("holders of suite narrowed by "+what, narrow.filter, func(v *licensing.UserView) bool { return holding(v, w.suite) && narrow.holds(v) })
			}
			w.same("holders found", w.list(directory.UserQuery{Search: "zz", Filter: directory.UserFilter{Product: &w.suite}}), []string{})
			w.groupFilters(seed, groups, views)
			holders, err := w.directory.Holders(w.t.Context(), w.tenant, w.suite, "user", paging.Args{First: ptr(100)})
			w.ok(err)
			w.same("holders", userNames(holders.Items), w.list(directory.UserQuery{Filter: directory.UserFilter{Product: &w.suite}}))
		}
	})
}

func (w *world) groupFilters(seed uint64, groups []*principal.Group, views map[string]*licensing.UserView) {
	w.t.Helper()
	g, err := w.licensing.Graph(w.t.Context(), w.tenant)
	w.ok(err)
	expect := func(what string, filter directory.GroupFilter, holds func(group uuid.UUID) bool) {
		w.t.Helper()
		want := []string{}
		for _, group := range groups {
			if holds(group.ID) {
				want = append(want, group.DisplayName)
			}
		}
		slices.Sort(want)
		w.same(fmt.Sprintf("seed %d, groups, %s", seed, what), w.groups(directory.GroupQuery{Filter: filter}), want)
	}
	for name, p := range w.products() {
		expect(name, directory.GroupFilter{Product: &p}, func(group uuid.UUID) bool {
			return slices.ContainsFunc(g.AssignmentsOf(group), func(b *tenantgraph.Bound) bool { return b.ProductID == p })
		})
	}
	erring := map[uuid.UUID]bool{}
	for _, v := range views {
		for _, l := range v.Licenses() {
			for _, s := range l.Sources {
				if s.Group != nil && s.State != licensing.StatusActive {
					erring[s.Group.ID] = true
				}
			}
		}
	}
	for _, want := range []bool{true, false} {
		expect(fmt.Sprintf("hasLicenses %v", want), directory.GroupFilter{HasLicenses: &want},
			func(group uuid.UUID) bool { return (len(g.AssignmentsOf(group)) > 0) == want })
		expect(fmt.Sprintf("hasLicenseErrors %v", want), directory.GroupFilter{HasLicenseErrors: &want},
			func(group uuid.UUID) bool { return erring[group] == want })
	}
}

func holding(v *licensing.UserView, product uuid.UUID) bool {
	return slices.ContainsFunc(v.Licenses(), func(l *licensing.EffectiveLicense) bool {
		return l.Product.ID == product && l.Status != licensing.StatusError
	})
}

func enabled(v *licensing.UserView, plan uuid.UUID) bool {
	return slices.ContainsFunc(v.Plans(), func(p *licensing.EffectivePlan) bool { return p.Plan.ID == plan && p.Enabled })
}

func failing(v *licensing.UserView) bool {
	return slices.ContainsFunc(v.Licenses(), func(l *licensing.EffectiveLicense) bool {
		return slices.ContainsFunc(l.Sources, func(s *licensing.Source) bool { return s.State != licensing.StatusActive })
	})
}

func within(v *licensing.UserView, group uuid.UUID) bool {
	return slices.ContainsFunc(v.GroupIDs(), func(direct uuid.UUID) bool { return slices.Contains(v.Graph().Ancestors(direct), group) })
}

func (w *world) products() map[string]uuid.UUID {
	return map[string]uuid.UUID{
		"suite": w.suite, "addon": w.addon, "tool": w.tool, "radio": w.radio, "local": w.local, "extra": w.extra, "board": w.board,
	}
}

// random fills the tenant.
func (w *world) random(r *rand.Rand) ([]*principal.User, []*principal.Group) {
	w.t.Helper()
	w.subscribe(w.suite, 9)
	w.subscribe(w.addon, 7)
	tool, radio := w.subscribe(w.tool, 100), w.subscribe(w.radio, 12)
	w.subscribe(w.local, 10)
	w.subscribe(w.extra, 14)
	board := licensing.CreateSubscriptionInput{Product: w.board, Status: licensing.SubscriptionEnabled}
	if r.IntN(3) == 0 {
		board.Status, board.StartsAt = licensing.SubscriptionScheduled, ptr(w.clock.Now()+clock.Instant(time.Hour/time.Microsecond))
	}
	_, err := w.licensing.CreateSubscription(w.t.Context(), w.tenant, board)
	w.ok(err)
	var users []*principal.User
	for i := range 24 {
		users = append(users, w.user(fmt.Sprintf("User %02d", i)))
	}
	for _, u := range users {
		in := directory.UpdateUserInput{ID: u.ID, AccountEnabled: optional.Of(r.IntN(4) > 0), UsageLocation: optional.Null[string]()}
		if at := r.IntN(4); at < 3 {
			in.UsageLocation = optional.Of([]string{"NL", "BE", "DE"}[at])
		}
		_, err := w.directory.UpdateUser(w.t.Context(), w.tenant, in)
		w.ok(err)
	}
	groups := w.randomGroups(r, users)
	for range 40 {
		w.randomAssignment(r, users, groups)
	}
	for range 5 { // who moves has plans withheld, and healed
		in := directory.UpdateUserInput{ID: users[r.IntN(len(users))].ID, UsageLocation: optional.Of([]string{"NL", "BE", "FR"}[r.IntN(3)])}
		_, err := w.directory.UpdateUser(w.t.Context(), w.tenant, in)
		w.ok(err)
	}
	for range 3 {
		_, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: users[r.IntN(len(users))].ID})
		w.ok(err)
	}
	if r.IntN(3) > 0 {
		_, err := w.licensing.CancelSubscription(w.t.Context(), w.tenant, licensing.CancelSubscriptionInput{
			ID: tool, AllowOverAllocation: true, AcknowledgeLosses: ptr(len(users)),
		})
		w.ok(err)
	}
	if r.IntN(2) > 0 {
		_, err := w.licensing.UpdateSubscription(w.t.Context(), w.tenant, licensing.UpdateSubscriptionInput{ID: radio, Status: licensing.SubscriptionSuspended})
		w.ok(err)
	}
	return users, groups
}

func (w *world) randomGroups(r *rand.Rand, users []*principal.User) []*principal.Group {
	var groups []*principal.Group
	for i := range 6 {
		var members []any
		for _, u := range users {
			if r.IntN(4) == 0 {
				members = append(members, u)
			}
		}
		for _, g := range groups {
			if r.IntN(3) == 0 {
				members = append(members, g)
			}
		}
		groups = append(groups, w.group(fmt.Sprintf("Group %d", i), members...))
	}
	return groups
}

// randomAssignment gives something to somebody, who may be refused.
func (w *world) randomAssignment(r *rand.Rand, users []*principal.User, groups []*principal.Group) {
	w.t.Helper()
	plans := map[uuid.UUID][]uuid.UUID{
		w.suite: {w.mailPlan, w.chat, w.old}, w.addon: {w.newer}, w.tool: {w.chat}, w.radio: {w.air, w.talk}, w.local: {w.home},
		w.extra: {w.archive}, w.board: {w.boardPlan, w.hello},
	}
	product := []uuid.UUID{w.suite, w.suite, w.addon, w.tool, w.radio, w.radio, w.local, w.extra, w.extra, w.board}[r.IntN(10)]
	in := licensing.LicenseInput{Product: product}
	if r.IntN(2) == 0 {
		in.Plans = &licensing.SelectionInput{Mode: []licensing.SelectionMode{tenantgraph.All, tenantgraph.Except, tenantgraph.Only}[r.IntN(3)]}
		if all := plans[product]; in.Plans.Mode != tenantgraph.All {
			in.Plans.Plans = []uuid.UUID{all[r.IntN(len(all))]}
		}
	}
	if r.IntN(3) == 0 {
		in.IncludeNested = ptr(false)
	}
	if r.IntN(4) == 0 { // nobody has anything of it
		in.StartsAt = optional.Of(w.clock.Now().Add(time.Hour))
	}
	ref := licensing.PrincipalRef{Kind: "group", ID: groups[r.IntN(len(groups))].ID}
	if r.IntN(3) == 0 {
		in.ExcludeGroups = optional.Of([]uuid.UUID{groups[r.IntN(len(groups))].ID}) // refused for a user, and for the group itself
	}
	if r.IntN(2) == 0 {
		ref = licensing.PrincipalRef{Kind: "user", ID: users[r.IntN(len(users))].ID}
	}
	_, err := w.licensing.Assign(w.t.Context(), w.tenant, licensing.AssignInput{
		Principals: []licensing.PrincipalRef{ref}, Add: []licensing.LicenseInput{in}, AcknowledgeLosses: ptr(len(users)),
	})
	w.ok(err)
}

func TestR1ADeletedUserHasNoLicensesToBeFoundBy(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 5)
		anna := w.user("Anna")
		g := w.group("Sales", anna)
		w.assign(g, licensing.LicenseInput{Product: w.suite})
		w.assign(anna, licensing.LicenseInput{Product: w.suite})
		_, err := w.directory.DeleteUser(w.t.Context(), w.tenant, directory.DeleteUserInput{ID: anna.ID})
		w.ok(err)
		for what, c := range map[string]struct {
			filter directory.UserFilter
			want   []string
		}{
			"product":            {directory.UserFilter{Product: &w.suite}, []string{}},
			"plan":               {directory.UserFilter{Plan: &w.chat}, []string{}},
			"a license":          {directory.UserFilter{HasLicense: ptr(true)}, []string{}},
			"no license":         {directory.UserFilter{HasLicense: ptr(false)}, []string{"Anna"}},
			"an error":           {directory.UserFilter{HasLicenseError: ptr(true)}, []string{}},
			"no error":           {directory.UserFilter{HasLicenseError: ptr(false)}, []string{"Anna"}},
			"among the deleted":  {directory.UserFilter{}, []string{"Anna"}},
			"deleted and member": {directory.UserFilter{Group: &g.ID}, []string{"Anna"}},
		} {
			c.filter.Deleted = true
			w.same(what, w.list(directory.UserQuery{Filter: c.filter}), c.want)
		}
	})
}

func TestAWithheldPlanIsNotEnabledAndIsAnError(t *testing.T) {
	each(t, func(w *world) {
		w.subscribe(w.suite, 5)
		w.subscribe(w.addon, 5)
		anna, ben := w.user("Anna"), w.user("Ben")
		w.assign(anna, licensing.LicenseInput{Product: w.addon})
		g := w.group("Sales", anna, ben)
		w.assign(g, licensing.LicenseInput{Product: w.suite, Plans: &licensing.SelectionInput{Mode: tenantgraph.Only, Plans: []uuid.UUID{w.mailPlan}}})
		w.assign(g, licensing.LicenseInput{Product: w.suite, Plans: &licensing.SelectionInput{Mode: tenantgraph.All}})
		for what, c := range map[string]struct {
			filter directory.UserFilter
			want   []string
		}{
			"holders":             {directory.UserFilter{Product: &w.suite}, []string{"Anna", "Ben"}},
			"the withheld plan":   {directory.UserFilter{Plan: &w.old}, []string{"Ben"}},
			"another of its plan": {directory.UserFilter{Plan: &w.chat}, []string{"Anna", "Ben"}},
			"in error":            {directory.UserFilter{HasLicenseError: ptr(true)}, []string{"Anna"}},
		} {
			w.same(what, w.list(directory.UserQuery{Filter: c.filter}), c.want)
		}
		w.same("groups in error", w.groups(directory.GroupQuery{Filter: directory.GroupFilter{HasLicenseErrors: ptr(true)}}), []string{"Sales"})
	})
}

func TestR16WithoutASubscriptionEverySourceIsInErrorThoughNoRowSaysSo(t *testing.T) {
	each(t, func(w *world) {
		tool := w.subscribe(w.tool, 5)
		anna, ben := w.user("Anna"), w.user("Ben")
		later := w.group("Later", w.user("Cem"))
		w.assign(later, licensing.LicenseInput{Product: w.tool, StartsAt: optional.Of(w.clock.Now().Add(time.Hour))})
		inner := w.group("Inner", anna)
		first := w.group("First level only", inner)
		outer := w.group("Outer", inner)
		w.assign(first, licensing.LicenseInput{Product: w.tool, IncludeNested: ptr(false)})
		w.assign(outer, licensing.LicenseInput{Product: w.tool})
		w.assign(w.group("Nobody in it"), licensing.LicenseInput{Product: w.tool})
		w.assign(ben, licensing.LicenseInput{Product: w.tool})
		_, err := w.licensing.CancelSubscription(w.t.Context(), w.tenant, licensing.CancelSubscriptionInput{ID: tool, AllowOverAllocation: true, AcknowledgeLosses: ptr(9)})
		w.ok(err)
		for what, c := range map[string]struct {
			filter directory.UserFilter
			want   []string
		}{
			"holders":   {directory.UserFilter{Product: &w.tool}, []string{}},
			"a license": {directory.UserFilter{HasLicense: ptr(true)}, []string{}},
			"the plan":  {directory.UserFilter{Plan: &w.chat}, []string{}},
			"in error":  {directory.UserFilter{HasLicenseError: ptr(true)}, []string{"Anna", "Ben"}},
			"no error":  {directory.UserFilter{HasLicenseError: ptr(false)}, []string{"Cem"}},
		} {
			w.same(what, w.list(directory.UserQuery{Filter: c.filter}), c.want)
		}
		w.same("groups in error", w.groups(directory.GroupQuery{Filter: directory.GroupFilter{HasLicenseErrors: ptr(true)}}), []string{"Outer"})
	})
}
