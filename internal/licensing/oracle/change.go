package oracle

import (
	"cmp"
	"maps"
	"slices"
)

// change is one change on its way: the state before, and the state after,
// whose facts are written first and whose rows are settled then. While it is
// under way the rows of after are the pending items, new and waiting alike;
// admitting one deletes its row.
type change struct {
	before, after *State
	now           int64
	removed       map[AssignmentKey]bool // assignments this call takes from a principal (R5, kept)
	written       map[AssignmentKey]bool // assignments this call makes or edits
	adds          Set                    // products that this call asks to add (R27)
	alone         bool                   // one user is judged, by the places that were free before (R10)
	reserving     bool                   // seats of users who held a product and still have a source are theirs
}

func begin(s *State, now int64) *change {
	return &change{before: s, after: s.Clone(), now: now, removed: map[AssignmentKey]bool{}, written: map[AssignmentKey]bool{}, adds: Set{}, reserving: true}
}

// settle carries out a change without direct principals, once its facts are
// written.
func (c *change) settle() {
	c.takeAway()
	c.admitRest()
}

// takeAway does all that precedes admission: it lets go what ended, enters
// what is new as pending, and withholds.
func (c *change) takeAway() {
	c.dropRows()
	c.enterNewcomers()
	c.withholdBarred()
	c.withholdExcluded()
	c.withholdDependents()
	c.degradeEmptySources()
}

// dropRows removes the rows of sources that ended (a source lives as long as
// the assignment reaches the user by any path, R1) and of plans that are no
// longer selected: plans switched off, or gone from the product, go at once.
func (c *change) dropRows() {
	for key := range c.after.Violations {
		alive := slices.Contains(c.after.Sources(key.User), key.assignment())
		if !alive || (!key.Whole() && !c.after.Selected(key.assignment())[key.Plan]) {
			delete(c.after.Violations, key)
		}
	}
}

// enterNewcomers: a source that begins waits as a whole. Plans added to an
// admitted source wait each on its own. A source that already waits as a whole
// goes on so with its since, whatever becomes of its selection (R5).
func (c *change) enterNewcomers() {
	newcomer := Violation{Since: c.now}
	for _, user := range c.after.LiveUsers() {
		for _, key := range c.after.Sources(user) {
			switch {
			case !slices.Contains(c.before.Sources(user), key):
				c.after.Violations[wholeRow(user, key)] = newcomer
			case c.before.Admitted(user, key):
				for plan := range c.after.Selected(key) {
					if !c.before.Selected(key)[plan] {
						c.after.Violations[RowKey{user, key.Principal, key.Product, plan}] = newcomer
					}
				}
			}
		}
	}
}

// withholdBarred is R11 for plans that are on.
func (c *change) withholdBarred() {
	for _, user := range c.after.LiveUsers() {
		for plan := range c.after.OnPlans(user) {
			if c.after.barred(user, plan) {
				c.withhold(user, plan)
			}
		}
	}
}

// withholdDependents is R10 for plans that are on: what lacks all that it needs
// is withheld, and again what needs that, until nothing changes.
func (c *change) withholdDependents() {
	for _, user := range c.after.LiveUsers() {
		for again := true; again; {
			again = false
			on := c.after.OnPlans(user)
			for plan := range on {
				if c.after.lacks(plan, on) {
					c.withhold(user, plan)
					again = true
				}
			}
		}
	}
}

// withhold withholds a plan in every source that enables it for a user.
func (c *change) withhold(user, plan ID) {
	for _, key := range c.after.Sources(user) {
		if c.after.On(user, key)[plan] {
			c.after.Violations[RowKey{user, key.Principal, key.Product, plan}] = Violation{Since: c.now}
		}
	}
}

// withholdExcluded is R9 for plans held already, which only a catalogue change
// can make exclusive: in the order of their first enabling sources each stays
// unless it clashes with one that stays, and one that does not stay is withheld
// in every source that enables it. Plans just added are not held yet.
func (c *change) withholdExcluded() {
	for _, user := range c.after.LiveUsers() {
		first := map[ID]RowKey{}
		for _, key := range c.after.Sources(user) {
			for plan := range c.after.On(user, key) {
				item := RowKey{user, key.Principal, key.Product, plan}
				if other, ranked := first[plan]; !ranked || c.compareHeld(item, other) < 0 {
					first[plan] = item
				}
			}
		}
		stay := Set{}
		for _, item := range slices.SortedFunc(maps.Values(first), c.compareHeld) {
			if !slices.ContainsFunc(stay.Sorted(), func(plan ID) bool { return c.after.clash(plan, item.Plan) }) {
				stay[item.Plan] = true
				continue
			}
			c.withhold(user, item.Plan)
		}
	}
}

// compareHeld orders held plans by (2), (5), (7) and (8) of R5; the user is the
// same, and what is held does not wait: no priority orders it.
func (c *change) compareHeld(a, b RowKey) int {
	return cmp.Or(
		compareBools(a.direct(), b.direct()),
		cmp.Compare(c.after.Assignments[a.assignment()].CreatedAt, c.after.Assignments[b.assignment()].CreatedAt),
		compareIDs(a.Product, b.Product),
		compareIDs(a.Principal, b.Principal),
		compareIDs(a.Plan, b.Plan),
	)
}

// degradeEmptySources: an admitted source that selects plans and has none on
// (plans just added count as not on) waits from now on as a whole, in place of
// its plan rows. One that selects nothing stays as it is and keeps its seat
// (R4).
func (c *change) degradeEmptySources() {
	for _, user := range c.after.LiveUsers() {
		for _, key := range c.after.Sources(user) {
			selected := c.after.Selected(key)
			if !c.after.Admitted(user, key) || len(selected) == 0 || len(c.after.On(user, key)) > 0 {
				continue
			}
			for plan := range selected {
				delete(c.after.Violations, RowKey{user, key.Principal, key.Product, plan})
			}
			c.after.Violations[wholeRow(user, key)] = Violation{Since: c.now}
		}
	}
}

// admitRest is R13: all pending items in R5's order, over and over until a pass
// admits none; then again with what was reserved and not used; then each row
// that is left gets its code.
func (c *change) admitRest() {
	c.reserving = true
	c.admitInPasses()
	c.reserving = false
	c.admitInPasses()
	c.setCodes()
}

func (c *change) admitInPasses() {
	for c.admitInAPass() {
	}
}

// admitInAPass reports whether anything was admitted. Where that lets a kept seat
// go, of a product of which somebody was refused a seat before in the pass, the pass
// ends: who was refused comes first.
func (c *change) admitInAPass() bool {
	admitted, refused := false, Set{}
	for _, item := range slices.SortedFunc(maps.Keys(c.after.Violations), c.compare) {
		free := 0
		if refused[item.Product] {
			free = c.free(item.Product)
		}
		switch c.firstFailing(item, c.seatFree) {
		case CountViolation:
			refused[item.Product] = true
		case "":
			delete(c.after.Violations, item)
			admitted = true
			if refused[item.Product] && c.free(item.Product) > max(0, free) {
				return true
			}
		}
	}
	return admitted
}

// free is how many seats of a limited product are left that are nobody's and kept
// for nobody.
func (c *change) free(product ID) int {
	total, limited := c.after.Total(product)
	if !limited {
		return 0
	}
	return total - c.after.Consumed(product) - c.reservations(product) - c.after.Kept(product)
}

// compare is R5's order of pending items.
func (c *change) compare(a, b RowKey) int {
	return cmp.Or(
		compareBools(c.kept(a), c.kept(b)),
		compareBools(a.direct(), b.direct()),
		cmp.Compare(c.after.Assignments[b.assignment()].Priority, c.after.Assignments[a.assignment()].Priority),
		cmp.Compare(c.after.Violations[a].Since, c.after.Violations[b].Since),
		cmp.Compare(c.after.Assignments[a.assignment()].CreatedAt, c.after.Assignments[b.assignment()].CreatedAt),
		compareIDs(a.Product, b.Product),
		compareIDs(a.User, b.User),
		compareIDs(a.Principal, b.Principal),
		compareIDs(a.Plan, b.Plan), // the nil id of a whole source comes first
	)
}

// kept is (1) of R5, for whole sources only: the user held the product before
// the change, or the source begins in this call and another assignment of the
// same principal, of whatever product, was removed by the same call while its
// source was admitted for this user.
func (c *change) kept(item RowKey) bool {
	if !item.Whole() {
		return false
	}
	if c.before.Holds(item.User, item.Product) {
		return true
	}
	if slices.Contains(c.before.Sources(item.User), item.assignment()) {
		return false
	}
	for key := range c.removed {
		if key.Principal == item.Principal && c.before.Admitted(item.User, key) {
			return true
		}
	}
	return false
}

// firstFailing returns the code of the first check that the item fails:
// location, exclusion, dependency, then the group's limit and seats, which only a
// whole source needs, a seat only where the user does not hold the product yet (R4, R8–R11). It is
// empty where the item can be admitted.
func (c *change) firstFailing(item RowKey, seat func(item RowKey) bool) Code {
	switch code := c.after.failing(item); {
	case code != "":
		return code
	case !item.Whole():
		return ""
	case c.full(item):
		return GroupSeatLimit
	case c.after.Holds(item.User, item.Product):
		return ""
	case !seat(item):
		return CountViolation
	}
	return ""
}

// full: nobody more may have the assignment of a source (R8).
func (c *change) full(item RowKey) bool {
	if c.alone {
		return c.before.full(item.assignment()) && !c.before.Admitted(item.User, item.assignment())
	}
	return c.after.full(item.assignment())
}

// seatFree: a user's own reserved seat, even where more seats are taken than
// there are; else one beyond all that are taken or reserved (R5, R14), and not
// kept for another's group (R8).
func (c *change) seatFree(item RowKey) bool {
	if c.reserved(item.User, item.Product) {
		return true
	}
	left, limited := c.after.Total(item.Product)
	if !limited {
		return true
	}
	return c.after.seatIn(left-c.after.Consumed(item.Product)-c.reservations(item.Product), item.assignment())
}

// reservations counts who has a seat of a product reserved.
func (c *change) reservations(product ID) int {
	n := 0
	for _, user := range c.after.LiveUsers() {
		if c.reserved(user, product) {
			n++
		}
	}
	return n
}

// reserved: the user held the product before the change, has a source of it
// still, and has not come to hold it again yet.
func (c *change) reserved(user, product ID) bool {
	return c.reserving && c.before.Holds(user, product) && !c.after.Holds(user, product) &&
		slices.ContainsFunc(c.after.Sources(user), func(key AssignmentKey) bool { return key.Product == product })
}

// setCodes gives every row that is left the first check that it fails in the
// state as it now is. Since stays (R5).
func (c *change) setCodes() {
	for item, v := range c.after.Violations {
		switch v.Code = c.after.failing(item); {
		case v.Code == "" && c.after.full(item.assignment()):
			v.Code = GroupSeatLimit
		case v.Code == "":
			v.Code = CountViolation
		}
		c.after.Violations[item] = v
	}
}

// compareBools orders true before false.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
