package oracle

import "math"

// CreateSubscription buys seats of a product; nil is unlimited. Dates count from
// the instant of the call; one before it is past.
type CreateSubscription struct {
	Subscription, Product ID
	Seats                 *int
	Status                string // empty: ENABLED
	StartsIn, EndsIn      *int64 // nil: it starts now, and does not end
}

// Apply implements Operation. NOT_FOUND for an unknown product, PRODUCT_RETIRED
// (R22); REQUIRED for one that is SCHEDULED without a start; INVALID_VALUE for a
// known id, negative seats, or a sum beyond 2^31 - 1 (R14), for dates in the
// wrong order, and for a status that the dates deny or would change at once. One
// to be ENABLED that starts later is SCHEDULED until then. The first live
// subscription of a product makes all its sources newcomers (R16).
func (op CreateSubscription) Apply(s *State, now int64) Outcome {
	if _, known := s.Products[op.Product]; !known {
		return refuse(NotFound)
	}
	if s.Retired[op.Product] {
		return refuse(ProductRetired)
	}
	if op.Status == "SCHEDULED" && op.StartsIn == nil {
		return refuse(Required)
	}
	sub := Subscription{Product: op.Product, Seats: op.Seats, Status: op.Status, StartsAt: now, EndsAt: later(op.EndsIn, now)}
	if op.StartsIn != nil {
		sub.StartsAt = now + *op.StartsIn
	}
	if sub.status() == "ENABLED" && sub.StartsAt > now {
		sub.Status = "SCHEDULED"
	}
	_, known := s.Subscriptions[op.Subscription]
	switch scheduled := sub.Status == "SCHEDULED"; {
	case known, !s.seatsValid(op.Subscription, op.Product, op.Seats), sub.endsTooSoon(), scheduled != (sub.StartsAt > now),
		!scheduled && s.wouldMoveOn(sub, now):
		return refuse(InvalidValue)
	}
	return s.setSubscription(op.Subscription, sub, nil, false, now)
}

// later returns the instant that lies in so far from now; nil for none.
func later(in *int64, now int64) *int64 {
	if in == nil {
		return nil
	}
	at := now + *in
	return &at
}

func (x Subscription) endsTooSoon() bool { return x.EndsAt != nil && *x.EndsAt <= x.StartsAt }

// wouldMoveOn reports whether the dates would change the status at once.
func (s *State) wouldMoveOn(sub Subscription, now int64) bool {
	_, at, comes := sub.next(s.Terms)
	return comes && at <= now
}

// UpdateSubscription sets the seats of a subscription, nil is unlimited, its
// status, where one is given, and its end (R16).
type UpdateSubscription struct {
	Subscription        ID
	Seats               *int
	Status              string
	EndsIn              *int64 // from the instant of the call; nil keeps
	Endless             bool   // it does not end any more
	AllowOverAllocation bool
	Acknowledge         *int
}

// Apply implements Operation. NOT_FOUND for an unknown subscription;
// INVALID_VALUE for a cancelled one, which is final (R15), for seats as in
// CreateSubscription, for what has begun to be SCHEDULED and for what has not
// to be anything but ENABLED, for an end before the start and for a status that
// the dates would change at once; SEATS_BELOW_CONSUMED (R15), of which a change
// of status alone is none: the seats are judged in the new one. Another end
// renews what had expired by the old one, unless the call gives a status. What
// is the same changes nothing.
func (op UpdateSubscription) Apply(s *State, now int64) Outcome {
	sub, known := s.Subscriptions[op.Subscription]
	if !known {
		return refuse(NotFound)
	}
	after := sub
	after.Seats = op.Seats
	if op.EndsIn != nil || op.Endless {
		after.EndsAt = later(op.EndsIn, now)
	}
	expired := sub.EndsAt != nil && *sub.EndsAt <= now && sub.Live() && sub.status() != "ENABLED"
	scheduled := sub.Status == "SCHEDULED"
	switch {
	case op.Status == "" && expired && (after.EndsAt == nil || *after.EndsAt > now):
		after.Status = "ENABLED"
	case op.Status == "CANCELLED", op.Status == "SCHEDULED" && !scheduled, scheduled && op.Status != "" && op.Status != "SCHEDULED" && op.Status != "ENABLED":
		return refuse(InvalidValue)
	case op.Status == "ENABLED" && scheduled:
		after.Status, after.StartsAt = "ENABLED", now
	case op.Status != "":
		after.Status = op.Status
	}
	sameEnd := sameNumber(sub.EndsAt, after.EndsAt)
	sameStatus := after.status() == sub.status()
	switch {
	case sameNumber(sub.Seats, op.Seats) && sameStatus && sameEnd:
		return Outcome{}
	case sub.Cancelled, !s.seatsValid(op.Subscription, sub.Product, op.Seats), after.endsTooSoon(),
		op.Status != "" && after.Status != "SCHEDULED" && !(sameStatus && sameEnd) && s.wouldMoveOn(after, now):
		return refuse(InvalidValue)
	}
	moved := s.Clone()
	sub.Status = after.Status
	moved.Subscriptions[op.Subscription] = sub
	if moved.lowered(op.Subscription, after) && s.short(op.Subscription, after) && !op.AllowOverAllocation {
		return refuse(SeatsBelowConsumed)
	}
	return s.setSubscription(op.Subscription, after, op.Acknowledge, false, now)
}

func (x Subscription) status() string {
	switch {
	case x.Cancelled:
		return "CANCELLED"
	case x.Status == "":
		return "ENABLED"
	}
	return x.Status
}

// CancelSubscription ends a subscription for good. With the last live one of a
// product all its sources end: their rows go and nobody holds it (R16), which
// has to be acknowledged while anybody does (R15).
type CancelSubscription struct {
	Subscription        ID
	AllowOverAllocation bool
	Acknowledge         *int
}

// Apply implements Operation. NOT_FOUND for an unknown subscription;
// SEATS_BELOW_CONSUMED for one of several (R15). Cancelling once more changes
// nothing.
func (op CancelSubscription) Apply(s *State, now int64) Outcome {
	sub, known := s.Subscriptions[op.Subscription]
	switch {
	case !known:
		return refuse(NotFound)
	case sub.Cancelled:
		return Outcome{}
	}
	wasLive := sub.Live()
	sub.Cancelled = true
	last := s.Clone()
	last.Subscriptions[op.Subscription] = sub
	ends := wasLive && !last.Subscribed(sub.Product)
	if !ends && s.lowered(op.Subscription, sub) && s.short(op.Subscription, sub) && !op.AllowOverAllocation {
		return refuse(SeatsBelowConsumed)
	}
	return s.setSubscription(op.Subscription, sub, op.Acknowledge, ends, now)
}

func (s *State) setSubscription(id ID, sub Subscription, acknowledge *int, atAll bool, now int64) Outcome {
	c := begin(s, now)
	c.after.Subscriptions[id] = sub
	c.settle()
	return c.finish(s, Outcome{Changed: true}, acknowledge, atAll)
}

// lowered and short are R15: the total falls by this change, and is then below
// what is consumed before it.
func (s *State) lowered(id ID, sub Subscription) bool {
	after := s.Clone()
	after.Subscriptions[id] = sub
	before, wasLimited := s.Total(sub.Product)
	total, limited := after.Total(sub.Product)
	return limited && (!wasLimited || total < before)
}

func (s *State) short(id ID, sub Subscription) bool {
	after := s.Clone()
	after.Subscriptions[id] = sub
	total, limited := after.Total(sub.Product)
	return limited && total < s.Consumed(sub.Product)
}

func (s *State) seatsValid(id, product ID, seats *int) bool {
	if seats == nil {
		return true
	}
	sum := *seats
	for other, sub := range s.Subscriptions {
		if other != id && sub.Product == product && !sub.Cancelled && sub.Seats != nil {
			sum += *sub.Seats
		}
	}
	return *seats >= 0 && *seats <= math.MaxInt32 && sum <= math.MaxInt32
}

func sameNumber[N int | int64](a, b *N) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
