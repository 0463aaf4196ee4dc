// Package worlds draws small tenants and random operations on them for property
// tests: few users, products that share plans, exclusion sets, scarce seats and
// groups that nest in diamonds, so that most operations meet each other.
package worlds

import (
	"encoding/binary"
	"slices"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// World draws the operations of one tenant. Ids are drawn so that their order
// is independent of the order of creation.
type World struct {
	Now   int64 // the instant before that of the next operation: dates are drawn around it
	plans []oracle.ID
	made  uint32
}

// Start draws a tenant's first operations: a catalogue, users, groups in groups
// and subscriptions.
func (w *World) Start(t *rapid.T) []oracle.Operation {
	for range 7 {
		w.plans = append(w.plans, w.id(t))
	}
	products := map[oracle.ID]oracle.Set{}
	for range 3 + below(t, "products", 2) {
		products[w.id(t)] = oracle.SetOf(w.some(t, "plans of product", w.plans, 0, 4)...)
	}
	first := oracle.ChangeCatalogue{Products: products, Exclusions: w.exclusions(t, products)}
	w.rules(t, &first)
	ops := []oracle.Operation{first}
	var members []oracle.ID
	for range 3 + below(t, "users", 4) {
		user := w.id(t)
		members = append(members, user)
		ops = append(ops, oracle.CreateUser{User: user, Location: w.location(t)})
	}
	for range 1 + below(t, "groups", 4) {
		group := w.id(t)
		ops = append(ops, oracle.CreateGroup{Group: group, Members: w.some(t, "members", members, 0, 4)})
		members = append(members, group)
	}
	for _, product := range sorted(products) {
		ops = append(ops, oracle.CreateSubscription{Subscription: w.id(t), Product: product, Seats: w.seats(t)})
	}
	return append(ops, oracle.UpdateTenant{Country: countries[0], LossThreshold: w.threshold(t)})
}

// Next draws an operation on what the state holds. Some are refused, none is
// malformed.
func (w *World) Next(t *rapid.T, s *oracle.State) oracle.Operation {
	kinds := slices.Concat(
		slices.Repeat([]draw{w.assign}, 16),
		slices.Repeat([]draw{w.changeMembers}, 8),
		slices.Repeat([]draw{w.updateSubscription, w.changeCatalogue}, 4),
		slices.Repeat([]draw{due}, 3),
		slices.Repeat([]draw{w.restoreUser, w.moveUser, w.takeBase}, 2),
		[]draw{w.updateTenant, w.deleteUser, w.createUser, w.createGroup, w.deleteGroup, w.createSubscription, w.cancelSubscription},
	)
	if op := kinds[below(t, "kind", len(kinds))](t, s); op != nil {
		return op
	}
	return w.assign(t, s)
}

// draw draws an operation of one kind, or nil where the state holds nothing to
// work on.
type draw = func(*rapid.T, *oracle.State) oracle.Operation

func (w *World) assign(t *rapid.T, s *oracle.State) oracle.Operation {
	principals := w.some(t, "principals", slices.Concat(s.LiveUsers(), s.Groups.Sorted()), 1, 4)
	op := oracle.Assign{Principals: principals, Atomic: below(t, "atomic", 5) == 0, Acknowledge: w.acknowledge(t)}
	if below(t, "replace", 8) == 0 {
		op.Replace, op.Add = true, []oracle.Add{}
	}
	for _, product := range w.some(t, "products", s.ProductIDs(), 1, 3) {
		if below(t, "remove", 4) == 0 && !op.Replace {
			op.Remove = append(op.Remove, product)
			continue
		}
		add := w.add(t, s, product)
		if slices.ContainsFunc(principals, func(p oracle.ID) bool { return s.Groups[p] }) && below(t, "exclusion given", 4) == 0 {
			add.Exclude = append([]oracle.ID{}, w.some(t, "excluded groups", s.Groups.Sorted(), 0, 2)...)
		}
		if slices.ContainsFunc(principals, func(p oracle.ID) bool { return s.Groups[p] }) && below(t, "limit given", 4) == 0 {
			limit := below(t, "limit", 4) - 1
			add.SeatLimit = &limit
		}
		if slices.ContainsFunc(principals, func(p oracle.ID) bool { return s.Groups[p] }) && below(t, "reserve given", 4) == 0 {
			reserve := below(t, "reserve", 4)
			add.SeatReserve = &reserve
		}
		op.Add = append(op.Add, add)
	}
	named := oracle.SetOf(op.Remove...)
	for _, add := range op.Add {
		named[add.Product] = true
	}
	for i, add := range op.Add {
		if add.PlansFrom != nil && named[*add.PlansFrom] && !slices.Contains(op.Remove, *add.PlansFrom) {
			op.Add[i].PlansFrom = nil // what the call itself edits: another selection the next time
		}
		for _, product := range s.ProductIDs() {
			if !named[product] && below(t, "replaces", 8) == 0 {
				op.Add[i].Replaces = &product
				break
			}
		}
	}
	return op
}

func (w *World) add(t *rapid.T, s *oracle.State, product oracle.ID) oracle.Add {
	add := oracle.Add{Product: product}
	plans := s.Products[product].Sorted()
	selection := oracle.AllPlans()
	switch below(t, "selection", 7) {
	case 6:
		from := one(t, "plans from", s.ProductIDs())
		add.PlansFrom = &from
	case 0: // keep
	case 1:
		add.Selection = &selection
	case 2:
		selection = oracle.AllExcept(w.some(t, "except", plans, 0, 3)...)
		add.Selection = &selection
	case 3, 4:
		selection = oracle.OnlyPlans(w.some(t, "only", plans, 0, 3)...)
		add.Selection = &selection
	case 5:
		sw := oracle.Switch{On: w.some(t, "on", plans, 0, 2)}
		sw.Off = w.some(t, "off", slices.DeleteFunc(plans, func(p oracle.ID) bool { return slices.Contains(sw.On, p) }), 0, 2)
		add.Switch = &sw
	}
	if below(t, "nesting given", 4) == 0 {
		nested := rapid.Bool().Draw(t, "include nested")
		add.IncludeNested = &nested
	}
	add.StartsAt, add.EndsAt = w.date(t, "start", 5), w.date(t, "end", 4)
	if below(t, "priority given", 3) == 0 {
		add.Priority = priority(t)
	}
	return add
}

// priority is that of an assignment that says nothing, or one above or below.
func priority(t *rapid.T) *int {
	n := below(t, "priority", 4) - 1
	return &n
}

// date draws a date near the present, now and then none or a past one; as a rule
// it is not given.
func (w *World) date(t *rapid.T, label string, seldom int) *oracle.Date {
	if below(t, label+" given", seldom) > 0 {
		return nil
	}
	at := w.Now + int64(below(t, label, 12)) - 1
	if at < w.Now {
		at = 0
	}
	return &oracle.Date{At: at}
}

// takeBase takes from a user an own assignment that brings what a plan of the
// user needs, or switches that off (R10).
func (w *World) takeBase(t *rapid.T, s *oracle.State) oracle.Operation {
	var ops []oracle.Operation
	for _, user := range s.LiveUsers() {
		on := s.OnPlans(user)
		for _, key := range s.Sources(user) {
			for _, plan := range s.On(user, key).Sorted() {
				needed := slices.ContainsFunc(on.Sorted(), func(other oracle.ID) bool { return s.Requires[other][plan] })
				if key.Principal != user || !needed {
					continue
				}
				ops = append(ops, oracle.Assign{Principals: []oracle.ID{user}, Remove: []oracle.ID{key.Product}})
				off := oracle.Switch{Off: []oracle.ID{plan}}
				ops = append(ops, oracle.Assign{Principals: []oracle.ID{user}, Add: []oracle.Add{{Product: key.Product, Switch: &off}}})
			}
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return ops[below(t, "base", len(ops))]
}

func (w *World) changeMembers(t *rapid.T, s *oracle.State) oracle.Operation {
	groups := s.Groups.Sorted()
	if len(groups) == 0 {
		return nil
	}
	op := oracle.ChangeMembers{Acknowledge: w.acknowledge(t)}
	for _, group := range w.some(t, "changed groups", groups, 1, 2) {
		change := oracle.GroupChange{Group: group}
		for _, member := range w.some(t, "changed members", slices.Concat(s.LiveUsers(), groups), 1, 3) {
			if rapid.Bool().Draw(t, "add") {
				change.Add = append(change.Add, member)
			} else {
				change.Remove = append(change.Remove, member)
			}
		}
		op.Changes = append(op.Changes, change)
	}
	return op
}

func (w *World) createUser(t *rapid.T, s *oracle.State) oracle.Operation {
	op := oracle.CreateUser{User: w.id(t), Location: w.location(t)}
	for _, product := range w.some(t, "licenses", s.ProductIDs(), 0, 2) {
		op.Licenses = append(op.Licenses, w.add(t, s, product))
	}
	return op
}

func (w *World) deleteUser(t *rapid.T, s *oracle.State) oracle.Operation {
	if len(s.LiveUsers()) == 0 {
		return nil
	}
	return oracle.DeleteUser{User: one(t, "deleted user", s.LiveUsers()), Acknowledge: w.acknowledge(t)}
}

func (w *World) moveUser(t *rapid.T, s *oracle.State) oracle.Operation {
	if len(s.LiveUsers()) == 0 {
		return nil
	}
	return oracle.MoveUser{User: one(t, "moved user", s.LiveUsers()), Location: w.location(t), Acknowledge: w.acknowledge(t)}
}

func (w *World) updateTenant(t *rapid.T, _ *oracle.State) oracle.Operation {
	return oracle.UpdateTenant{Country: countries[below(t, "country", len(countries))], LossThreshold: w.threshold(t), Acknowledge: w.acknowledge(t)}
}

func due(*rapid.T, *oracle.State) oracle.Operation { return oracle.Due{} }

var countries = []string{"NL", "DE", "US"}

// location is a country, now and then none.
func (w *World) location(t *rapid.T) string {
	return slices.Concat(countries, countries, []string{""})[below(t, "location", 2*len(countries)+1)]
}

// threshold is small, or as large as it is unless somebody sets it.
func (w *World) threshold(t *rapid.T) int { return []int{0, 1, 2, 100}[below(t, "threshold", 4)] }

// acknowledge is as a rule enough for everybody.
func (w *World) acknowledge(t *rapid.T) *int {
	n := below(t, "acknowledged", 6)
	switch {
	case n == 0:
		return nil
	case n > 2:
		n = 100
	}
	return &n
}

func (w *World) restoreUser(t *rapid.T, s *oracle.State) oracle.Operation {
	if len(s.DeletedUsers()) == 0 {
		return nil
	}
	return oracle.RestoreUser{User: one(t, "restored user", s.DeletedUsers())}
}

func (w *World) createGroup(t *rapid.T, s *oracle.State) oracle.Operation {
	return oracle.CreateGroup{Group: w.id(t), Members: w.some(t, "members", slices.Concat(s.LiveUsers(), s.Groups.Sorted()), 0, 3)}
}

func (w *World) deleteGroup(t *rapid.T, s *oracle.State) oracle.Operation {
	if len(s.Groups) == 0 {
		return nil
	}
	return oracle.DeleteGroup{Group: one(t, "deleted group", s.Groups.Sorted()), Acknowledge: w.acknowledge(t)}
}

func (w *World) createSubscription(t *rapid.T, s *oracle.State) oracle.Operation {
	product := one(t, "subscribed product", s.ProductIDs())
	return oracle.CreateSubscription{Subscription: w.id(t), Product: product, Seats: w.seats(t), Status: []string{"", "SCHEDULED", "SUSPENDED"}[below(t, "status", 3)]}
}

func (w *World) updateSubscription(t *rapid.T, s *oracle.State) oracle.Operation {
	if len(s.LiveSubscriptions()) == 0 {
		return nil
	}
	sub := one(t, "updated subscription", s.LiveSubscriptions())
	status := []string{"", "", "", "", "ENABLED", "ENABLED", "WARNING", "SUSPENDED", "LOCKED_OUT", "SCHEDULED"}[below(t, "status", 10)]
	seats := s.Subscriptions[sub].Seats
	if status == "" || rapid.Bool().Draw(t, "seats too") {
		seats = w.seats(t)
	}
	return oracle.UpdateSubscription{
		Subscription:        sub,
		Seats:               seats,
		Status:              status,
		Acknowledge:         w.acknowledge(t),
		AllowOverAllocation: rapid.Bool().Draw(t, "allow over-allocation"),
	}
}

func (w *World) cancelSubscription(t *rapid.T, s *oracle.State) oracle.Operation {
	if len(s.LiveSubscriptions()) == 0 {
		return nil
	}
	return oracle.CancelSubscription{
		Acknowledge:         w.acknowledge(t),
		Subscription:        one(t, "cancelled subscription", s.LiveSubscriptions()),
		AllowOverAllocation: rapid.Bool().Draw(t, "allow over-allocation"),
	}
}

func (w *World) changeCatalogue(t *rapid.T, s *oracle.State) oracle.Operation {
	op := oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{}}
	for _, product := range w.some(t, "changed products", s.ProductIDs(), 0, 2) {
		op.Products[product] = oracle.SetOf(w.some(t, "plans of product", w.plans, 0, 4)...)
	}
	after := s.Clone()
	for product, plans := range op.Products {
		after.Products[product] = plans
	}
	if rapid.Bool().Draw(t, "exclusions change") {
		op.Exclusions = w.exclusions(t, after.Products)
	}
	if rapid.Bool().Draw(t, "rules change") {
		w.rules(t, &op)
	}
	op.Acknowledge = w.acknowledge(t)
	return op
}

// rules draws prerequisites, which go from plans to others before them in the
// world's list, so that there is no cycle; places; and automatic plans.
func (w *World) rules(t *rapid.T, op *oracle.ChangeCatalogue) {
	op.Requires, op.Locations, op.Automatic = map[oracle.ID]oracle.Set{}, map[oracle.ID]oracle.Location{}, oracle.Set{}
	for i, plan := range w.plans {
		if i > 0 && below(t, "dependent", 3) == 0 {
			op.Requires[plan] = oracle.SetOf(w.some(t, "needs", w.plans[:i], 1, 2)...)
		}
		switch where := countries[below(t, "where", len(countries))]; below(t, "placed", 8) {
		case 0:
			op.Locations[plan] = oracle.Location{Allowed: []string{where}}
		case 1:
			op.Locations[plan] = oracle.Location{Prohibited: []string{where}}
		}
		if below(t, "automatic", 15) == 0 {
			op.Automatic[plan] = true
		}
	}
}

// exclusions draws sets of plans of which no product holds two.
func (w *World) exclusions(t *rapid.T, products map[oracle.ID]oracle.Set) []oracle.Set {
	sets := []oracle.Set{}
	for range below(t, "exclusion sets", 5) {
		set := oracle.Set{}
		for _, plan := range w.some(t, "exclusive plans", w.plans, 1, len(w.plans)) {
			set[plan] = true
			if len(set) > 3 || slices.ContainsFunc(sorted(products), func(p oracle.ID) bool {
				return oracle.SelfExcluding(products[p], []oracle.Set{set})
			}) {
				delete(set, plan)
			}
		}
		sets = append(sets, set)
	}
	return sets
}

func (w *World) seats(t *rapid.T) *int {
	seats := below(t, "seats", 7)
	if seats > 4 {
		return nil
	}
	return &seats
}

// some draws from least to most different ids of those given, or as many as
// there are, in any order.
func (w *World) some(t *rapid.T, label string, ids []oracle.ID, least, most int) []oracle.ID {
	least, most = min(least, len(ids)), min(most, len(ids))
	return rapid.Custom(func(t *rapid.T) []oracle.ID {
		rest := slices.Clone(ids)
		for i := range rest[:most] {
			j := i + index(t, len(rest)-i)
			rest[i], rest[j] = rest[j], rest[i]
		}
		return rest[:least+index(t, most-least+1)]
	}).Draw(t, label)
}

// one draws one of several ids.
func one(t *rapid.T, label string, ids []oracle.ID) oracle.ID {
	return ids[below(t, label, len(ids))]
}

func (w *World) id(t *rapid.T) oracle.ID {
	w.made++
	id := oracle.ID{0: byte(below(t, "id", 256))}
	binary.BigEndian.PutUint32(id[12:], w.made)
	return id
}

// below draws a number from 0 up to n, n excluded.
func below(t *rapid.T, label string, n int) int {
	return rapid.Custom(func(t *rapid.T) int { return index(t, n) }).Draw(t, label)
}

// index draws evenly, where rapid's own generators prefer small numbers and
// short lists: in worlds this small these leave little that could go wrong.
func index(t *rapid.T, n int) int {
	drawn := 0
	for range 12 {
		drawn *= 2
		if rapid.Bool().Draw(t, "bit") {
			drawn++
		}
	}
	return drawn % n
}

func sorted(products map[oracle.ID]oracle.Set) []oracle.ID {
	return (&oracle.State{Products: products}).ProductIDs()
}
