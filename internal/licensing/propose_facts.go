package licensing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/country"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// locate proposes another usage location: the tenant's country, or else the first by code of those
// with which the fewest plans are lost (R11).
func (e *explainer) locate() {
	rules := e.g.Rules
	named := rules.Countries()
	countries := append([]string{e.g.Country}, named...)
	for _, c := range country.Codes() {
		if !slices.Contains(named, c) { // any of these will do
			countries = append(countries, c)
			break
		}
	}
	slices.Sort(countries[1:])
	var best *Proposal
	for _, code := range countries {
		t := e.same()
		if t.barred = rules.Barred(code); t.barred.Equal(e.v.state.Barred) {
			continue
		}
		lost, ok := e.allows(t)
		if !ok || best != nil && len(best.PlansLost) <= lost.Len() {
			continue
		}
		best = &Proposal{
			Kind: SetUsageLocation, Mutation: "updateUser", Input: object{"id": e.userID(), "usageLocation": code},
			Explanation: locale.T("Sets the usage location of %s to %s.", e.v.User.DisplayName, code), PlansLost: e.g.PlansIn(lost),
		}
		if code == e.g.Country {
			break
		}
	}
	if best != nil {
		e.found = append(e.found, best)
	}
}

// editSources proposes to end the assignments that reach the user, and to switch their plans.
func (e *explainer) editSources() {
	for i := range e.v.state.Sources {
		src, shown := &e.v.state.Sources[i], e.v.shown[i]
		e.switchOn(i, src, shown)
		e.switchOff(i, src, shown)
		t := e.edit(i, src)
		t.after, t.ended = slices.Delete(t.after, i, i+1), []engine.ID{src.Key}
		kind, key, name := e.principalOf(shown)
		e.propose(t, Proposal{
			Kind: EndAssignment, Mutation: "assignLicenses", Input: assignInput(kind, key, "remove", shown.Assignment.Product.NodeID()),
			Explanation: locale.T("Ends the assignment of %s to %s.", shown.Assignment.Product.DisplayName, name), UsersTouched: e.others(shown), name: name,
		})
	}
}

// edit is a trial that changes the assignment of a source.
func (e *explainer) edit(i int, src *engine.Source) trial {
	t := e.same()
	t.judged, t.shared = src.Direct, !src.Direct
	t.after[i] = *src
	return t
}

func (e *explainer) principalOf(s *Source) (id.Kind, uuid.UUID, string) {
	if s.Group != nil {
		return id.Group, s.Group.ID, s.Group.DisplayName
	}
	return id.User, e.v.User.ID, e.v.User.DisplayName
}

// others is how many other users an assignment reaches at most: members of several groups are
// counted with each.
func (e *explainer) others(s *Source) int {
	if s.Group == nil {
		return 0
	}
	return int(max(e.reached(s.Group.ID, s.Assignment.IncludeNested)-1, 0)) // less the user
}

// reached is how many users an assignment to a group reaches, members of several groups counted with each.
func (e *explainer) reached(group uuid.UUID, nested bool) (n int64) {
	for _, g := range reachedGroups(e.g, group, nested) {
		n += int64(e.members[g])
	}
	return n
}

// switchOn proposes to switch on, in an assignment that leaves them off, plans that may help: each
// alone, and all together.
func (e *explainer) switchOn(i int, src *engine.Source, shown *Source) {
	off := e.g.ProductAt(src.Product).Set.Minus(src.Selected).Intersect(e.helpful)
	e.eachAndAll(off, func(plans engine.PlanSet) bool {
		t := e.edit(i, src)
		t.after[i].Selected = src.Selected.Union(plans)
		return e.switchPlans(t, SwitchPlansOn, "on", plans, shown)
	})
}

// switchOff proposes to switch plans off that stand in the way: each alone; all of the source that
// cannot be on beside the plan; and all that exclude what a source with the plan selects.
func (e *explainer) switchOff(i int, src *engine.Source, shown *Source) {
	rules, plan := e.g.Rules, engine.NewPlanSet(e.plan.Index)
	try := func(plans engine.PlanSet) bool {
		t := e.edit(i, src)
		t.after[i].Selected = src.Selected.Minus(plans)
		return e.switchPlans(t, SwitchPlansOff, "off", plans, shown)
	}
	found := false
	for p := range src.Selected.Intersect(rules.Ruled().Union(e.v.state.Barred)).Minus(plan).All() {
		found = try(engine.NewPlanSet(p)) || found
	}
	if found {
		return
	}
	if src.Selected.Has(e.plan.Index) {
		if obstacles, ok := rules.Obstacles(e.v.state.Barred, e.on, src.Selected, plan); ok && obstacles.Len() > 1 {
			try(obstacles)
		}
	}
	var wanted engine.PlanSet
	for _, s := range e.v.state.Sources {
		if s.Selected.Has(e.plan.Index) {
			wanted = wanted.Union(s.Selected)
		}
	}
	if against := src.Selected.Intersect(rules.Excluded(wanted)).Minus(plan); against.Len() > 1 {
		try(against)
	}
}

func (e *explainer) switchPlans(t trial, kind ProposalKind, field string, set engine.PlanSet, shown *Source) bool {
	plans := e.g.PlansIn(set)
	of, key, name := e.principalOf(shown)
	product := shown.Assignment.Product
	text := locale.T("Switches %s on in the assignment of %s to %s.", planNames(plans), product.DisplayName, name)
	if kind == SwitchPlansOff {
		text = locale.T("Switches %s off in the assignment of %s to %s.", planNames(plans), product.DisplayName, name)
	}
	return e.propose(t, Proposal{
		Kind: kind, Mutation: "assignLicenses", Input: switchInput(of, key, product, field, plans), Explanation: text,
		UsersTouched: e.others(shown), size: len(plans), name: name,
	})
}

// eachAndAll tries plans one by one, and all at once where none of them alone will do.
func (e *explainer) eachAndAll(plans engine.PlanSet, try func(engine.PlanSet) bool) {
	found := false
	for p := range plans.All() {
		found = try(engine.NewPlanSet(p)) || found
	}
	if !found && plans.Len() > 1 {
		try(plans)
	}
}

// changeGroups proposes to leave groups, and to join others.
func (e *explainer) changeGroups() {
	own := e.v.GroupIDs()
	for i, group := range own {
		t := e.same()
		t.after = sources(e.g, slices.Delete(slices.Clone(own), i, i+1), e.v.direct)
		if slices.EqualFunc(t.after, e.v.state.Sources, func(a, b engine.Source) bool { return a.Key == b.Key }) {
			continue
		}
		e.propose(t, e.membership(LeaveGroup, "removeGroupMembers", group, locale.T("Takes %s out of the group %s.",
			e.v.User.DisplayName, e.g.Group(group).DisplayName)))
	}
	for _, group := range e.groupsToJoin(own) {
		t := e.same()
		t.after = sources(e.g, append(slices.Clone(own), group), e.v.direct)
		p := e.membership(JoinGroup, "addGroupMembers", group, locale.T("Makes %s a member of the group %s.",
			e.v.User.DisplayName, e.g.Group(group).DisplayName))
		p.size = len(t.after)
		e.propose(t, p)
	}
}

func (e *explainer) membership(kind ProposalKind, mutation string, group uuid.UUID, text locale.Text) Proposal {
	return Proposal{
		Kind: kind, Mutation: mutation, Input: object{"groupId": id.Format(id.Group, group), "memberIds": []any{e.userID()}},
		Explanation: text, name: e.g.GroupNameKey(group),
	}
}

// groupsToJoin returns groups that bring a plan that may help, and those whose members are excluded from
// a source of the user, which may stand in the way: the fewest assignments first.
func (e *explainer) groupsToJoin(own []uuid.UUID) []uuid.UUID {
	var products []uuid.UUID
	for _, p := range e.helpfulProducts() {
		products = append(products, p.ID)
	}
	groups := e.g.GroupsReachedBy(products)
	for _, s := range e.v.state.Sources {
		if !s.Direct {
			for _, excluded := range e.g.Assignment(s.Key).ExcludedGroups {
				groups = append(groups, e.g.Descendants(excluded)...)
			}
		}
	}
	groups = slices.DeleteFunc(sortedIDs(groups), func(g uuid.UUID) bool { return slices.Contains(own, g) })
	slices.SortFunc(groups, func(a, b uuid.UUID) int {
		return cmp.Or(cmp.Compare(len(e.g.Reach(a)), len(e.g.Reach(b))), strings.Compare(e.g.GroupNameKey(a), e.g.GroupNameKey(b)), compareUUIDs(a, b))
	})
	return groups[:min(len(groups), groupsTried)]
}

// helpfulProducts are those with a live subscription that bring a plan that may help, by display
// name.
func (e *explainer) helpfulProducts() []*Product {
	return slices.DeleteFunc(e.g.SubscribedProducts(), func(p *Product) bool {
		_, live := e.g.LiveSince(p.ID)
		return !live || !p.Set.Overlaps(e.helpful)
	})
}

// assign proposes to assign products to the user: with all plans, else with all but those that
// stand in the way, else with those only that help.
func (e *explainer) assign() {
	if e.v.User.UsageLocation == nil { // R11
		return
	}
	for _, p := range e.helpfulProducts() {
		if p.RetiredAt != nil || slices.ContainsFunc(e.v.direct, func(a *tenantgraph.Assignment) bool { return a.ProductID == p.ID }) {
			continue
		}
		keep := engine.NewPlanSet(e.plan.Index).Intersect(p.Set)
		obstacles, _ := e.g.Rules.Obstacles(e.v.state.Barred, e.on, p.Set, keep)
		needed := e.helpful
		if !keep.Empty() {
			needed = e.g.Rules.Prerequisites(keep)
		}
		needed = needed.Intersect(p.Set)
		plan := object{"productId": p.NodeID()}
		if e.assignPlans(p, p.Set, plan, locale.T("Assigns %s to %s.", p.DisplayName, e.v.User.DisplayName)) {
			continue
		}
		if off := e.g.PlansIn(obstacles); len(off) > 0 && e.assignPlans(p, p.Set.Minus(obstacles), object{"productId": p.NodeID(), "plans": object{"except": planIDs(off)}},
			locale.T("Assigns %s to %s, without %s.", p.DisplayName, e.v.User.DisplayName, planNames(off))) {
			continue
		}
		e.eachAndAll(needed, func(set engine.PlanSet) bool {
			only := e.g.PlansIn(set)
			return e.assignPlans(p, set, object{"productId": p.NodeID(), "plans": object{"only": planIDs(only)}},
				locale.T("Assigns %s to %s, with %s only.", p.DisplayName, e.v.User.DisplayName, planNames(only)))
		})
	}
}

func (e *explainer) assignPlans(p *Product, selected engine.PlanSet, add object, text locale.Text) bool {
	t := e.same()
	t.judged = true
	t.after = append(t.after, engine.Source{Selected: selected, Assignment: &engine.Assignment{
		Key: p.ID, Product: p.Index, Sku: p.ID, Direct: true, Created: e.now,
	}})
	return e.propose(t, Proposal{
		Kind: AssignProduct, Mutation: "assignLicenses", Input: assignInput(id.User, e.v.User.ID, "add", add), Explanation: text,
		size: selected.Len(), name: p.DisplayNameKey,
	})
}
