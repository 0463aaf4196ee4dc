package engine_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// world is a tenant as the engine sees it: what each user has, and the supplies.
type world struct {
	rules  *engine.Rules
	users  map[engine.ID]engine.User
	seats  map[int32]engine.Seat // Total and Unlimited only; the rest is recounted
	groups []engine.Source       // the group assignments there are
	at     map[engine.ID]string  // where a user is
}

// step is one random change: for the users that it names, what they are to have.
type step struct {
	cases     map[engine.ID]*engine.Case
	catalogue bool // the exclusions change: everybody is named
}

const (
	worldUsers    = 7
	worldProducts = 3
)

func drawWorld(t *rapid.T) *world {
	w := &world{users: map[engine.ID]engine.User{}, seats: map[int32]engine.Seat{}, at: map[engine.ID]string{}}
	w.drawRules(t)
	for n := range worldUsers {
		user := userID(byte(n + 1))
		w.move(t, user)
		w.users[user] = engine.User{Barred: w.rules.Barred(w.at[user])}
	}
	for p := range int32(worldProducts) {
		w.drawSeats(t, p)
	}
	for g := range byte(3) {
		for p := range int32(worldProducts) {
			group := through(g, p, int64(1+evenly(t, "created", 3)), drawSelection(t, p)...)
			w.groups = append(w.groups, ranking(group, drawPriority(t)))
		}
	}
	return w
}

// evenly draws a number from 0 up to n, n excluded. rapid's own generators prefer small numbers,
// with which worlds this small would leave little that could go wrong.
func evenly(t *rapid.T, label string, n int) int {
	return rapid.Custom(func(t *rapid.T) int {
		drawn := 0
		for range 8 {
			drawn *= 2
			if rapid.Bool().Draw(t, "bit") {
				drawn++
			}
		}
		return drawn % n
	}).Draw(t, label)
}

// productPlans are the plans of a product: its own three, and one that all share.
func productPlans(p int32) []int32 { return []int32{3 * p, 3*p + 1, 3*p + 2, 9} }

func drawSelection(t *rapid.T, p int32) []int32 {
	all := productPlans(p)
	bits := evenly(t, "selection", 1<<len(all))
	var selected []int32
	for i, plan := range all {
		if bits&(1<<i) != 0 {
			selected = append(selected, plan)
		}
	}
	return selected
}

func drawPriority(t *rapid.T) int64 { return int64(max(0, evenly(t, "priority", 4)-1)) }

func (w *world) move(t *rapid.T, user engine.ID) {
	w.at[user] = countries[evenly(t, "country", len(countries))]
}

var countries = []string{"NL", "DE", "US"}

// drawBook draws prerequisites, which go from plans to earlier ones, places and automatic plans.
func drawBook(t *rapid.T, b *engine.RuleBook) {
	b.Requires, b.Locations = map[int32]engine.PlanSet{}, map[int32]engine.Location{}
	for p := int32(1); p < 10; p++ {
		if evenly(t, "dependent", 4) == 0 {
			needs := plans(int32(evenly(t, "needs", int(p))))
			if evenly(t, "or another", 2) == 0 {
				needs = needs.With(int32(evenly(t, "needs", int(p))))
			}
			b.Requires[p] = needs
		}
		switch where := countries[evenly(t, "where", len(countries))]; evenly(t, "placed", 10) {
		case 0:
			b.Locations[p] = engine.Location{Allowed: []string{where}}
		case 1:
			b.Locations[p] = engine.Location{Prohibited: []string{where}}
		}
		if evenly(t, "automatic", 20) == 0 {
			b.Automatic = b.Automatic.With(p)
		}
	}
}

// drawRules draws exclusion sets of which no product holds two plans, and the other rules.
func (w *world) drawRules(t *rapid.T) {
	var sets []engine.PlanSet
	for range evenly(t, "sets", 5) {
		set := plans()
		for p := range int32(worldProducts) {
			if evenly(t, "member", 3) > 0 {
				set = set.With(productPlans(p)[evenly(t, "plan of set", 3)])
			}
		}
		sets = append(sets, set)
	}
	b := book(sets...)
	drawBook(t, &b)
	w.rules = engine.NewRules(b)
}

func (w *world) drawSeats(t *rapid.T, p int32) {
	n := evenly(t, "seats", 9)
	w.seats[p] = engine.Seat{Total: int64(n)}
	if n > 6 {
		w.seats[p] = engine.Seat{Unlimited: true}
	}
}

// supplies recounts what the state before a change takes.
func (w *world) supplies() engine.Seats {
	seats := engine.Seats{}
	maps.Copy(seats, w.seats)
	for _, u := range w.users {
		for _, l := range w.rules.Derive(u) {
			s := seats[l.Product]
			if l.Held {
				s.Consumed++
			}
			if slices.ContainsFunc(u.Rows, func(r engine.Row) bool {
				return r.Code == engine.Count && slices.ContainsFunc(l.Sources, func(s engine.SourceState) bool { return s.Key == r.Assignment })
			}) {
				s.Waiting++
			}
			seats[l.Product] = s
		}
	}
	return seats
}

// drawStep changes seats, exclusions, group assignments, or what single users have; often
// several at once.
func (w *world) drawStep(t *rapid.T, now int64) *step {
	st := &step{cases: map[engine.ID]*engine.Case{}, catalogue: evenly(t, "rules change", 6) == 0}
	for p := range int32(worldProducts) {
		if evenly(t, "seats change", 4) == 0 {
			w.drawSeats(t, p)
		}
	}
	if st.catalogue {
		w.drawRules(t)
	}
	before := w.groups
	w.groups = slices.Clone(before)
	w.reorder(t)
	drop := map[engine.ID]bool{} // group assignments that the call removes
	for i, g := range w.groups {
		switch evenly(t, "group assignment changes", 10) {
		case 0:
			drop[g.Key] = true
		case 1:
			w.groups[i] = selecting(g, drawSelection(t, g.Product)...)
		}
	}
	for user, u := range w.users {
		st.cases[user] = &engine.Case{Before: u, Users: []engine.ID{user}}
	}
	for _, user := range slices.SortedFunc(maps.Keys(w.users), compare) {
		w.drawUser(t, st.cases[user], drop, now)
		if evenly(t, "moves", 10) == 0 {
			w.move(t, user)
		}
		st.cases[user].Barred = w.rules.Barred(w.at[user])
	}
	if !st.catalogue {
		maps.DeleteFunc(st.cases, func(_ engine.ID, c *engine.Case) bool {
			return c.Before.Barred.Equal(c.Barred) &&
				slices.EqualFunc(c.Before.Sources, c.After, func(a, b engine.Source) bool { return a.Key == b.Key && a.Selected.Equal(b.Selected) })
		})
	}
	return st
}

// reorder gives a group assignment another priority, now and then, for all who have it.
func (w *world) reorder(t *rapid.T) {
	if evenly(t, "priority changes", 3) > 0 {
		return
	}
	i := evenly(t, "reordered", len(w.groups))
	w.groups[i] = ranking(w.groups[i], drawPriority(t))
	for user, u := range w.users {
		u.Sources = slices.Clone(u.Sources)
		for k, s := range u.Sources {
			if s.Key == w.groups[i].Key {
				u.Sources[k].Assignment = w.groups[i].Assignment
			}
		}
		w.users[user] = u
	}
}

func compare(a, b engine.ID) int { return bytes.Compare(a[:], b[:]) }

// drawUser draws what a user has after a step: group sources come and go, and now and then
// the user's own assignments are changed by the call.
func (w *world) drawUser(t *rapid.T, c *engine.Case, drop map[engine.ID]bool, now int64) {
	c.Before.Sources = slices.Clone(c.Before.Sources)
	var own, after []engine.Source
	had := map[engine.ID]bool{}
	for i, s := range c.Before.Sources {
		had[s.Key] = true
		if s.Direct {
			own = append(own, s)
		} else {
			c.Before.Sources[i].Ended = drop[s.Key]
		}
	}
	for _, g := range w.groups {
		draw := evenly(t, "member", 8)
		if !drop[g.Key] && (had[g.Key] && draw > 0 || !had[g.Key] && draw == 0) {
			after = append(after, g)
		}
	}
	c.Refused = sorted(slices.Concat(after, own))
	if evenly(t, "assigned directly", 4) == 0 {
		for p := range int32(worldProducts) {
			i := slices.IndexFunc(own, func(s engine.Source) bool { return s.Product == p })
			switch evenly(t, "own assignment changes", 4) {
			case 0:
				if i < 0 {
					own = append(slices.Clone(own), ranking(direct(p, now, drawSelection(t, p)...), drawPriority(t)))
				} else {
					own = slices.Clone(own)
					own[i] = ranking(selecting(own[i], drawSelection(t, p)...), drawPriority(t))
				}
				c.Judged = true
			case 1:
				if i >= 0 {
					gone := slices.IndexFunc(c.Before.Sources, func(s engine.Source) bool { return s.Key == own[i].Key })
					c.Before.Sources[gone].Ended = true
					own = slices.Delete(slices.Clone(own), i, i+1)
					c.Judged = true
				}
			}
		}
	}
	c.After = sorted(slices.Concat(after, own))
	if !c.Judged {
		c.Refused = nil
	}
}

func sorted(sources []engine.Source) []engine.Source {
	slices.SortFunc(sources, func(a, b engine.Source) int { return compare(a.Key, b.Key) })
	return sources
}

// lines are those of the users that are not among the named ones, each user once per product.
func (w *world) lines(named ...*engine.Case) *queue {
	q := &queue{lines: map[int32][]*engine.Waiter{}}
	for user, u := range w.users {
		if slices.ContainsFunc(named, func(c *engine.Case) bool { return slices.Contains(c.Users, user) }) {
			continue
		}
		first := map[int32]*engine.Waiter{}
		for _, row := range u.Rows {
			if row.Plan != engine.Whole || row.Code != engine.Count {
				continue
			}
			i := slices.IndexFunc(u.Sources, func(s engine.Source) bool { return s.Key == row.Assignment })
			wait := waiter(user[15], engine.User{Sources: u.Sources, Rows: []engine.Row{row}})
			wait.Case = &engine.Case{Before: u, After: u.Sources, Barred: u.Barred, Users: []engine.ID{user}}
			if p := u.Sources[i].Product; first[p] == nil || engine.Less(&wait.Key, &first[p].Key) {
				first[p] = wait
			}
		}
		for p, wait := range first {
			q.lines[p] = append(q.lines[p], wait)
		}
	}
	for _, line := range q.lines {
		slices.SortFunc(line, func(a, b *engine.Waiter) int {
			if engine.Less(&a.Key, &b.Key) {
				return -1
			}
			return 1
		})
	}
	return q
}

// grouped puts users whom nothing tells apart into one case.
func grouped(cases []*engine.Case) []*engine.Case {
	var all []*engine.Case
	at := map[string]*engine.Case{}
	for _, c := range cases {
		key := text(c.Before) + " → " + text(engine.User{Sources: c.After, Barred: c.Barred})
		if same := at[key]; same != nil && !c.Judged {
			same.Users = append(same.Users, c.Users...)
			continue
		}
		one := *c
		one.Users = slices.Clone(c.Users)
		all = append(all, &one)
		if !c.Judged {
			at[key] = &one
		}
	}
	return all
}

func text(u engine.User) string {
	var b strings.Builder
	for _, s := range u.Sources {
		fmt.Fprintf(&b, "%x %d %d %v %v|", s.Key, s.Priority, s.Created, slices.Collect(s.Selected.All()), s.Ended)
	}
	for _, r := range u.Rows {
		fmt.Fprintf(&b, "%x %d %d %d|", r.Assignment, r.Plan, r.Code, r.Since)
	}
	fmt.Fprintf(&b, "barred %v", slices.Collect(u.Barred.All()))
	return b.String()
}

// result is what a settlement makes of every user of a world, named or not.
func (w *world) result(t *rapid.T, cases []*engine.Case, now int64) (map[engine.ID]engine.User, map[engine.ID]engine.Code) {
	verdicts, err := w.rules.Settle(cases, w.supplies(), nil, w.lines(cases...), now)
	if err != nil {
		t.Fatal(err)
	}
	after, refused := maps.Clone(w.users), map[engine.ID]engine.Code{}
	seen := map[engine.ID]bool{}
	for _, v := range verdicts {
		for _, user := range v.Users {
			if seen[user] {
				t.Fatalf("two verdicts about user %x", user)
			}
			seen[user] = true
			after[user] = engine.User{Sources: clean(v.After.Sources), Rows: v.After.Rows, Barred: v.After.Barred}
			if v.Refusal != nil {
				refused[user] = v.Refusal.Reason.Code
			}
		}
	}
	return after, refused
}

// clean forgets what was true of one change only.
func clean(sources []engine.Source) []engine.Source {
	sources = slices.Clone(sources)
	for i := range sources {
		sources[i].Ended = false
	}
	return sources
}

// However users are put into cases, in whatever order the cases come, and whether who waits is
// loaded at once or only while seats remain: the states after a change are the same (R5, R13).
// They hold what a stored state must (R17), no holder is displaced, and settling nothing
// changes nothing.
func TestSettlementDependsOnNothingButStateAndChangeR5R13R17(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for now := int64(10); now < 10+int64(rapid.IntRange(1, 8).Draw(t, "steps")); now++ {
			st := w.drawStep(t, now)
			single := slices.SortedFunc(maps.Values(st.cases), func(a, b *engine.Case) int { return compare(a.Users[0], b.Users[0]) })
			after, refused := w.result(t, single, now)

			everybody := slices.Clone(single)
			for _, user := range slices.SortedFunc(maps.Keys(w.users), compare) {
				if u := w.users[user]; st.cases[user] == nil {
					everybody = append(everybody, &engine.Case{Before: u, After: u.Sources, Barred: u.Barred, Users: []engine.ID{user}})
				}
			}
			for name, cases := range map[string][]*engine.Case{
				"grouped into cases":        grouped(single),
				"in another order":          rapid.Permutation(single).Draw(t, "order"),
				"grouped, in another order": rapid.Permutation(grouped(single)).Draw(t, "order of cases"),
				"with everybody loaded":     everybody,
				"everybody, grouped":        grouped(everybody),
			} {
				other, otherRefused := w.result(t, cases, now)
				for user := range w.users {
					if text(after[user]) != text(other[user]) || refused[user] != otherRefused[user] {
						t.Fatalf("at %d, user %x, %s:\n  one by one %s (%d)\n  else       %s (%d)", now, user, name,
							text(after[user]), refused[user], text(other[user]), otherRefused[user])
					}
				}
			}
			w.check(t, st, after)
			w.users = after
			again, _ := w.result(t, nil, now+1)
			for user, u := range again {
				if text(u) != text(after[user]) {
					t.Fatalf("at %d, user %x changes though nothing did:\n  %s\n  %s", now, user, text(after[user]), text(u))
				}
			}
		}
	})
}

// check holds the states after a step against what must be true of them.
func (w *world) check(t *rapid.T, st *step, after map[engine.ID]engine.User) {
	before, took := w.users, w.supplies()
	w.users = after
	seats := w.supplies()
	w.users = before
	for p, s := range seats {
		if !s.Unlimited && s.Consumed > max(s.Total, took[p].Consumed) {
			t.Fatalf("%d seats of product %d are taken, %d before, and there are %d", s.Consumed, p, took[p].Consumed, s.Total)
		}
	}
	for user, u := range after {
		if problems := w.rules.Verify(u, seats, nil); len(problems) > 0 {
			t.Fatalf("user %x: %+v\n  %s", user, problems, text(u))
		}
		held := heldIn(w.rules.Derive(u))
		for _, l := range w.rules.Derive(before[user]) {
			goesOn := slices.ContainsFunc(l.Sources, func(s engine.SourceState) bool {
				return s.Admitted && (s.Selected.Empty() || !w.steady(u, s.On).Empty()) &&
					slices.ContainsFunc(u.Sources, func(a engine.Source) bool { return a.Key == s.Key && a.Selected.Equal(s.Selected) })
			})
			if goesOn && !st.catalogue && !slices.Contains(held, l.Product) {
				t.Fatalf("user %x lost product %d, of which an admitted source goes on", user, l.Product)
			}
		}
	}
}

// steady are those of the plans that nothing can take from a user but a change of the catalogue.
func (w *world) steady(u engine.User, on engine.PlanSet) engine.PlanSet {
	for p := range w.rules.Requires {
		on = on.Minus(plans(p))
	}
	return on.Minus(u.Barred)
}
