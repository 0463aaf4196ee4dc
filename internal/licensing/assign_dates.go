package licensing

import (
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// checkDates checks what is wrong with the dates themselves, whoever they are for.
//
// Errors: INVALID_VALUE.
func (w *want) checkDates(now clock.Instant) *fault.Error {
	if end := w.ends.Value; end != nil && *end <= now {
		return fault.New(fault.InvalidValue, "%s is past: the assignment of %s is to end later.", end, w.product.DisplayName).
			Fix("Pass an endsAt to come, or remove the product.").At("endsAt")
	}
	if !w.later(now) {
		return nil
	}
	if w.replaces != nil { // what is replaced goes at once, and nobody would have either until then
		return fault.New(fault.InvalidValue, "%s cannot replace %s from %s on: what is replaced goes at once.",
			w.product.DisplayName, w.replaces.DisplayName, w.starts.Value).
			Fix("Leave replaces out, and give the assignment of %s the same instant as its endsAt: both are then judged as one change.",
				w.replaces.DisplayName).At("replaces")
	}
	if end := w.ends.Value; end != nil && *end <= *w.starts.Value {
		return endsTooEarly(w.product, *end, *w.starts.Value).At("endsAt")
	}
	return nil
}

// later tells whether the input asks for a start to come.
func (w *want) later(now clock.Instant) bool { return w.starts.Value != nil && *w.starts.Value > now }

// date gives an assignment that is there the dates that the input asks for. A start that is not to
// come, or none, lets one that is scheduled begin with the change.
//
// Errors: INVALID_VALUE (a start to come of what is in effect; an end before the start).
func (w *want) date(a *tenantgraph.Assignment, now clock.Instant) *fault.Error {
	if !a.Scheduled && w.later(now) {
		return fault.New(fault.InvalidValue, "The assignment of %s is in effect: it cannot begin on %s.", w.product.DisplayName, w.starts.Value).
			Fix("Leave startsAt out; or remove the product first, and assign it anew with startsAt.").At("startsAt")
	}
	return w.plan(a, now)
}

// plan is date for an assignment that is new, or may have the start that the input asks for.
func (w *want) plan(a *tenantgraph.Assignment, now clock.Instant) *fault.Error {
	switch {
	case w.later(now):
		a.StartsAt, a.Scheduled = w.starts.Value, true
	case w.starts.Set && a.Scheduled:
		a.StartsAt, a.Scheduled, a.BeganAt = nil, false, &now
	}
	if a.EndsAt = w.ends.Or(a.EndsAt); a.EndsAt == nil || !a.Scheduled || *a.EndsAt > *a.StartsAt {
		return nil
	}
	field := "startsAt"
	if w.ends.Set {
		field = "endsAt"
	}
	return endsTooEarly(w.product, *a.EndsAt, *a.StartsAt).At(field)
}

// postpones tells whether the call takes from a principal one thing now and gives it another only
// later: whoever loses the one does not have what is to come (R23).
func (d *Draft) postpones() bool {
	for _, u := range d.users {
		drops, schedules := false, false
		for _, dd := range u.direct {
			drops = drops || dd.after == nil
			schedules = schedules || dd.after != nil && dd.after.Scheduled
		}
		if drops && schedules {
			return true
		}
	}
	drops, schedules := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for key, a := range d.edit.Changes().Assignments {
		switch {
		case a == nil:
			drops[d.Graph.Assignment(key).GroupID] = true
		case a.Scheduled:
			schedules[a.GroupID] = true
		}
	}
	for group := range drops {
		if schedules[group] {
			return true
		}
	}
	return false
}

func endsTooEarly(p *Product, end, start clock.Instant) *fault.Error {
	return fault.New(fault.InvalidValue, "The assignment of %s ends on %s, and starts on %s: it has to end later.", p.DisplayName, end, start).
		Fix("Pass an endsAt after startsAt.")
}

func sameDates(a, b *tenantgraph.Assignment) bool {
	return a.Scheduled == b.Scheduled && sameInstant(a.StartsAt, b.StartsAt) && sameInstant(a.EndsAt, b.EndsAt)
}
