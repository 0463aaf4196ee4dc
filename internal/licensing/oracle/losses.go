package oracle

import "slices"

// finish makes the state after a settled change the present one, unless it
// takes a product from more users than may lose one unasked (R27). atAll: it
// asks at any number (R15).
func (c *change) finish(s *State, acknowledge *int, atAll bool) Outcome {
	users, neither := c.losses()
	neither = neither || c.postpones()
	threshold := s.LossThreshold
	if neither || atAll {
		threshold = 0
	}
	if users > threshold && (acknowledge == nil || *acknowledge < users) {
		return Outcome{Refusal: Unconfirmed, Losing: users}
	}
	*s = *c.after
	return Outcome{Changed: true}
}

// losses counts the users who no longer hold a product that they held, and hold
// none of what the call brings them: products that it adds, and those of which
// a source begins for them. neither: one of them was to get another product in
// place of a lost one (R23).
func (c *change) losses() (users int, neither bool) {
	for user := range c.before.Users {
		lost, brought, meant, holds := Set{}, Set{}, false, false
		for product := range c.before.Products {
			if c.before.Holds(user, product) && !c.after.Holds(user, product) {
				lost[product] = true
			}
		}
		if len(lost) == 0 {
			continue
		}
		for _, key := range c.after.Sources(user) {
			begins := !slices.Contains(c.before.Sources(user), key)
			if begins || c.adds[key.Product] {
				brought[key.Product] = true
				meant = meant || begins || len(lost) > 1 || !lost[key.Product]
			}
		}
		for _, key := range c.after.Reach(user) { // of groups, without a live subscription: nobody can have it, but it was to come
			if !c.after.Subscribed(key.Product) && key.Principal != user {
				meant = meant || c.adds[key.Product] || !slices.Contains(c.before.Reach(user), key)
			}
		}
		for product := range brought {
			holds = holds || c.after.Holds(user, product)
		}
		if !holds {
			users++
			neither = neither || meant
		}
	}
	return users, neither
}
