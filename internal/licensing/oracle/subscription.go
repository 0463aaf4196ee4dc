package oracle

import "math"

// CreateSubscription buys seats of a product; nil is unlimited.
type CreateSubscription struct {
	Subscription, Product ID
	Seats                 *int
	Status                string // empty: ENABLED; SCHEDULED begins far from now
}

// Apply implements Operation. NOT_FOUND for an unknown product; INVALID_VALUE
// for a known id, negative seats, or a sum beyond 2^31 - 1 (R14). The first live
// subscription of a product makes all its sources newcomers (R16).
func (op CreateSubscription) Apply(s *State, now int64) Outcome {
	if _, known := s.Products[op.Product]; !known {
		return refuse(NotFound)
	}
	if _, known := s.Subscriptions[op.Subscription]; known || !s.seatsValid(op.Subscription, op.Product, op.Seats) {
		return refuse(InvalidValue)
	}
	return s.setSubscription(op.Subscription, Subscription{Product: op.Product, Seats: op.Seats, Status: op.Status}, nil, false, now)
}

// UpdateSubscription sets the seats of a subscription, nil is unlimited, and its
// status, where one is given (R16).
type UpdateSubscription struct {
	Subscription        ID
	Seats               *int
	Status              string
	AllowOverAllocation bool
	Acknowledge         *int
}

// Apply implements Operation. NOT_FOUND for an unknown subscription;
// INVALID_VALUE for a cancelled one, which is final (R15), for seats as in
// CreateSubscription, for what has begun to be SCHEDULED and for what has not
// to be anything but ENABLED; SEATS_BELOW_CONSUMED (R15), of which a change of
// status alone is none: the seats are judged in the new one. What is the same
// changes nothing.
func (op UpdateSubscription) Apply(s *State, now int64) Outcome {
	sub, known := s.Subscriptions[op.Subscription]
	if !known {
		return refuse(NotFound)
	}
	after := sub
	if after.Seats = op.Seats; op.Status != "" {
		after.Status = op.Status
	}
	scheduled, was := after.Status == "SCHEDULED", sub.Status == "SCHEDULED"
	switch {
	case sub.Cancelled:
		return refuse(InvalidValue)
	case op.Status != "" && scheduled && !was, op.Status != "" && was && !scheduled && op.Status != "ENABLED":
		return refuse(InvalidValue)
	case sameSeats(sub.Seats, op.Seats) && after.status() == sub.status():
		return Outcome{}
	case !s.seatsValid(op.Subscription, sub.Product, op.Seats):
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
	return c.finish(s, acknowledge, atAll)
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

func sameSeats(a, b *int) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
