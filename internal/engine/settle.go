package engine

import (
	"bytes"
	"container/heap"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Seat is the supply of a product: Total as the change has it, the rest as it was before.
type Seat struct {
	Total     int64 // units of live subscriptions (R14)
	Unlimited bool
	Consumed  int64
	Waiting   int64 // users that wait for a seat
	Kept      int64 // for groups: what their reserves lacked (R8), be they there or not
}

// open tells whether one more user can be given a seat, once so many were taken, by a source for whose
// group so many are kept (R8).
func (s Seat) open(taken, kept int64) bool {
	left := s.Total - s.Consumed - taken
	return s.Unlimited || left > s.Kept || left > 0 && kept > 0
}

// Seats are the supplies of the products that a change can touch.
type Seats map[int32]Seat

// Place is the supply of a group's assignment that at most Limit users may have, and for which seats
// are kept until Reserve users have it (R8): Limit and Reserve as the change has them, the rest as it
// was before.
type Place struct {
	Product        int32
	Limit, Reserve int64
	Used           int64 // users who have it
	Kept           int64 // what its reserve lacked
}

// Lacks is how many more users must have the assignment until no seat is kept for it.
func (p Place) Lacks() int64 { return max(0, p.Reserve-p.Used) }

// NoLimit is the Limit of a place that any number of users may have.
const NoLimit = math.MaxInt64

// Places are those of all assignments with a limit or a reserve, by their keys. Whoever waits for the
// product of one that a change can touch is part of a case: no waiter is asked for there.
type Places map[ID]Place

// open tells whether one more user can have an assignment (R8).
func (p Places) open(key ID) bool {
	place, counted := p[key]
	return !counted || place.Used < place.Limit
}

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
	// List sets the Users of cases that are only counted.
	List(cases []*Case) error
}

// Verdict is the state after the change of some users of one case.
type Verdict struct {
	Case    *Case
	Users   []ID  // nil where they are only counted
	Count   int64 // how many they are
	After   User
	Refusal *Refusal // of a judged user
}

// Settle carries cases over a change made at an instant: it takes away, admits in R5's order
// until nothing more can be admitted (R13), and sets the codes of what remains (steps 3 to 5).
// Seats are counted for every product that a source of a case, before or after, belongs to.
//
// An error means that the input broke an invariant, or comes from waiters.
func (r *Rules) Settle(cases []*Case, seats Seats, places Places, waiters Waiters, now int64) ([]Verdict, error) {
	t := &settlement{r: r, now: now, waiters: waiters, seats: seats, places: maps.Clone(places), before: places, kept: map[int32]int64{},
		consumed: map[int32]int64{}, reserved: map[int32]int64{}, short: map[int32]bool{}, heads: map[int32]*Waiter{}, joined: map[ID]bool{}}
	for p, seat := range seats {
		t.consumed[p] = seat.Consumed
		if seat.Waiting > 0 {
			t.waiting = append(t.waiting, p)
		}
	}
	for _, place := range places {
		t.kept[place.Product] += place.Lacks()
	}
	for _, c := range cases {
		if c.Size() < 1 || c.Judged && len(c.Users) != 1 {
			return nil, fmt.Errorf("engine: a case of %d users", c.Size())
		}
	}
	t.judgeDirect(cases)
	t.count()
	if err := t.split(); err != nil {
		return nil, err
	}
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
	before   Places
	places   Places          // as they are by now
	kept     map[int32]int64 // what the reserves of groups lack by now
	consumed map[int32]int64
	reserved map[int32]int64 // for users who held the product before
	states   []*state
	waiting  []int32           // products that may have waiters left to join
	short    map[int32]bool    // products of which somebody was refused a seat in this pass
	heads    map[int32]*Waiter // the next waiter of a product
	joined   map[ID]bool
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
		n := s.n
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
		for i := range s.c.Before.Sources {
			key := s.c.Before.Sources[i].Key
			if _, counted := t.before[key]; counted && s.c.Before.Admitted(key) {
				t.use(key, -n)
			}
		}
		for i := range s.sources {
			if s.admitted[i] {
				t.use(s.sources[i].Key, n)
			}
		}
	}
}

// use counts n more users who have a source.
func (t *settlement) use(key ID, n int64) {
	place, counted := t.places[key]
	if !counted {
		return
	}
	t.kept[place.Product] -= place.Lacks()
	place.Used += n
	t.kept[place.Product] += place.Lacks()
	t.places[key] = place
}

// Admitted tells whether a source is there and admitted.
func (u *User) Admitted(key ID) bool {
	return slices.ContainsFunc(u.Sources, func(a Source) bool { return a.Key == key }) &&
		!slices.ContainsFunc(u.Rows, func(r Row) bool { return r.Assignment == key && r.Plan == Whole })
}

// room is how many more users may have a source (R8).
func (t *settlement) room(key ID) int64 {
	if place, counted := t.places[key]; counted {
		return place.Limit - place.Used
	}
	return NoLimit
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

// free is how many seats of a product anybody may take; below 0 where less are left than are kept.
func (t *settlement) free(p int32) int64 {
	if t.seats[p].Unlimited {
		return math.MaxInt64
	}
	return t.left(p) - t.reserved[p] - t.kept[p]
}

// left is how many seats of a limited product nobody holds.
func (t *settlement) left(p int32) int64 { return t.seats[p].Total - t.consumed[p] }

// freeFor is how many seats are free for a source: those that anybody may take, and those kept for
// its group, as far as they are there (R8).
func (t *settlement) freeFor(a *Source) int64 {
	free := t.free(a.Product)
	if lacks := t.places[a.Key].Lacks(); lacks > 0 && !t.seats[a.Product].Unlimited {
		return min(lacks+max(0, free), t.left(a.Product)-t.reserved[a.Product])
	}
	return free
}

// split takes cases of several users apart where a seat, or a place through a group, can tell the
// users apart: there are some, but not for everybody.
func (t *settlement) split() error {
	demand := map[int32]int64{}
	for _, s := range t.states {
		for _, p := range s.wants() {
			demand[p] += s.n
		}
	}
	wanted, keeping := map[ID]int64{}, map[int32]bool{} // places, and products of which a kept seat can be taken or let go
	for _, s := range t.states {
		for key := range s.asks() {
			wanted[key] += s.n
			if place := t.places[key]; place.Lacks() > 0 {
				keeping[place.Product] = true
			}
		}
	}
	scarce := func(p int32) bool {
		if t.seats[p].Unlimited || t.left(p) <= 0 || t.left(p) <= t.kept[p] && !keeping[p] {
			return false
		}
		return t.free(p) < demand[p] || t.seats[p].Waiting > 0
	}
	apart := func(s *state) bool {
		if slices.ContainsFunc(s.wants(), scarce) {
			return true
		}
		for key := range s.asks() {
			if room := t.room(key); room > 0 && room < wanted[key] {
				return true
			}
		}
		return false
	}
	asked := func(p int32) bool { // for who waits for it
		return t.seats[p].Waiting > 0 && (t.seats[p].Unlimited || t.left(p) > 0)
	}
	if err := t.list(func(s *state) bool { return apart(s) || slices.ContainsFunc(s.waited(), asked) }); err != nil {
		return err
	}
	var states []*state
	for _, s := range t.states {
		if s.n == 1 || !apart(s) {
			states = append(states, s)
			continue
		}
		for i := range s.users {
			states = append(states, s.clone(s.users[i:i+1]))
		}
	}
	t.states = states
	return nil
}

// list has the users listed who were only counted, and who want a seat that can tell them apart,
// or waited for one: those must not be taken for others who wait.
func (t *settlement) list(apart func(*state) bool) error {
	var unlisted []*state
	var cases []*Case
	for _, s := range t.states {
		if s.users == nil && apart(s) {
			unlisted, cases = append(unlisted, s), append(cases, s.c)
		}
	}
	if len(cases) == 0 {
		return nil
	}
	if err := t.waiters.List(cases); err != nil {
		return err
	}
	for _, s := range unlisted {
		if s.users = s.c.Users; int64(len(s.users)) != s.n {
			return fmt.Errorf("engine: %d users of a case of %d are listed", len(s.users), s.n)
		}
	}
	return nil
}

// waited returns the products of which the users waited for a seat before the change.
func (s *state) waited() []int32 {
	var products []int32
	for _, row := range s.c.Before.Rows {
		i := slices.IndexFunc(s.c.Before.Sources, func(b Source) bool { return b.Key == row.Assignment })
		if row.Code == Count && i >= 0 {
			products = append(products, s.c.Before.Sources[i].Product)
		}
	}
	return products
}

// clone returns the state for some of its users.
func (s *state) clone(users []ID) *state {
	c := *s
	c.users, c.n = users, int64(len(users))
	c.admitted = slices.Clone(s.admitted)
	c.items = slices.Clone(s.items)
	c.reserved = slices.Clone(s.reserved)
	return &c
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

// asks iterates over the sources that wait as a whole.
func (s *state) asks() func(yield func(ID) bool) {
	return func(yield func(ID) bool) {
		for _, it := range s.items {
			if it.plan == Whole && !yield(s.sources[it.source].Key) {
				return
			}
		}
	}
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
// Waiters join in their place while there are seats for them. It ends early where a kept seat is let go
// of which product somebody was refused one: that one comes first.
func (t *settlement) pass() (bool, error) {
	clear(t.short)
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
		p := c.s.sources[c.item.source].Product
		short, free := t.short[p], int64(0)
		if short {
			free = max(0, t.free(p))
		}
		if t.try(c.s, c.item) {
			admitted = true
			if short && t.free(p) > free {
				return true, nil
			}
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
	if t.r.Check(s.c.Barred, s.on, s.joining(it)).Code != None {
		return false
	}
	a := &s.sources[it.source]
	p, n := a.Product, s.n
	if it.plan == Whole && t.room(a.Key) < n {
		return false
	}
	if it.plan == Whole && !s.holds(p) { // R4: one seat, however many sources
		if i := slices.Index(s.reserved, p); i >= 0 {
			s.reserved = slices.Delete(s.reserved, i, i+1)
			t.reserved[p] -= n
		} else if t.freeFor(a) < n {
			t.short[p] = true
			return false
		}
		t.consumed[p] += n
	}
	if it.plan == Whole {
		t.use(a.Key, n)
	}
	s.admit(it)
	return true
}

// release gives up unused reservations and tells whether there were any.
func (t *settlement) release() bool {
	released := false
	for _, s := range t.states {
		for _, p := range s.reserved {
			t.reserved[p] -= s.n
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
		v := Verdict{Case: s.c, Users: s.users, Count: s.n, After: User{Sources: s.sources, Barred: s.c.Barred}, Refusal: s.refusal}
		for _, it := range s.items {
			code := t.r.Check(s.c.Barred, s.on, s.joining(it)).Code
			if code == None {
				a := &s.sources[it.source]
				switch p := a.Product; {
				case it.plan == Whole && t.room(a.Key) < s.n:
					code = GroupLimit
				case it.plan != Whole || s.holds(p) || t.freeFor(a) >= s.n:
					return nil, fmt.Errorf("engine: an item of product %d passes every check and was not admitted", p)
				default:
					code = Count
				}
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
