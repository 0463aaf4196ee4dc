package licensing

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// refusalFault says why a judged user's part of a call was refused (R12), with the facts that
// the rule names and the path of the product in the input.
func (b *casebook) refusalFault(v engine.Verdict) *fault.Error {
	g, r, user := b.after, v.Refusal, uuid.UUID(v.Users[0])
	product := g.ProductAt(r.Source.Product)
	var path []any
	if dd := b.d.users[user].direct[product.ID]; dd != nil {
		path = []any{dd.field, dd.at}
	}
	if r.Code == engine.Count {
		d := &SeatDetails{Product: product, Consumed: int(r.Seat.Consumed)}
		if !r.Seat.Unlimited {
			total := int(r.Seat.Total)
			d.Total = &total
		}
		return fault.New(fault.CountViolation, "No seat of %s is free: %d of %d are taken.", product.DisplayName, r.Seat.Consumed, r.Seat.Total).
			Fix("Free a seat by removing the product from somebody, or raise the subscription's seats.").With(d).At(path...)
	}
	d := &ExclusionDetails{
		ExclusionSet: r.Conflict.Set, Product: product, OtherProduct: product,
		Plan: g.PlanAt(r.Conflict.Plan), OtherPlan: g.PlanAt(r.Conflict.Other),
	}
	for i, s := range r.Others {
		if i == 0 {
			d.OtherProduct = g.ProductAt(s.Product)
		}
		d.OtherSources = append(d.OtherSources, b.shownSource(user, s))
	}
	return exclusionFault(d).At(path...)
}

// exclusionFault words a conflict between two plans (R9).
func exclusionFault(d *ExclusionDetails) *fault.Error {
	return fault.New(fault.MutuallyExclusiveViolation, "The plan %s of %s and the plan %s of %s exclude each other (%s).",
		d.Plan.DisplayName, d.Product.DisplayName, d.OtherPlan.DisplayName, d.OtherProduct.DisplayName, d.ExclusionSet).
		Fix("Switch off %s in %s, or %s in %s.", d.Plan.DisplayName, d.Product.DisplayName, d.OtherPlan.DisplayName, d.OtherProduct.DisplayName).
		With(d)
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

// Message says what a license error is, in one sentence.
func (e *LicenseError) Message() string {
	if d, ok := e.Details.(*ExclusionDetails); ok {
		return exclusionFault(d).Message
	}
	switch e.Code {
	case fault.NoSubscription:
		return fmt.Sprintf("The organisation has no live subscription of %s.", e.Product.DisplayName)
	case fault.CountViolation:
		return fmt.Sprintf("No seat of %s is free.", e.Product.DisplayName)
	}
	return fmt.Sprintf("A plan of %s excludes one that the user has.", e.Product.DisplayName)
}

// Remediation says what an administrator can do about it.
func (e *LicenseError) Remediation() string {
	if d, ok := e.Details.(*ExclusionDetails); ok {
		return exclusionFault(d).Remediation
	}
	switch e.Code {
	case fault.NoSubscription:
		return fmt.Sprintf("Create a subscription of %s, or remove the assignment.", e.Product.DisplayName)
	case fault.CountViolation:
		return fmt.Sprintf("Raise the seats of a subscription of %s, or take it from somebody who no longer needs it; waiting users get free seats at once.", e.Product.DisplayName)
	}
	return "Switch off one of the two plans."
}
