package engine

import (
	"bytes"
	"container/heap"
	"fmt"
	"math"
	"slices"
)

// Seat is the supply of a product: Total as the change has it, the rest as it was before.
type Seat struct {
	Total     int64 // units of live subscriptions (R14)
	Unlimited bool
	Consumed  int64
	Waiting   int64 // users that wait for a seat
}

// Seats are the supplies of the products that a change can touch.
type Seats map[int32]Seat

// Waiter is a user whom the change does not name and who waits for a seat of a product.
type Waiter struct {
	Key  Key
	Case *Case
}

// Waiters yields users that wait for a seat, so that only as many are loaded as there are
// seats for them.
type Waiters interface {
	// Next returns the next waiter of a product in R5's order, or nil. Users that are part of
	// the change are left out. A user may be returned once for each product.
	Next(product int32) (*Waiter, error)
}

// Refusal is why a judged user's part of the call was refused (R12).
type Refusal struct {
	Source   Source
	Plan     int32 // or Whole
	Code     Code
	Conflict Conflict // for Exclusion
	Others   []Source // for Exclusion: the sources by which the other plan was on
	Seat     Seat     // for Count: as the refused user met it
}

// Verdict is the state after the change of some users of one case.
type Verdict struct {
	Case    *Case
	Users   []ID
	After   User
	Refusal *Refusal // of a judged user
}

// Settle carries cases over a change made at an instant: it takes away, admits in R5's order
// until nothing more can be admitted (R13), and sets the codes of what remains (steps 3 to 5).
// Seats are counted for every product that a source of a case, before or after, belongs to.
//
// An error means that the input broke an invariant, or comes from waiters.
func (r *Rules) Settle(cases []*Case, seats Seats, waiters Waiters, now int64) ([]Verdict, error) {
	t := &settlement{r: r, now: now, waiters: waiters, seats: seats, consumed: map[int32]int64{}, reserved: map[int32]int64{},
		heads: map[int32]*Waiter{}, joined: map[ID]bool{}}
	for p, seat := range seats {
		t.consumed[p] = seat.Consumed
		if seat.Waiting > 0 {
			t.waiting = append(t.waiting, p)
		}
	}
	for _, c := range cases {
		if len(c.Users) == 0 || c.Judged && len(c.Users) > 1 {
			return nil, fmt.Errorf("engine: a case of %d users", len(c.Users))
		}
	}
	t.judgeDirect(cases)
	t.count()
	t.split()
	for {
		for admitted := true; admitted; {
			var err error
			if admitted, err = t.pass(); err != nil {
				return nil, err
			}
		}
		if !t.release() {
			break
		}
	}
	return t.verdicts()
}

type settlement struct {
	r        *Rules
	now      int64
	waiters  Waiters
	seats    Seats
	consumed map[int32]int64
	reserved map[int32]int64
	states   []*state
	waiting  []int32           // products that may have waiters left to join
	heads    map[int32]*Waiter // the next waiter of a product
	joined   map[ID]bool
}

// judgeDirect begins all states and decides R12 for the judged ones, in user order, against
// the seats that were free before the call and their own items only (R25). A refused part is
// dropped from the change.
func (t *settlement) judgeDirect(cases []*Case) {
	ordered := slices.Clone(cases)
	slices.SortStableFunc(ordered, func(a, b *Case) int { return bytes.Compare(a.Users[0][:], b.Users[0][:]) })
	taken := map[int32]int64{}
	for _, c := range ordered {
		s := t.r.begin(c, c.After, c.Users, t.now)
		if c.Judged {
			if refusal := t.judge(s, taken); refusal != nil {
				s = t.r.begin(c, c.Refused, c.Users, t.now)
				s.refusal = refusal
			}
		}
		t.states = append(t.states, s)
	}
}

// judge admits everything of the user's own that the call adds, or tells why not.
func (t *settlement) judge(s *state, taken map[int32]int64) *Refusal {
	mine := map[int32]int64{}
	seat := func(p int32) bool {
		free := t.seats[p]
		return free.Unlimited || free.Total-free.Consumed-taken[p]-mine[p] >= 1
	}
	for {
		var own []item
		for _, it := range s.items {
			if it.own {
				own = append(own, it)
			}
		}
		t.sort(s, own)
		admitted := false
		var refusal *Refusal
		for _, it := range own {
			a := s.sources[it.source]
			code, conflict := t.r.Check(s.on, s.joining(it))
			needs := it.plan == Whole && !s.holds(a.Product) && !slices.Contains(s.reserved, a.Product)
			if code == None && needs && !seat(a.Product) {
				code = Count
			}
			if code != None {
				if refusal == nil {
					free := t.seats[a.Product]
					free.Consumed += taken[a.Product] + mine[a.Product]
					refusal = &Refusal{Source: a, Plan: it.plan, Code: code, Conflict: conflict, Others: s.by(code, conflict.Other), Seat: free}
				}
				continue
			}
			if needs {
				mine[a.Product]++
			}
			s.admit(it)
			s.reserved = slices.DeleteFunc(s.reserved, s.holds)
			admitted = true
		}
		if refusal == nil {
			for p, n := range mine {
				taken[p] += n
			}
			return nil
		}
		if !admitted {
			return refusal
		}
	}
}

// by returns, for an exclusion, the sources by which a plan is on.
func (s *state) by(code Code, plan int32) []Source {
	if code != Exclusion {
		return nil
	}
	var sources []Source
	for i := range s.sources {
		if s.admitted[i] && s.enables(i).Has(plan) {
			sources = append(sources, s.sources[i])
		}
	}
	return sources
}

func (t *settlement) sort(s *state, items []item) {
	slices.SortFunc(items, func(a, b item) int {
		x, y := t.r.key(s, a), t.r.key(s, b)
		if Less(&x, &y) {
			return -1
		}
		return 1
	})
}

// count brings consumption and reservations to where taking away has left them.
func (t *settlement) count() {
	for _, s := range t.states {
		n := int64(len(s.users))
		for _, p := range s.held {
			t.consumed[p] -= n
		}
		for _, p := range s.products() {
			if s.holds(p) {
				t.consumed[p] += n
			}
		}
		for _, p := range s.reserved {
			t.reserved[p] += n
		}
	}
}

func (s *state) products() []int32 {
	var products []int32
	for i := range s.sources {
		if p := s.sources[i].Product; !slices.Contains(products, p) {
			products = append(products, p)
		}
	}
	return products
}

func (t *settlement) free(p int32) int64 {
	seat := t.seats[p]
	if seat.Unlimited {
		return math.MaxInt64
	}
	return seat.Total - t.consumed[p] - t.reserved[p]
}

// split takes cases of several users apart where a seat can tell the users apart: there are
// some, but not for everybody.
func (t *settlement) split() {
	demand := map[int32]int64{}
	for _, s := range t.states {
		for _, p := range s.wants() {
			demand[p] += int64(len(s.users))
		}
	}
	scarce := func(p int32) bool {
		seat := t.seats[p]
		if seat.Unlimited || t.free(p)+t.reserved[p] <= 0 {
			return false
		}
		return t.free(p) < demand[p] || seat.Waiting > 0
	}
	var states []*state
	for _, s := range t.states {
		if len(s.users) == 1 || !slices.ContainsFunc(s.wants(), scarce) {
			states = append(states, s)
			continue
		}
		for i := range s.users {
			one := *s
			one.users = s.users[i : i+1]
			one.admitted = slices.Clone(s.admitted)
			one.items = slices.Clone(s.items)
			one.reserved = slices.Clone(s.reserved)
			states = append(states, &one)
		}
	}
	t.states = states
}

// wants returns the products for which the users need a seat that is not reserved for them.
func (s *state) wants() []int32 {
	var products []int32
	for _, it := range s.items {
		p := s.sources[it.source].Product
		if it.plan == Whole && !s.holds(p) && !slices.Contains(s.reserved, p) && !slices.Contains(products, p) {
			products = append(products, p)
		}
	}
	return products
}

// candidate is a pending item in the order of a pass.
type candidate struct {
	key  Key
	s    *state
	item item
}

type queue []candidate

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return Less(&q[i].key, &q[j].key) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(candidate)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}

// pass tries everything pending once, in R5's order, and tells whether anything was admitted.
// Waiters join in their place while there are seats for them.
func (t *settlement) pass() (bool, error) {
	var q queue
	for _, s := range t.states {
		for _, it := range s.items {
			q = append(q, candidate{t.r.key(s, it), s, it})
		}
	}
	heap.Init(&q)
	admitted := false
	for {
		w, err := t.firstWaiter()
		if err != nil {
			return false, err
		}
		if w != nil && (len(q) == 0 || !Less(&q[0].key, &w.Key)) {
			t.join(&q, w)
			continue
		}
		if len(q) == 0 {
			return admitted, nil
		}
		c := heap.Pop(&q).(candidate)
		if t.try(c.s, c.item) {
			admitted = true
		}
	}
}

// firstWaiter returns the first, in R5's order, of the next waiters of all products with a
// free seat.
func (t *settlement) firstWaiter() (*Waiter, error) {
	var first *Waiter
	for i := 0; i < len(t.waiting); i++ {
		p := t.waiting[i]
		if t.free(p) < 1 {
			continue
		}
		for t.heads[p] == nil || t.joined[t.heads[p].Case.Users[0]] {
			w, err := t.waiters.Next(p)
			if err != nil {
				return nil, err
			}
			if t.heads[p] = w; w == nil {
				break
			}
		}
		if t.heads[p] == nil {
			t.waiting = slices.Delete(t.waiting, i, i+1)
			i--
		} else if first == nil || Less(&t.heads[p].Key, &first.Key) {
			first = t.heads[p]
		}
	}
	return first, nil
}

// join makes a waiter part of the change. Items of the user that come before the one it
// waits with have had their turn in this pass: nothing could admit them.
func (t *settlement) join(q *queue, w *Waiter) {
	t.joined[w.Case.Users[0]] = true
	s := t.r.begin(w.Case, w.Case.After, w.Case.Users, t.now)
	t.states = append(t.states, s)
	for _, it := range s.items {
		if k := t.r.key(s, it); !Less(&k, &w.Key) {
			heap.Push(q, candidate{k, s, it})
		}
	}
}

// try admits an item if nothing speaks against it.
func (t *settlement) try(s *state, it item) bool {
	if code, _ := t.r.Check(s.on, s.joining(it)); code != None {
		return false
	}
	p, n := s.sources[it.source].Product, int64(len(s.users))
	if it.plan == Whole && !s.holds(p) { // R4: one seat, however many sources
		if i := slices.Index(s.reserved, p); i >= 0 {
			s.reserved = slices.Delete(s.reserved, i, i+1)
			t.reserved[p] -= n
		} else if t.free(p) < n {
			return false
		}
		t.consumed[p] += n
	}
	s.admit(it)
	return true
}

// release gives up unused reservations and tells whether there were any.
func (t *settlement) release() bool {
	released := false
	for _, s := range t.states {
		for _, p := range s.reserved {
			t.reserved[p] -= int64(len(s.users))
			released = true
		}
		s.reserved = nil
	}
	return released
}

// verdicts sets the code of everything that remains (step 5) and asserts what R17 demands.
func (t *settlement) verdicts() ([]Verdict, error) {
	verdicts := make([]Verdict, 0, len(t.states))
	for _, s := range t.states {
		v := Verdict{Case: s.c, Users: s.users, After: User{Sources: s.sources}, Refusal: s.refusal}
		for _, it := range s.items {
			code, _ := t.r.Check(s.on, s.joining(it))
			if code == None {
				p := s.sources[it.source].Product
				if it.plan != Whole || s.holds(p) || t.free(p) >= int64(len(s.users)) {
					return nil, fmt.Errorf("engine: an item of product %d passes every check and was not admitted", p)
				}
				code = Count
			}
			v.After.Rows = append(v.After.Rows, Row{Assignment: s.sources[it.source].Key, Plan: it.plan, Code: code, Since: it.since})
		}
		slices.SortFunc(v.After.Rows, compareRows)
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

func compareRows(a, b Row) int {
	if c := bytes.Compare(a.Assignment[:], b.Assignment[:]); c != 0 {
		return c
	}
	return int(a.Plan) - int(b.Plan)
}
