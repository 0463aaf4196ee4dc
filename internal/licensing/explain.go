package licensing

import (
	"slices"

	"github.com/licensegraph/licensegraph/internal/engine"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// PlanExplanation is the proof of a decision: why a user may or may not use a plan.
type PlanExplanation struct {
	User     *principal.User
	Plan     *Plan
	Decision *PlanDecision
	Sources  []*PlanSource // by product name, then as the license has them; automatic ones last

	view *UserView
}

// PlanSource is what one source of the user says about the plan.
type PlanSource struct {
	Source    *Source
	Product   *Product // nil for an automatic source
	Verdict   PlanVerdict
	Suffices  bool            // allowed by this source alone
	Selection *Selection      // nil for an automatic source
	Errors    []*LicenseError // of the whole source, and of this plan
}

// PlanVerdict is what becomes of a plan through one source: the first that holds, in the order of
// the constants.
type PlanVerdict string

// The verdicts.
const (
	VerdictLeftOff        PlanVerdict = "LEFT_OFF"
	VerdictNoSubscription PlanVerdict = "NO_SUBSCRIPTION"
	VerdictInError        PlanVerdict = "IN_ERROR" // the whole source waits
	VerdictWithheld       PlanVerdict = "WITHHELD" // the plan alone
	VerdictNotUsable      PlanVerdict = "NOT_USABLE"
	VerdictEnables        PlanVerdict = "ENABLES"
)

// ExplainPlan proves what DecidePlan decides. It reads nothing.
func (v *UserView) ExplainPlan(plan *Plan) *PlanExplanation {
	x := &PlanExplanation{User: &v.User, Plan: plan, Decision: v.DecidePlan(plan), view: v}
	for _, l := range v.licenses {
		if !l.Product.Set.Has(plan.Index) {
			continue
		}
		for _, p := range l.parts {
			s := &PlanSource{Source: p.Source, Product: l.Product, Verdict: p.verdict(plan, l.Capability), Selection: &p.Assignment.Selection}
			for _, e := range p.Errors {
				if e.Plan == nil || e.Plan == plan {
					s.Errors = append(s.Errors, e)
				}
			}
			s.Suffices = s.Verdict == VerdictEnables && x.Decision.Allowed && v.allowedBy(p.Source, plan)
			x.Sources = append(x.Sources, s)
		}
	}
	for _, a := range v.automatic() {
		if a.Plan != plan {
			continue
		}
		s := &PlanSource{Source: v.automaticSource(a), Verdict: VerdictNotUsable}
		if slices.ContainsFunc(a.Products, func(p *Product) bool { return CapabilityOf(v.graph, p.ID).Usable() }) {
			s.Verdict, s.Suffices = VerdictEnables, true
		}
		x.Sources = append(x.Sources, s)
	}
	return x
}

func (p part) verdict(plan *Plan, c Capability) PlanVerdict {
	switch {
	case !p.selected.Has(plan.Index):
		return VerdictLeftOff
	case slices.ContainsFunc(p.Errors, func(e *LicenseError) bool { return e.Code == fault.NoSubscription }):
		return VerdictNoSubscription
	case p.State == StatusError:
		return VerdictInError
	case !p.on.Has(plan.Index):
		return VerdictWithheld
	case !c.Usable():
		return VerdictNotUsable
	}
	return VerdictEnables
}

// allowedBy tells whether the plan would stay on if every other source of the user ended at once:
// what the plan needs has then to come from this source, too (R10). The source holds its seat.
func (v *UserView) allowedBy(s *Source, plan *Plan) bool {
	i := slices.Index(v.shown, s)
	if i < 0 {
		return false
	}
	alone := &engine.Case{Before: v.state, After: v.state.Sources[i : i+1], Barred: v.state.Barred, Users: []engine.ID{v.User.ID}}
	after, _, err := v.graph.Rules.Try(alone, engine.Seats{v.state.Sources[i].Product: {Unlimited: true}}, nil, 0)
	return err == nil && engine.On(v.graph.Rules.Derive(after)).Has(plan.Index)
}
