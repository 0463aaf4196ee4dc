package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/catalog/vendorcsv"
)

// resolver applies files of rules to the plans of a catalogue.
type resolver struct {
	plans  map[uuid.UUID]*Plan
	report *vendorcsv.Report
}

// resolveRules gives plans the prerequisites, locations and automatic marks of the files that
// there are.
func resolveRules(plans []Plan, files Files, report *vendorcsv.Report) {
	r := &resolver{plans: make(map[uuid.UUID]*Plan, len(plans)), report: report}
	for i := range plans {
		r.plans[plans[i].ID] = &plans[i]
	}
	if files.Dependencies != nil {
		r.dependencies(files.Dependencies)
	}
	if files.Locations != nil {
		r.locations(files.Locations)
	}
	if files.Automatic != nil {
		r.automatic(files.Automatic)
	}
	r.neverOn(files)
}

func (r *resolver) dependencies(d *vendorcsv.Dependencies) {
	for _, p := range r.plans {
		p.Requires = nil
	}
	for _, rule := range d.Rules {
		p := r.subject(d.File, rule.PlanID, rule.Lines)
		if p == nil {
			continue
		}
		known := func(a vendorcsv.Alternative) bool { return r.plans[a.PlanID] != nil }
		if !slices.ContainsFunc(rule.AnyOf, known) {
			r.noAlternative(d.File, rule, labelOfPlan(*p))
			continue
		}
		for _, a := range rule.AnyOf {
			other := r.plans[a.PlanID]
			if other == nil {
				r.add(d.File, a.Line, vendorcsv.KindUnknownPlan, vendorcsv.Repaired,
					fmt.Sprintf("plan %s, which would satisfy %s, is not in the catalogue", a.PlanID, labelOfPlan(*p)), "left out")
				continue
			}
			if other.Retired {
				r.add(d.File, a.Line, vendorcsv.KindRetiredPlan, vendorcsv.Noted,
					fmt.Sprintf("plan %s, which satisfies %s, has left the catalogue", labelOfPlan(*other), labelOfPlan(*p)), keptOn)
			}
			p.Requires = append(p.Requires, a.PlanID)
		}
		p.Requires = sortedIDs(p.Requires)
	}
}

// noAlternative reports the rows of prerequisites of which none is known.
func (r *resolver) noAlternative(file string, rule vendorcsv.Dependency, plan string) {
	const most = 5
	var ids []string
	for _, a := range rule.AnyOf[:min(most, len(rule.AnyOf))] {
		ids = append(ids, a.PlanID.String())
	}
	found := fmt.Sprintf("plan %s needs %s", plan, strings.Join(ids, " or "))
	if more := len(rule.AnyOf) - most; more > 0 {
		found += fmt.Sprintf(" or any of %d more", more)
	}
	for _, line := range rule.Lines {
		r.add(file, line, vendorcsv.KindNoAlternative, vendorcsv.Skipped, found+", and none is in the catalogue", "row skipped")
	}
}

func (r *resolver) locations(l *vendorcsv.Locations) {
	for _, p := range r.plans {
		p.Allowed, p.Prohibited = nil, nil
	}
	for _, rule := range l.Rules {
		if p := r.subject(l.File, rule.PlanID, rule.Lines); p != nil {
			p.Allowed, p.Prohibited = rule.Allowed, rule.Prohibited
		}
	}
}

func (r *resolver) automatic(a *vendorcsv.Automatic) {
	for _, p := range r.plans {
		p.Automatic = false
	}
	for _, marked := range a.Plans {
		if p := r.subject(a.File, marked.PlanID, marked.Lines); p != nil {
			p.Automatic = true
		}
	}
}

const keptOn = "kept for assignments that go on"

// subject finds the plan that a rule is about, or reports that there is none.
func (r *resolver) subject(file string, plan uuid.UUID, lines []int) *Plan {
	p := r.plans[plan]
	switch {
	case p == nil:
		for _, line := range lines {
			r.add(file, line, vendorcsv.KindUnknownPlan, vendorcsv.Skipped, fmt.Sprintf("plan %s is not in the catalogue", plan), "row skipped")
		}
	case p.Retired:
		r.add(file, lines[0], vendorcsv.KindRetiredPlan, vendorcsv.Noted, fmt.Sprintf("plan %s has left the catalogue", labelOfPlan(*p)), keptOn)
	}
	return p
}

// neverOn tells of plans whose prerequisites are all automatic: such plans satisfy nothing (R7).
// It is told of the file that makes it so; where both do, of the prerequisites.
func (r *resolver) neverOn(files Files) {
	tell := func(file string, plan uuid.UUID, line func() int) {
		p := r.plans[plan]
		if p == nil || p.Automatic || len(p.Requires) == 0 {
			return
		}
		var names []string
		for _, id := range p.Requires {
			if !r.plans[id].Automatic {
				return
			}
			names = append(names, labelOfPlan(*r.plans[id]))
		}
		r.add(file, line(), vendorcsv.KindNeverOn, vendorcsv.Noted,
			fmt.Sprintf("plan %s needs %s, and automatic plans satisfy nothing", labelOfPlan(*p), strings.Join(names, " or ")), "it can never be on")
	}
	if d := files.Dependencies; d != nil {
		for _, rule := range d.Rules {
			tell(d.File, rule.PlanID, func() int { return rule.Lines[0] })
		}
		return
	}
	if a := files.Automatic; a != nil {
		lines := map[uuid.UUID]int{}
		for _, marked := range a.Plans {
			lines[marked.PlanID] = marked.Lines[0]
		}
		for _, id := range slices.SortedFunc(maps.Keys(r.plans), compareIDs) {
			tell(a.File, id, func() int {
				line := 0
				for _, other := range r.plans[id].Requires {
					line = max(line, lines[other])
				}
				return line
			})
		}
	}
}

func (r *resolver) add(file string, line int, kind vendorcsv.Kind, outcome vendorcsv.Outcome, found, done string) {
	r.report.Add(vendorcsv.Finding{File: file, Line: line, Kind: kind, Outcome: outcome, Found: found, Done: done})
}
