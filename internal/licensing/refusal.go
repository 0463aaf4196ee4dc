package licensing

import (
	"fmt"

	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// refusalFault says why a judged user's part of a call was refused (R12), with the facts that
// the rule names.
func refusalFault(g *tenantgraph.Graph, v engine.Verdict) *fault.Error {
	r := v.Refusal
	product := g.ProductAt(r.Source.Product)
	if r.Code == engine.Count {
		d := &SeatDetails{Product: product, Consumed: int(r.Seat.Consumed)}
		if !r.Seat.Unlimited {
			total := int(r.Seat.Total)
			d.Total = &total
		}
		return fault.New(fault.CountViolation, "No seat of %s is free: %d of %d are taken.", product.DisplayName, r.Seat.Consumed, r.Seat.Total).
			Fix("Free a seat by removing the product from somebody, or raise the subscription's seats.").With(d)
	}
	// The plans on when it was judged include what the call itself had admitted before; the
	// sources shown are those that bring the other plan with the call applied.
	d := &ExclusionDetails{
		ExclusionSet: r.Conflict.Set, Product: product,
		Plan: g.PlanAt(r.Conflict.Plan), OtherPlan: g.PlanAt(r.Conflict.Other),
	}
	for _, s := range v.Case.After {
		if s.Selected.Has(r.Conflict.Other) && s.Key != r.Source.Key {
			if d.OtherProduct == nil {
				d.OtherProduct = g.ProductAt(s.Product)
			}
			d.OtherSources = append(d.OtherSources, refusalSource(g, s))
		}
	}
	if d.OtherProduct == nil {
		d.OtherProduct = product
	}
	return exclusionFault(d)
}

// exclusionFault words a conflict between two plans (R9).
func exclusionFault(d *ExclusionDetails) *fault.Error {
	return fault.New(fault.MutuallyExclusiveViolation, "The plan %s of %s and the plan %s of %s exclude each other (%s).",
		d.Plan.DisplayName, d.Product.DisplayName, d.OtherPlan.DisplayName, d.OtherProduct.DisplayName, d.ExclusionSet).
		Fix("Switch off %s in %s, or %s in %s.", d.Plan.DisplayName, d.Product.DisplayName, d.OtherPlan.DisplayName, d.OtherProduct.DisplayName).
		With(d)
}

// refusalSource shows a source of a refused change: what it stands on, without a path.
func refusalSource(g *tenantgraph.Graph, s engine.Source) *Source {
	shown := &Source{Kind: SourceDirect, State: StatusActive, Since: 0}
	if !s.Direct {
		shown.Kind = SourceGroup
		if b := g.Assignment(s.Key); b != nil {
			shown.Assignment = AssignmentOf(g, b.Assignment)
			shown.Group = g.Group(b.GroupID)
			shown.Path = append(shown.Path, shown.Group)
		}
	}
	return shown
}

// Message says what a license error is, in one sentence.
func (e *LicenseError) Message() string {
	switch d := e.Details.(type) {
	case *ExclusionDetails:
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
	switch d := e.Details.(type) {
	case *ExclusionDetails:
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
