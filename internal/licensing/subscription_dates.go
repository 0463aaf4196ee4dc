package licensing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
)

// transition is what the clock does next to a subscription (R16): to, at an instant. The dates
// and the tenant's terms decide; ok is false where nothing comes by itself.
func transition(s *tenantgraph.Subscription, t tenantgraph.Terms) (to SubscriptionStatus, at clock.Instant, ok bool) {
	if SubscriptionStatus(s.Status) == SubscriptionScheduled {
		return SubscriptionEnabled, s.StartsAt, true
	}
	if s.EndsAt == nil {
		return "", 0, false
	}
	switch SubscriptionStatus(s.Status) {
	case SubscriptionEnabled:
		return SubscriptionWarning, *s.EndsAt, true
	case SubscriptionWarning:
		return SubscriptionSuspended, s.EndsAt.Add(t.Grace), true
	case SubscriptionSuspended:
		return SubscriptionLockedOut, s.EndsAt.Add(t.Grace).Add(t.Suspension), true
	}
	return "", 0, false // what is locked out stays so until it is cancelled
}

// begin makes the subscription that the input asks for, without an id.
func (in *CreateSubscriptionInput) begin(d *Draft) (*tenantgraph.Subscription, *fault.Error) {
	sub := &tenantgraph.Subscription{
		ProductID: in.Product, Seats: in.Seats, Status: string(in.Status), StartsAt: d.Now, LiveSince: &d.Now,
		RenewsAt: in.RenewsAt, EndsAt: in.EndsAt, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1,
	}
	later := in.StartsAt != nil && *in.StartsAt > d.Now
	if in.StartsAt != nil {
		sub.StartsAt = *in.StartsAt
	}
	switch in.Status {
	case "", SubscriptionEnabled:
		sub.Status = string(SubscriptionEnabled)
		if later {
			sub.Status, sub.LiveSince = string(SubscriptionScheduled), nil
		}
	case SubscriptionScheduled:
		if in.StartsAt == nil {
			return nil, fault.New(fault.Required, "A scheduled subscription needs the date on which it starts.").
				Fix("Pass startsAt, or leave status out for one that starts now.").At("startsAt")
		}
		if !later {
			return nil, fault.New(fault.InvalidValue, "%s is past: a scheduled subscription starts later.", in.StartsAt).
				Fix("Pass a startsAt to come, or leave status out.").At("startsAt")
		}
		sub.LiveSince = nil
	case SubscriptionWarning, SubscriptionSuspended, SubscriptionLockedOut:
		if later {
			return nil, fault.New(fault.InvalidValue, "A subscription that starts on %s cannot be %s already.", in.StartsAt, in.Status).
				Fix("Leave status out: it is SCHEDULED until then.").At("status")
		}
	case SubscriptionCancelled:
		return nil, fault.New(fault.InvalidValue, "A subscription cannot begin as CANCELLED.").
			Fix("Create none, or cancel it with cancelSubscription afterwards.").At("status")
	default:
		return nil, unknownStatus(in.Status)
	}
	if refusal := checkEnd(sub); refusal != nil {
		return nil, refusal
	}
	if refusal := lasting(sub, d); refusal != nil {
		return nil, refusal
	}
	return sub, nil
}

// apply returns the subscription as the input makes it; nil where nothing changes.
func (in *UpdateSubscriptionInput) apply(d *Draft, before *tenantgraph.Subscription) (*tenantgraph.Subscription, *fault.Error) {
	after := *before
	after.Seats, after.RenewsAt, after.EndsAt = in.Seats.Or(before.Seats), in.RenewsAt.Or(before.RenewsAt), in.EndsAt.Or(before.EndsAt)
	if refusal := in.move(d, before, &after); refusal != nil {
		return nil, refusal
	}
	if sameInt(before.Seats, after.Seats) && before.Status == after.Status &&
		sameInstant(before.RenewsAt, after.RenewsAt) && sameInstant(before.EndsAt, after.EndsAt) {
		return nil, nil //nolint:nilnil // nothing changes
	}
	if before.CancelledAt != nil {
		return nil, fault.New(fault.InvalidValue, "The subscription is cancelled, which is final.").
			Fix("Create another one with createSubscription.").At("id")
	}
	if refusal := checkEnd(&after); refusal != nil {
		return nil, refusal
	}
	if in.Status != "" && (before.Status != after.Status || !sameInstant(before.EndsAt, after.EndsAt)) {
		if refusal := lasting(&after, d); refusal != nil {
			return nil, refusal
		}
	}
	return &after, nil
}

// move sets where the subscription stands after the update.
func (in *UpdateSubscriptionInput) move(d *Draft, before, after *tenantgraph.Subscription) *fault.Error {
	was := SubscriptionStatus(before.Status)
	switch in.Status {
	case "":
		if renewed(before, after, d.Now) {
			after.Status = string(SubscriptionEnabled)
		}
	case SubscriptionCancelled:
		return fault.New(fault.InvalidValue, "An update cannot cancel a subscription.").Fix("Use cancelSubscription.").At("status")
	case SubscriptionScheduled:
		if was != SubscriptionScheduled {
			return fault.New(fault.InvalidValue, "A subscription that has begun cannot be SCHEDULED again.").
				Fix("Suspend it, or cancel it and create one that starts later.").At("status")
		}
	case SubscriptionEnabled, SubscriptionWarning, SubscriptionSuspended, SubscriptionLockedOut:
		if was == SubscriptionScheduled && in.Status != SubscriptionEnabled {
			return fault.New(fault.InvalidValue, "A subscription that has not begun cannot be %s.", in.Status).
				Fix("Pass ENABLED to let it begin now, or cancel it with cancelSubscription.").At("status")
		}
		if was == SubscriptionScheduled {
			after.StartsAt, after.LiveSince = d.Now, &d.Now
		}
		after.Status = string(in.Status)
	default:
		return unknownStatus(in.Status)
	}
	return nil
}

// renewed tells whether new dates take a subscription back that had expired by its date. One
// that was suspended before that, by hand, is not resumed by them.
func renewed(before, after *tenantgraph.Subscription, now clock.Instant) bool {
	expired := []SubscriptionStatus{SubscriptionWarning, SubscriptionSuspended, SubscriptionLockedOut}
	return slices.Contains(expired, SubscriptionStatus(before.Status)) && before.EndsAt != nil && *before.EndsAt <= now &&
		(after.EndsAt == nil || *after.EndsAt > now)
}

func checkEnd(s *tenantgraph.Subscription) *fault.Error {
	if s.EndsAt == nil || *s.EndsAt > s.StartsAt {
		return nil
	}
	return fault.New(fault.InvalidValue, "It would end on %s, which is not after %s, when it starts.", s.EndsAt, s.StartsAt).
		Fix("Pass an endsAt after startsAt, or null for one without an end.").At("endsAt")
}

// lasting refuses a status that the dates would change at once.
func lasting(s *tenantgraph.Subscription, d *Draft) *fault.Error {
	to, at, comes := transition(s, d.Graph.Terms)
	if !comes || at > d.Now || SubscriptionStatus(s.Status) == SubscriptionScheduled {
		return nil
	}
	return fault.New(fault.InvalidValue, "It would not stay %s: by its endsAt, %s, it is %s since %s.", s.Status, s.EndsAt, to, at).
		Fix("Pass an endsAt to come, null for one without an end, or the status that it has by now.").At("status")
}

func unknownStatus(s SubscriptionStatus) *fault.Error {
	return fault.New(fault.InvalidValue, "%s is no status of a subscription.", fault.Quote(string(s))).At("status")
}

func sameInstant(a, b *clock.Instant) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// recordSubscription records what differs for the audit event; before is nil for a new one.
func recordSubscription(d *Draft, before, after *tenantgraph.Subscription) {
	was := map[string]*string{}
	if before != nil {
		was = subscriptionFields(before)
	}
	is := subscriptionFields(after)
	for _, name := range []string{"seats", "status", "startsAt", "renewsAt", "endsAt"} {
		if !sameText(was[name], is[name]) {
			d.FieldOf(id.Subscription, after.ID, name, was[name], is[name])
		}
	}
}

func subscriptionFields(s *tenantgraph.Subscription) map[string]*string {
	date := func(at *clock.Instant) *string {
		if at == nil {
			return nil
		}
		text := at.String()
		return &text
	}
	return map[string]*string{
		"seats": seatField(s.Seats), "status": &s.Status, "startsAt": date(&s.StartsAt), "renewsAt": date(s.RenewsAt), "endsAt": date(s.EndsAt),
	}
}

func purchaseText(p *Product, s *tenantgraph.Subscription) string {
	text := fmt.Sprintf("%s of %s", seatText(s.Seats), p.DisplayName)
	switch SubscriptionStatus(s.Status) {
	case SubscriptionScheduled:
		return text + ", from " + s.StartsAt.String() + " on"
	case SubscriptionEnabled:
		return text
	}
	return text + ", " + s.Status
}

// updateText says in one sentence what an update does.
func updateText(p *Product, before, after *tenantgraph.Subscription) string {
	text := fmt.Sprintf("%s of %s", seatText(after.Seats), p.DisplayName)
	var parts []string
	if !sameInt(before.Seats, after.Seats) {
		parts = append(parts, "was "+seatText(before.Seats))
	}
	if before.Status != after.Status {
		parts = append(parts, after.Status+" after "+before.Status)
	}
	for _, date := range []struct {
		name          string
		before, after *clock.Instant
	}{{"renews", before.RenewsAt, after.RenewsAt}, {"ends", before.EndsAt, after.EndsAt}} {
		switch {
		case sameInstant(date.before, date.after):
		case date.after == nil:
			parts = append(parts, "no date on which it "+date.name)
		default:
			parts = append(parts, date.name+" on "+date.after.String())
		}
	}
	return text + ", " + strings.Join(parts, ", ")
}
