package licensing

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// derived is what follows from a user's facts and exceptions: the engine's verdicts, with
// names, paths and instants put to them.
type derived struct {
	graph    *tenantgraph.Graph
	user     *principal.User
	state    engine.User
	licenses []*EffectiveLicense
	bound    map[engine.ID]*tenantgraph.Bound
	shown    map[engine.ID]*Source
}

// derive derives a user's licenses. Sources of products without a live subscription are
// shown too: in error, with NO_SUBSCRIPTION (R16).
func derive(g *tenantgraph.Graph, u *principal.User, members []tenantgraph.Member, direct []*tenantgraph.Assignment, rows []engine.Row) *derived {
	d := &derived{graph: g, user: u, bound: map[engine.ID]*tenantgraph.Bound{}, shown: map[engine.ID]*Source{}}
	var idle []*Source
	add := func(b *tenantgraph.Bound, s *Source, since clock.Instant) {
		s.Assignment = d.assignment(b)
		d.bound[b.Engine.Key] = b
		d.shown[b.Engine.Key] = s
		began, live := g.LiveSince(b.ProductID)
		s.Since = liveSince(b.CreatedAt, since, began, restored(u))
		s.State = StatusActive
		if live {
			d.state.Sources = append(d.state.Sources, engine.Source{Assignment: b.Engine, Selected: b.Selected})
			return
		}
		s.State, s.Since = StatusError, liveSince(b.CreatedAt, since, restored(u))
		s.Errors = []*LicenseError{{
			Code: fault.NoSubscription, UserID: u.ID, Product: b.Product, Source: s, Since: g.LastCancelled(b.ProductID),
		}}
		idle = append(idle, s)
	}
	for _, r := range g.Inherit(members) {
		add(r.Bound, &Source{Kind: SourceGroup, Group: g.Group(r.GroupID), Path: r.Path}, r.Since)
	}
	for _, a := range direct {
		b := g.Bind(a)
		b.Engine.Key = a.ProductID
		add(b, &Source{Kind: SourceDirect}, 0)
	}
	slices.SortFunc(d.state.Sources, func(a, b engine.Source) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	d.state.Rows, d.state.Barred = rows, barred(g, u.UsageLocation)
	for _, l := range g.Rules.Derive(d.state) {
		d.licenses = append(d.licenses, d.license(l))
	}
	for _, s := range idle {
		d.addIdle(s)
	}
	slices.SortFunc(d.licenses, func(a, b *EffectiveLicense) int {
		if c := bytes.Compare([]byte(a.Product.DisplayNameKey), []byte(b.Product.DisplayNameKey)); c != 0 {
			return c
		}
		return bytes.Compare(a.Product.ID[:], b.Product.ID[:])
	})
	for _, l := range d.licenses {
		slices.SortFunc(l.Sources, compareSources)
		for _, p := range l.Plans {
			slices.SortFunc(p.EnabledBy, compareSources)
			slices.SortFunc(p.DisabledBy, compareSources)
			slices.SortFunc(p.WithheldBy, compareSources)
		}
	}
	return d
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

func (d *derived) assignment(b *tenantgraph.Bound) *Assignment {
	return AssignmentOf(d.graph, b.Assignment)
}

// AssignmentOf shows an assignment's fact with the catalogue's names.
func AssignmentOf(g *tenantgraph.Graph, a *tenantgraph.Assignment) *Assignment {
	shown := &Assignment{
		ID: a.ID, Product: g.Product(a.ProductID), Selection: Selection{Mode: a.Selection.Mode}, IncludeNested: a.IncludeNested,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, Version: a.Version,
	}
	if a.Direct() {
		shown.UserID = &a.UserID
	} else {
		shown.GroupID = &a.GroupID
	}
	var named engine.PlanSet
	for _, id := range a.Selection.Plans {
		if p := g.Plan(id); p != nil {
			named = named.With(p.Index)
		}
	}
	shown.Selection.Plans = g.PlansIn(named)
	return shown
}

func (d *derived) license(l engine.License) *EffectiveLicense {
	product := d.graph.ProductAt(l.Product)
	e := &EffectiveLicense{Product: product, Capability: CapabilityOf(d.graph, product.ID), ConsumesSeat: l.Held, Status: StatusActive}
	failed := false
	for _, s := range l.Sources {
		shown := d.shown[s.Key]
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
		e.Sources = append(e.Sources, shown)
	}
	if failed {
		e.Status = StatusActiveWithError
	}
	if !l.Held {
		e.Status = StatusError
	}
	e.Since = since(e)
	for _, p := range product.Plans {
		e.Plans = append(e.Plans, d.plan(p, l))
	}
	return e
}

// since is when the user came to hold the product: the earliest of its admitted sources; of a
// license in error, the earliest of all.
func since(e *EffectiveLicense) clock.Instant {
	var first clock.Instant
	for _, s := range e.Sources {
		if (s.State != StatusError) == e.ConsumesSeat && (first == 0 || s.Since < first) {
			first = s.Since
		}
	}
	return first
}

func (d *derived) plan(p *Plan, l engine.License) *EffectivePlan {
	e := &EffectivePlan{Plan: p}
	for _, s := range l.Sources {
		shown := d.shown[s.Key]
		switch {
		case s.On.Has(p.Index):
			e.Enabled = true
			e.EnabledBy = append(e.EnabledBy, shown)
		case s.Selected.Has(p.Index):
			e.WithheldBy = append(e.WithheldBy, shown)
		default:
			e.DisabledBy = append(e.DisabledBy, shown)
		}
	}
	return e
}

// addIdle shows a source of a product without a live subscription.
func (d *derived) addIdle(s *Source) {
	product := s.Assignment.Product
	i := slices.IndexFunc(d.licenses, func(l *EffectiveLicense) bool { return l.Product == product })
	if i < 0 {
		l := &EffectiveLicense{Product: product, Status: StatusError, Capability: CapabilityNone, Since: s.Since}
		for _, p := range product.Plans {
			l.Plans = append(l.Plans, &EffectivePlan{Plan: p})
		}
		i = len(d.licenses)
		d.licenses = append(d.licenses, l)
	}
	l := d.licenses[i]
	l.Sources = append(l.Sources, s)
	l.Since = min(l.Since, s.Since)
	selected := d.selected(s)
	for _, e := range l.Plans {
		if selected.Has(e.Plan.Index) {
			e.WithheldBy = append(e.WithheldBy, s)
		} else {
			e.DisabledBy = append(e.DisabledBy, s)
		}
	}
}

func (d *derived) selected(s *Source) engine.PlanSet {
	for key, shown := range d.shown {
		if shown == s {
			return d.bound[key].Selected
		}
	}
	return nil
}

// err shows a violation. The facts about seats, which other users decide, are left to
// Service.FillSeatDetails.
func (d *derived) err(s *Source, row engine.Row) *LicenseError {
	e := &LicenseError{Code: codes[row.Code], UserID: d.user.ID, Product: s.Assignment.Product, Source: s, Since: clock.Instant(row.Since)}
	if row.Plan != engine.Whole {
		e.Plan = d.graph.PlanAt(row.Plan)
	}
	if row.Code == engine.Count {
		suspended, lockedOut := idleUnits(d.graph, e.Product.ID)
		e.idle = suspended + lockedOut
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
				e.OtherSources = append(e.OtherSources, d.shown[s.Key])
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
		for _, p := range l.Plans {
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
		for _, p := range l.Plans {
			if p.Plan != plan {
				continue
			}
			known = true
			inError = inError || len(p.WithheldBy) > 0
			if l.Capability.Usable() {
				usable = append(usable, p.EnabledBy...)
			} else {
				unusable = append(unusable, p.EnabledBy...)
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
