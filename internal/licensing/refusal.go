package licensing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/locale"
)

// refusalFault says why a judged user's part of a call was refused (R12), with the facts that
// the rule names and the path of the product in the input.
func (b *casebook) refusalFault(v engine.Verdict) *fault.Error {
	g, r, user := b.after, v.Refusal, uuid.UUID(v.Users[0])
	product := g.ProductAt(r.Source.Product)
	var path []any
	if dd := b.d.users[user].direct[product.ID]; dd != nil {
		path = b.d.path(dd)
	}
	switch r.Reason.Code {
	case engine.Count:
		d := &SeatDetails{Product: product, Consumed: int(r.Seat.Consumed)}
		d.Suspended, d.LockedOut = idleUnits(g, product.ID)
		if !r.Seat.Unlimited {
			total := int(r.Seat.Total)
			d.Total, d.Reserved = &total, reserved(r.Seat.Total-r.Seat.Consumed, r.Seat.Kept)
		}
		return countFault(d).At(path...)
	case engine.Prohibited:
		return locationFault(locationDetails(g, b.located[user], r.Reason), product).At(path...)
	case engine.Dependency:
		d := dependencyDetails(g, r.Reason, product)
		if r.Lost.Empty() {
			return dependencyFault(d).At(path...)
		}
		return dependentFault(d, g.PlansIn(r.Lost)[0]).At(b.tookAway(user, r.Lost)...)
	}
	d := &ExclusionDetails{
		ExclusionSet: r.Reason.Set, Product: product, OtherProduct: product,
		Plan: g.PlanAt(r.Reason.Plan), OtherPlan: g.PlanAt(r.Reason.Other),
	}
	for i, s := range r.Others {
		if i == 0 {
			d.OtherProduct = g.ProductAt(s.Product)
		}
		d.OtherSources = append(d.OtherSources, b.shownSource(user, s))
	}
	return exclusionFault(d).At(path...)
}

// tookAway returns the place in the input of what takes plans from a user: the first removal,
// else the first edit.
func (b *casebook) tookAway(user uuid.UUID, plans engine.PlanSet) []any {
	var first *directDraft
	for _, dd := range b.d.users[user].direct {
		if dd.before == nil {
			continue
		}
		p := b.after.Product(dd.before.ProductID)
		lost := dd.before.Selection.Of(b.after.Catalog, p)
		if dd.after != nil {
			lost = lost.Minus(dd.after.Selection.Of(b.after.Catalog, p))
		}
		if lost.Overlaps(plans) && (first == nil || dd.toldBefore(first)) {
			first = dd
		}
	}
	if first == nil {
		return nil
	}
	return b.d.path(first)
}

// toldBefore orders places in the input: removals first, then by place.
func (dd *directDraft) toldBefore(o *directDraft) bool {
	return cmp.Or(strings.Compare(o.field, dd.field), cmp.Compare(dd.part, o.part), cmp.Compare(dd.at, o.at)) < 0
}

// path is the place of a user's own assignment in the input.
func (d *Draft) path(dd *directDraft) []any {
	path := []any{dd.field}
	if dd.at >= 0 { // else it is not in a list that is to be the whole
		path = append(path, dd.at)
	}
	return slices.Concat(d.parts[dd.part], path)
}

// countFault words a want of seats (R8, R16).
func countFault(d *SeatDetails) *fault.Error {
	name := d.Product.DisplayName
	fix := func(e *fault.Error) *fault.Error {
		return e.Fix("Raise the seats of a subscription of %s, or take it from somebody who no longer needs it; waiting users get free seats at once.", name).With(d)
	}
	switch idle := d.Suspended + d.LockedOut; {
	case d.Reserved > 0:
		return fault.New(fault.CountViolation, "No seat of %s is free for the user: %d of %d are taken, and %d are kept for members of groups.", name, d.Consumed, *d.Total, d.Reserved).
			Fix("Raise the seats of a subscription of %s, or lower the seatReserve of a group's assignment; waiting users get free seats at once.", name).With(d)
	case idle > 0:
		return fault.New(fault.CountViolation, "No seat of %s is free: %d seats are suspended or locked out.", name, idle).
			Fix("Renew or resume the subscription of %s, or buy seats in another one.", name).With(d)
	case d.Total != nil:
		return fix(fault.New(fault.CountViolation, "No seat of %s is free: %d of %d are taken.", name, d.Consumed, *d.Total))
	}
	return fix(fault.New(fault.CountViolation, "No seat of %s is free.", name))
}

// groupLimitFault words a want of places through a group (R8).
func groupLimitFault(e *LicenseError) *fault.Error {
	name := e.Product.DisplayName
	return fault.New(fault.GroupSeatLimit, "At most %d users may have %s through %s, and no place is free.", e.limit, name, e.Source.Group.DisplayName).
		Fix("Raise the seatLimit of the assignment of %s to %s, take it from somebody, or assign %s in another way; waiting users get free places at once.",
			name, e.Source.Group.DisplayName, name)
}

// exclusionFault words a conflict between two plans (R9).
func exclusionFault(d *ExclusionDetails) *fault.Error {
	return fault.New(fault.MutuallyExclusiveViolation, "The plan %s of %s and the plan %s of %s exclude each other (%s).",
		d.Plan.DisplayName, d.Product.DisplayName, d.OtherPlan.DisplayName, d.OtherProduct.DisplayName, d.ExclusionSet).
		Fix("Switch off %s in %s, or %s in %s.", d.Plan.DisplayName, d.Product.DisplayName, d.OtherPlan.DisplayName, d.OtherProduct.DisplayName).
		With(d)
}

func dependencyDetails(g *tenantgraph.Graph, r engine.Reason, product *Product) *DependencyDetails {
	return &DependencyDetails{Plan: g.PlanAt(r.Plan), Product: product, RequiresAnyOf: g.PlansIn(g.Rules.Requires[r.Plan])}
}

// dependencyFault words the want of a prerequisite (R10).
func dependencyFault(d *DependencyDetails) *fault.Error {
	if len(d.RequiresAnyOf) == 1 {
		return fault.New(fault.DependencyViolation, "The plan %s of %s needs the plan %s, which is not on for the user.",
			d.Plan.DisplayName, d.Product.DisplayName, d.RequiresAnyOf[0].DisplayName).
			Fix("Assign a product with %s, or switch off %s in %s.", d.RequiresAnyOf[0].DisplayName, d.Plan.DisplayName, d.Product.DisplayName).With(d)
	}
	return fault.New(fault.DependencyViolation, "The plan %s of %s needs one of these plans, and none is on for the user: %s.",
		d.Plan.DisplayName, d.Product.DisplayName, planNames(d.RequiresAnyOf)).
		Fix("Assign a product with one of them, or switch off %s in %s.", d.Plan.DisplayName, d.Product.DisplayName).With(d)
}

// dependentFault words a removal that would leave a plan without what it needs (R10).
func dependentFault(d *DependencyDetails, base *Plan) *fault.Error {
	return fault.New(fault.DependencyViolation, "Without the plan %s the plan %s of %s would go off, which needs it.",
		base.DisplayName, d.Plan.DisplayName, d.Product.DisplayName).
		Fix("In the same call, switch off %s in %s or remove %s, or bring %s by another product.",
			d.Plan.DisplayName, d.Product.DisplayName, d.Product.DisplayName, base.DisplayName).With(d)
}

func planNames(plans []*Plan) string {
	names := make([]string, len(plans))
	for i, p := range plans {
		names[i] = p.DisplayName
	}
	return strings.Join(names, ", ")
}

// locationDetails tells which country was judged: the user's, else the tenant's (R11).
func locationDetails(g *tenantgraph.Graph, location *string, r engine.Reason) *LocationDetails {
	d := &LocationDetails{Plan: g.PlanAt(r.Plan), Country: g.Country, Origin: LocationOfTenant}
	if location != nil {
		d.Country, d.Origin = *location, LocationOfUser
	}
	return d
}

// locationFault words a plan that may not be used where the user is (R11).
func locationFault(d *LocationDetails, product *Product) *fault.Error {
	if d.Origin == LocationOfTenant {
		return fault.New(fault.LocationViolation, "The plan %s of %s may not be used in %s, the organisation's country, where a user without a usage location is taken to be.",
			d.Plan.DisplayName, product.DisplayName, d.Country).
			Fix("Set the user's usageLocation, or switch off %s in %s.", d.Plan.DisplayName, product.DisplayName).With(d)
	}
	return fault.New(fault.LocationViolation, "The plan %s of %s may not be used in %s, the user's usage location.",
		d.Plan.DisplayName, product.DisplayName, d.Country).
		Fix("Correct the user's usageLocation, or switch off %s in %s.", d.Plan.DisplayName, product.DisplayName).With(d)
}

// shownSource shows a source of a refused change: what it stands on. The path is that of its
// group alone, because the refused user's memberships are not at hand.
func (b *casebook) shownSource(user uuid.UUID, s engine.Source) *Source {
	began, _ := b.after.LiveSince(b.after.ProductAt(s.Product).ID)
	shown := &Source{Kind: SourceDirect, State: StatusActive, Since: max(began, clock.Instant(s.Created))}
	if !s.Direct {
		bound := b.after.Assignment(s.Key)
		shown.Kind, shown.Assignment, shown.Group = SourceGroup, AssignmentOf(b.after, bound.Assignment), b.after.Group(bound.GroupID)
		shown.Path = append(shown.Path, shown.Group)
		return shown
	}
	for _, a := range b.direct[user] {
		if a.ProductID == s.Key && a.CreatedAt < b.d.Now { // one that the refused call would create reads as null
			shown.Assignment = AssignmentOf(b.after, a)
		}
	}
	return shown
}

// Explain words a license error: what is wrong, and what an administrator can do about it.
func (e *LicenseError) Explain() *fault.Error {
	switch d := e.Details.(type) {
	case *ExclusionDetails:
		return exclusionFault(d)
	case *DependencyDetails:
		return dependencyFault(d)
	case *LocationDetails:
		return locationFault(d, e.Product)
	case *SeatDetails:
		return countFault(d)
	}
	if e.Code == fault.GroupSeatLimit {
		return groupLimitFault(e)
	}
	if e.Code == fault.CountViolation {
		return countFault(&SeatDetails{Product: e.Product, Suspended: e.idle})
	}
	return noSubscription(e.Product).Fix("Create a subscription of %s, or remove the assignment.", e.Product.DisplayName)
}

// Message says what a license error is, in one sentence.
func (e *LicenseError) Message() locale.Text {
	message, _ := e.Explain().Texts()
	return message
}

// Remediation says what an administrator can do about it.
func (e *LicenseError) Remediation() locale.Text {
	_, remediation := e.Explain().Texts()
	return remediation
}
