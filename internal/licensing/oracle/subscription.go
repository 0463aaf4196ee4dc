package oracle

import "math"

// CreateSubscription buys seats of a product; nil is unlimited.
type CreateSubscription struct {
	Subscription, Product ID
	Seats                 *int
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
	return s.setSubscription(op.Subscription, Subscription{Product: op.Product, Seats: op.Seats}, now)
}

// UpdateSubscription sets the seats of a live subscription; nil is unlimited.
type UpdateSubscription struct {
	Subscription        ID
	Seats               *int
	AllowOverAllocation bool
}

// Apply implements Operation. NOT_FOUND for an unknown subscription;
// INVALID_VALUE for a cancelled one, which is final (R15), and for seats as in
// CreateSubscription; SEATS_BELOW_CONSUMED (R15). The same seats change nothing.
func (op UpdateSubscription) Apply(s *State, now int64) Outcome {
	sub, known := s.Subscriptions[op.Subscription]
	switch {
	case !known:
		return refuse(NotFound)
	case sub.Cancelled || !s.seatsValid(op.Subscription, sub.Product, op.Seats):
		return refuse(InvalidValue)
	case sameSeats(sub.Seats, op.Seats):
		return Outcome{}
	}
	sub.Seats = op.Seats
	if s.wouldDisplace(op.Subscription, sub) && !op.AllowOverAllocation {
		return refuse(SeatsBelowConsumed)
	}
	return s.setSubscription(op.Subscription, sub, now)
}

// CancelSubscription ends a subscription for good. With the last live one of a
// product all its sources end: their rows go and nobody holds it (R16). The
// acknowledgement that this needs is not modelled.
type CancelSubscription struct {
	Subscription        ID
	AllowOverAllocation bool
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
	sub.Cancelled = true
	if s.wouldDisplace(op.Subscription, sub) && !op.AllowOverAllocation {
		return refuse(SeatsBelowConsumed)
	}
	return s.setSubscription(op.Subscription, sub, now)
}

func (s *State) setSubscription(id ID, sub Subscription, now int64) Outcome {
	c := begin(s, now)
	c.after.Subscriptions[id] = sub
	c.settle()
	*s = *c.after
	return Outcome{Changed: true}
}

// wouldDisplace is R15: the total falls, by this change, below what is consumed
// before it. Not lowered, or already below and no lower now, is no refusal. The
// last live subscription of a product is not "one of several".
func (s *State) wouldDisplace(id ID, sub Subscription) bool {
	after := s.Clone()
	after.Subscriptions[id] = sub
	before, wasLimited := s.Total(sub.Product)
	total, limited := after.Total(sub.Product)
	lowered := limited && (!wasLimited || total < before)
	return after.Subscribed(sub.Product) && lowered && total < s.Consumed(sub.Product)
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
