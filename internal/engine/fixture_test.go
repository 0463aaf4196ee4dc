package engine_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// named is an id of which kind and number can be read off; within a kind the order of ids is
// the order of numbers.
func named(kind, n byte) engine.ID { return engine.ID{0: kind, 15: n} }

func userID(n byte) engine.ID  { return named(1, n) }
func groupID(n byte) engine.ID { return named(2, n) }
func skuID(n int32) engine.ID  { return named(3, byte(n)) }
func planID(n int32) engine.ID { return named(4, byte(n)) }

// planCount is how many plans the rules of these tests know.
const planCount = 12

// rules are rules with the given exclusion sets.
func rules(sets ...engine.PlanSet) *engine.Rules { return engine.NewRules(book(sets...)) }

// needing are rules by which a plan needs any one of others, and nothing else.
func needing(requires map[int32]engine.PlanSet) *engine.Rules {
	b := book()
	b.Requires = requires
	return engine.NewRules(b)
}

func book(sets ...engine.PlanSet) engine.RuleBook {
	ids := make([]engine.ID, planCount)
	for i := range ids {
		ids[i] = planID(int32(i))
	}
	named := make([]engine.ExclusionSet, len(sets))
	for i, s := range sets {
		named[i] = engine.ExclusionSet{Name: string(rune('A' + i)), Plans: s}
	}
	return engine.RuleBook{Exclusions: named, Plans: ids}
}

var plans = engine.NewPlanSet

// direct is a user's own assignment of a product, made at an instant.
func direct(product int32, created int64, selected ...int32) engine.Source {
	return engine.Source{
		Assignment: &engine.Assignment{Key: skuID(product), Product: product, Sku: skuID(product), Direct: true, Created: created},
		Selected:   plans(selected...),
	}
}

// through is a group's assignment of a product, made at an instant, as it reaches a user.
func through(group byte, product int32, created int64, selected ...int32) engine.Source {
	return engine.Source{
		Assignment: &engine.Assignment{
			Key: engine.ID{0: 5, 14: group, 15: byte(product)}, Product: product, Sku: skuID(product), Principal: groupID(group), Created: created,
		},
		Selected: plans(selected...),
	}
}

// ended marks a source whose assignment the call itself removes.
func ended(s engine.Source) engine.Source {
	s.Ended = true
	return s
}

// ranking is a source of an assignment with a priority.
func ranking(s engine.Source, priority int64) engine.Source {
	a := *s.Assignment
	a.Priority = priority
	s.Assignment = &a
	return s
}

// selecting is a source with another selection.
func selecting(s engine.Source, selected ...int32) engine.Source {
	s.Selected = plans(selected...)
	return s
}

// waits is the row of a whole source.
func waits(s engine.Source, code engine.Code, since int64) engine.Row {
	return engine.Row{Assignment: s.Key, Plan: engine.Whole, Code: code, Since: since}
}

// withheld is the row of one plan of an admitted source, excluded by another.
func withheld(s engine.Source, plan int32, since int64) engine.Row {
	return withheldFor(s, plan, engine.Exclusion, since)
}

func withheldFor(s engine.Source, plan int32, code engine.Code, since int64) engine.Row {
	return engine.Row{Assignment: s.Key, Plan: plan, Code: code, Since: since}
}

func having(sources ...engine.Source) engine.User { return engine.User{Sources: sources} }

func with(u engine.User, rows ...engine.Row) engine.User {
	u.Rows = append(slices.Clone(u.Rows), rows...)
	return u
}

// seat is a limited supply of a product.
func seat(total, consumed, waiting int64) engine.Seat {
	return engine.Seat{Total: total, Consumed: consumed, Waiting: waiting}
}

var unlimited = engine.Seat{Unlimited: true}

// queue is a fake of the stored lines of waiting users: it counts how many were taken out.
type queue struct {
	lines map[int32][]*engine.Waiter
	taken map[int32]int
	ended map[int32]int // how often it was asked beyond the end
}

func (q *queue) List([]*engine.Case) error { return nil }

func (q *queue) Next(product int32) (*engine.Waiter, error) {
	line := q.lines[product]
	if len(line) == 0 {
		if q.ended == nil {
			q.ended = map[int32]int{}
		}
		q.ended[product]++
		return nil, nil //nolint:nilnil // the interface says so: no waiter is left
	}
	if q.taken == nil {
		q.taken = map[int32]int{}
	}
	q.taken[product]++
	q.lines[product] = line[1:]
	return line[0], nil
}

// line is the line of one product: each user waits with one source, whole.
func line(product int32, waiters ...*engine.Waiter) *queue {
	return &queue{lines: map[int32][]*engine.Waiter{product: waiters}}
}

// waiter is a user whom the change does not name, who waits with the source of the first row.
func waiter(user byte, u engine.User) *engine.Waiter {
	row := u.Rows[0]
	k := engine.Key{Since: row.Since, User: userID(user), Plan: engine.Whole}
	for _, s := range u.Sources {
		if s.Key == row.Assignment {
			k.Direct, k.Priority, k.Created, k.Sku, k.Principal = s.Direct, s.Priority, s.Created, s.Sku, s.Principal
			if s.Direct {
				k.Principal = k.User
			}
		}
	}
	return &engine.Waiter{Key: k, Case: &engine.Case{Before: u, After: u.Sources, Users: []engine.ID{userID(user)}}}
}

// settled are the states of users after a change.
type settled struct {
	*testing.T
	rules    *engine.Rules
	verdicts []engine.Verdict
}

const now = 100 // the instant of the changes in these tests

func settle(t *testing.T, r *engine.Rules, seats engine.Seats, w engine.Waiters, cases ...*engine.Case) settled {
	t.Helper()
	if w == nil {
		w = &queue{}
	}
	verdicts, err := r.Settle(cases, seats, nil, w, now)
	if err != nil {
		t.Fatal(err)
	}
	return settled{t, r, verdicts}
}

// one is a case of one user.
func one(user byte, before engine.User, after ...engine.Source) *engine.Case {
	return &engine.Case{Before: before, After: after, Users: []engine.ID{userID(user)}}
}

func (s settled) verdict(user byte) engine.Verdict {
	s.Helper()
	for _, v := range s.verdicts {
		if slices.Contains(v.Users, userID(user)) {
			return v
		}
	}
	s.Fatalf("no verdict about user %d", user)
	return engine.Verdict{}
}

// rows checks what is not admitted for a user after the change.
func (s settled) rows(user byte, want ...engine.Row) {
	s.Helper()
	slices.SortFunc(want, func(a, b engine.Row) int {
		if c := bytes.Compare(a.Assignment[:], b.Assignment[:]); c != 0 {
			return c
		}
		return int(a.Plan) - int(b.Plan)
	})
	if got := s.verdict(user).After.Rows; !slices.Equal(got, want) {
		s.Errorf("user %d has the rows\n  %+v, want\n  %+v", user, got, want)
	}
}

// holds checks which products a user holds after the change.
func (s settled) holds(user byte, want ...int32) {
	s.Helper()
	got := heldIn(s.rules.Derive(s.verdict(user).After))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.Errorf("user %d holds the products %v, want %v", user, got, want)
	}
}

// on checks which plans a user has after the change.
func (s settled) on(user byte, want ...int32) {
	s.Helper()
	if got := engine.On(s.rules.Derive(s.verdict(user).After)); !got.Equal(plans(want...)) {
		s.Errorf("user %d has the plans %v, want %v", user, slices.Collect(got.All()), want)
	}
}

// heldIn returns the products that a user holds, each once.
func heldIn(licenses []engine.License) []int32 {
	var products []int32
	for _, l := range licenses {
		if l.Held && !slices.Contains(products, l.Product) {
			products = append(products, l.Product)
		}
	}
	return products
}
