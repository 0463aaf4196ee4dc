package licensing

import (
	"bytes"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// derived is what follows from a user's facts and exceptions: the engine's verdicts, with
// names, paths and instants put to them. It does not change once it is made: what few requests
// ask for, such as the plans of a license, is worked out each time.
type derived struct {
	graph    *tenantgraph.Graph
	user     *principal.User
	state    engine.User
	licenses []*EffectiveLicense
	shown    []*Source // beside state.Sources, in its order: by key
}

// part is a source of a license with the plans that it selects and those that it turns on.
type part struct {
	*Source
	selected, on engine.PlanSet
}

// derive derives a user's licenses. Sources of products without a live subscription are
// shown too: in error, with NO_SUBSCRIPTION (R16).
func derive(g *tenantgraph.Graph, u *principal.User, members []tenantgraph.Member, direct []*tenantgraph.Assignment, rows []engine.Row) *derived {
	inherited := g.Inherit(members)
	n := len(inherited) + len(direct)
	d := &derived{graph: g, user: u, shown: make([]*Source, 0, n), state: engine.User{
		Sources: make([]engine.Source, 0, n), Rows: rows, Barred: barred(g, u.UsageLocation),
	}}
	sources, assignments := make([]Source, n), make([]Assignment, n) // made at once
	var idle []part
	add := func(b *tenantgraph.Bound, s Source, since clock.Instant) {
		shown := &sources[0]
		*shown, assignments[0] = s, assignmentOf(g, b.Assignment, b.Product)
		shown.Assignment = &assignments[0]
		sources, assignments = sources[1:], assignments[1:]
		began, live := g.LiveSince(b.ProductID)
		shown.Since = liveSince(b.Assignment.Since(), since, began, restored(u))
		shown.State = StatusActive
		if live {
			d.add(shown, engine.Source{Assignment: b.Engine, Selected: b.Selected})
			return
		}
		shown.State, shown.Since = StatusError, liveSince(b.Assignment.Since(), since, restored(u))
		shown.Errors = []*LicenseError{{
			Code: fault.NoSubscription, UserID: u.ID, Product: b.Product, Source: shown, Since: g.LastCancelled(b.ProductID),
		}}
		idle = append(idle, part{Source: shown, selected: b.Selected})
	}
	for _, r := range inherited {
		add(r.Bound, Source{Kind: SourceGroup, Group: g.Group(r.GroupID), Path: r.Path}, r.Since)
	}
	for _, a := range inEffect(direct) {
		b := g.Bind(a)
		b.Engine.Key = a.ProductID
		add(b, Source{Kind: SourceDirect}, 0)
	}
	found := g.Rules.Derive(d.state)
	d.licenses = make([]*EffectiveLicense, 0, len(found))
	for _, l := range found {
		d.licenses = append(d.licenses, d.license(l))
	}
	for _, s := range idle {
		d.addIdle(s)
	}
	slices.SortFunc(d.licenses, func(a, b *EffectiveLicense) int {
		if c := strings.Compare(a.Product.DisplayNameKey, b.Product.DisplayNameKey); c != 0 {
			return c
		}
		return bytes.Compare(a.Product.ID[:], b.Product.ID[:])
	})
	for _, l := range d.licenses {
		slices.SortFunc(l.parts, func(a, b part) int { return compareSources(a.Source, b.Source) })
		l.Sources = make([]*Source, len(l.parts))
		for i, p := range l.parts {
			l.Sources[i] = p.Source
		}
	}
	return d
}

// add puts a source into the order of its key; those that come from groups come in it.
func (d *derived) add(shown *Source, s engine.Source) {
	at := len(d.state.Sources)
	if at > 0 && bytes.Compare(d.state.Sources[at-1].Key[:], s.Key[:]) > 0 {
		at, _ = d.find(s.Key)
	}
	d.state.Sources, d.shown = slices.Insert(d.state.Sources, at, s), slices.Insert(d.shown, at, shown)
}

func (d *derived) find(key engine.ID) (int, bool) {
	return slices.BinarySearchFunc(d.state.Sources, key, func(s engine.Source, key engine.ID) int { return bytes.Compare(s.Key[:], key[:]) })
}

// shownAs returns the source with a key as it is shown.
func (d *derived) shownAs(key engine.ID) *Source {
	i, _ := d.find(key)
	return d.shown[i]
}

func restored(u *principal.User) clock.Instant {
	if u.RestoredAt == nil {
		return 0
	}
	return *u.RestoredAt
}

// compareSources puts direct before inherited, then by the group's name and id.
func compareSources(a, b *Source) int {
	switch {
	case a.Kind != b.Kind && a.Kind == SourceDirect:
		return -1
	case a.Kind != b.Kind:
		return 1
	case a.Group == nil || b.Group == nil:
		return 0
	}
	if c := bytes.Compare([]byte(a.Group.DisplayName), []byte(b.Group.DisplayName)); c != 0 {
		return c
	}
	return bytes.Compare(a.Group.ID[:], b.Group.ID[:])
}

// AssignmentOf shows an assignment's fact with the catalogue's names.
func AssignmentOf(g *tenantgraph.Graph, a *tenantgraph.Assignment) *Assignment {
	shown := assignmentOf(g, a, g.Product(a.ProductID))
	return &shown
}

func assignmentOf(g *tenantgraph.Graph, a *tenantgraph.Assignment, p *Product) Assignment {
	shown := Assignment{
		ID: a.ID, Product: p, Selection: Selection{Mode: a.Selection.Mode, named: a.Selection.Plans, graph: g}, IncludeNested: a.IncludeNested,
		Priority:  a.Priority,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, Version: a.Version,
		Status: AssignmentActive, StartsAt: a.StartsAt, EndsAt: a.EndsAt,
	}
	if a.Scheduled {
		shown.Status = AssignmentScheduled
	}
	if a.Direct() {
		shown.UserID = &a.UserID
	} else {
		shown.GroupID = &a.GroupID
	}
	shown.SeatLimit, shown.SeatReserve = a.SeatLimit, a.SeatReserve
	for _, group := range a.ExcludedGroups {
		if shown.ExcludedGroups == nil {
			shown.ExcludedGroups = make([]*principal.Group, 0, len(a.ExcludedGroups))
		}
		if excluded := g.Group(group); excluded != nil {
			shown.ExcludedGroups = append(shown.ExcludedGroups, excluded)
		}
	}
	g.SortGroups(shown.ExcludedGroups)
	return shown
}

// Plans are the plans that the mode names, in the catalogue's display order; none for ALL.
func (s Selection) Plans() []*Plan {
	var named engine.PlanSet
	for _, id := range s.named {
		if p := s.graph.Plan(id); p != nil {
			named = named.With(p.Index)
		}
	}
	return s.graph.PlansIn(named)
}

func (d *derived) license(l engine.License) *EffectiveLicense {
	product := d.graph.ProductAt(l.Product)
	e := &EffectiveLicense{
		Product: product, Capability: CapabilityOf(d.graph, product.ID), ConsumesSeat: l.Held, Status: StatusActive,
		parts: make([]part, 0, len(l.Sources)),
	}
	failed := false
	for _, s := range l.Sources {
		shown := d.shownAs(s.Key)
		for _, row := range s.Rows {
			shown.Errors = append(shown.Errors, d.err(shown, row))
			failed = true
		}
		switch {
		case !s.Admitted:
			shown.State = StatusError
		case len(s.Rows) > 0:
			shown.State = StatusActiveWithError
		}
		if len(shown.Errors) > 0 && shown.State == StatusError {
			shown.Since = shown.Errors[0].Since
		}
		e.parts = append(e.parts, part{Source: shown, selected: s.Selected, on: s.On})
	}
	if failed {
		e.Status = StatusActiveWithError
	}
	if !l.Held {
		e.Status = StatusError
	}
	e.Since = since(e)
	return e
}

// since is when the user came to hold the product: the earliest of its admitted sources; of a
// license in error, the earliest of all.
func since(e *EffectiveLicense) clock.Instant {
	var first clock.Instant
	for _, s := range e.parts {
		if (s.State != StatusError) == e.ConsumesSeat && (first == 0 || s.Since < first) {
			first = s.Since
		}
	}
	return first
}

// addIdle shows a source of a product without a live subscription.
func (d *derived) addIdle(s part) {
	product := s.Assignment.Product
	i := slices.IndexFunc(d.licenses, func(l *EffectiveLicense) bool { return l.Product == product })
	if i < 0 {
		i = len(d.licenses)
		d.licenses = append(d.licenses, &EffectiveLicense{Product: product, Status: StatusError, Capability: CapabilityNone, Since: s.Since})
	}
	l := d.licenses[i]
	l.parts = append(l.parts, s)
	l.Since = min(l.Since, s.Since)
}

// Plans returns the product's plans, by display name, then id, each with the sources that bring
// it or do not.
func (l *EffectiveLicense) Plans() []*EffectivePlan {
	all, plans := make([]*EffectivePlan, len(l.Product.Plans)), make([]EffectivePlan, len(l.Product.Plans))
	room := make([]*Source, 0, len(plans)*len(l.parts)) // each source stands in one list of each plan
	where := func(holds func(p part) bool) []*Source {
		start := len(room)
		for _, p := range l.parts {
			if holds(p) {
				room = append(room, p.Source)
			}
		}
		return room[start:len(room):len(room)]
	}
	for i, p := range l.Product.Plans {
		e := &plans[i]
		e.Plan = p
		e.EnabledBy = where(func(s part) bool { return s.on.Has(p.Index) })
		e.WithheldBy = where(func(s part) bool { return !s.on.Has(p.Index) && s.selected.Has(p.Index) })
		e.DisabledBy = where(func(s part) bool { return !s.selected.Has(p.Index) })
		e.Enabled = len(e.EnabledBy) > 0
		all[i] = e
	}
	return all
}

// err shows a violation. The facts about seats and places, which other users decide, are left
// to Service.FillSeatDetails.
func (d *derived) err(s *Source, row engine.Row) *LicenseError {
	e := &LicenseError{Code: codes[row.Code], UserID: d.user.ID, Product: s.Assignment.Product, Source: s, Since: clock.Instant(row.Since)}
	if row.Plan != engine.Whole {
		e.Plan = d.graph.PlanAt(row.Plan)
	}
	if row.Code == engine.Count {
		suspended, lockedOut := idleUnits(d.graph, e.Product.ID)
		e.idle = suspended + lockedOut
	}
	if row.Code == engine.GroupLimit {
		e.limit, e.assignment = *s.Assignment.SeatLimit, s.Assignment.ID
	}
	switch reason := d.graph.Rules.Explain(d.state, row); reason.Code {
	case engine.Exclusion:
		e.Details = d.exclusion(reason, e.Product)
	case engine.Dependency:
		e.Details = dependencyDetails(d.graph, reason, e.Product)
	case engine.Prohibited:
		e.Details = locationDetails(d.graph, d.user.UsageLocation, reason)
	}
	return e
}

// exclusion names both sides of a conflict (R9).
func (d *derived) exclusion(c engine.Reason, product *Product) *ExclusionDetails {
	e := &ExclusionDetails{ExclusionSet: c.Set, Plan: d.graph.PlanAt(c.Plan), Product: product, OtherPlan: d.graph.PlanAt(c.Other)}
	licenses := d.graph.Rules.Derive(d.state)
	slices.SortFunc(licenses, func(a, b engine.License) int { // what is named first must not hang on new ids
		x, y := d.graph.ProductAt(a.Product).ID, d.graph.ProductAt(b.Product).ID
		return bytes.Compare(x[:], y[:])
	})
	for _, l := range licenses {
		if !l.On.Has(c.Other) {
			continue
		}
		if e.OtherProduct == nil {
			e.OtherProduct = d.graph.ProductAt(l.Product)
		}
		for _, s := range l.Sources {
			if s.On.Has(c.Other) {
				e.OtherSources = append(e.OtherSources, d.shownAs(s.Key))
			}
		}
	}
	slices.SortFunc(e.OtherSources, compareSources)
	return e
}

// Licenses returns the user's licenses, by product display name, then id.
func (d *derived) Licenses() []*EffectiveLicense { return d.licenses }

// License returns the user's license of a product, or nil.
func (d *derived) License(product uuid.UUID) *EffectiveLicense {
	for _, l := range d.licenses {
		if l.Product.ID == product {
			return l
		}
	}
	return nil
}

// automatic returns the plans that come to the user without an assignment (R7).
func (d *derived) automatic() []tenantgraph.Automatic {
	if !d.user.AccountEnabled || d.user.DeletedAt != nil {
		return nil
	}
	return d.graph.Automatic()
}

func (d *derived) automaticSource(a tenantgraph.Automatic) *Source {
	return &Source{Kind: SourceAutomatic, State: StatusActive, Since: liveSince(a.Since, d.user.CreatedAt, restored(d.user))}
}

// Plans returns every plan of the user's products, and those that come to everybody, once, by
// display name, then id, with the sources of all products.
func (d *derived) Plans() []*EffectivePlan {
	at := map[*Plan]*EffectivePlan{}
	var all []*EffectivePlan
	for _, l := range d.licenses {
		for _, p := range l.Plans() {
			e := at[p.Plan]
			if e == nil {
				e = &EffectivePlan{Plan: p.Plan}
				at[p.Plan] = e
				all = append(all, e)
			}
			e.Enabled = e.Enabled || p.Enabled
			e.EnabledBy = append(e.EnabledBy, p.EnabledBy...)
			e.DisabledBy = append(e.DisabledBy, p.DisabledBy...)
			e.WithheldBy = append(e.WithheldBy, p.WithheldBy...)
		}
	}
	for _, a := range d.automatic() {
		e := at[a.Plan]
		if e == nil {
			e = &EffectivePlan{Plan: a.Plan}
			all = append(all, e)
		}
		e.Enabled = true
		e.EnabledBy = append(e.EnabledBy, d.automaticSource(a))
	}
	slices.SortFunc(all, func(a, b *EffectivePlan) int {
		if c := bytes.Compare([]byte(a.Plan.DisplayNameKey), []byte(b.Plan.DisplayNameKey)); c != 0 {
			return c
		}
		return bytes.Compare(a.Plan.ID[:], b.Plan.ID[:])
	})
	return all
}

// DirectAssignments returns the user's own assignments, by product display name, then id.
func (v *UserView) DirectAssignments() []*Assignment {
	all := make([]*Assignment, 0, len(v.direct))
	for _, a := range v.direct {
		all = append(all, AssignmentOf(v.graph, a))
	}
	sortByProduct(all)
	return all
}

// sortByProduct puts a principal's assignments in the order of their products: by display
// name, then id.
func sortByProduct(all []*Assignment) {
	slices.SortFunc(all, func(a, b *Assignment) int {
		if c := bytes.Compare([]byte(a.Product.DisplayNameKey), []byte(b.Product.DisplayNameKey)); c != 0 {
			return c
		}
		return bytes.Compare(a.Product.ID[:], b.Product.ID[:])
	})
}

// DecidePlan answers whether the user may use the plan: the first reason that holds. Where it
// is allowed, the sources are those of products that can be used.
func (v *UserView) DecidePlan(plan *Plan) *PlanDecision {
	var usable, unusable []*Source
	known, inError := false, false
	for _, l := range v.licenses {
		if !l.Product.Set.Has(plan.Index) {
			continue
		}
		known = true
		for _, s := range l.parts {
			switch {
			case !s.on.Has(plan.Index):
				inError = inError || s.selected.Has(plan.Index)
			case l.Capability.Usable():
				usable = append(usable, s.Source)
			default:
				unusable = append(unusable, s.Source)
			}
		}
	}
	for _, a := range v.automatic() {
		switch {
		case a.Plan != plan:
		case slices.ContainsFunc(a.Products, func(p *Product) bool { return CapabilityOf(v.graph, p.ID).Usable() }):
			usable = append(usable, v.automaticSource(a))
		default:
			unusable = append(unusable, v.automaticSource(a))
		}
	}
	decision := &PlanDecision{Reason: DecisionNotLicensed, EnabledBy: usable}
	if len(usable) == 0 || !v.User.AccountEnabled {
		decision.EnabledBy = append(decision.EnabledBy, unusable...)
	}
	switch {
	case !v.User.AccountEnabled:
		decision.Reason = DecisionAccountDisabled
	case len(usable) > 0:
		decision.Allowed, decision.Reason = true, DecisionEnabled
	case len(unusable) > 0:
		decision.Reason = DecisionProductNotUsable
	case inError:
		decision.Reason = DecisionSourceInError
	case known:
		decision.Reason = DecisionPlanOff
	}
	return decision
}

// Errors returns every error of the user's sources, by (skuId, assignment, plan).
func (d *derived) Errors() []*LicenseError {
	var all []*LicenseError
	for _, l := range d.licenses {
		for _, s := range l.Sources {
			all = append(all, s.Errors...)
		}
	}
	slices.SortFunc(all, compareErrorsByPlace)
	return all
}

func compareErrorsByPlace(a, b *LicenseError) int {
	for _, c := range []int{
		bytes.Compare(a.Product.ID[:], b.Product.ID[:]), bytes.Compare(a.UserID[:], b.UserID[:]),
		bytes.Compare(a.Source.Assignment.ID[:], b.Source.Assignment.ID[:]),
	} {
		if c != 0 {
			return c
		}
	}
	switch {
	case a.Plan == nil && b.Plan == nil:
		return 0
	case a.Plan == nil:
		return -1
	case b.Plan == nil:
		return 1
	}
	return bytes.Compare(a.Plan.ID[:], b.Plan.ID[:])
}
