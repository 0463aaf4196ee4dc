package oracle

import (
	"maps"
	"slices"
)

// Add assigns a product or edits its assignment. At most one of Selection,
// Switch and PlansFrom is set; without any the selection of an existing
// assignment is kept and a new one selects all plans. A nil IncludeNested keeps,
// and is true for a new assignment (R1, R2, R24).
type Add struct {
	Product       ID
	Selection     *Selection
	Switch        *Switch
	PlansFrom     *ID // off is what is off in the principal's own assignment of this product
	Replaces      *ID // only for principals with an own assignment of this product, which goes
	IncludeNested *bool
	StartsAt      *Date // nil keeps; at once for a new assignment (R1)
	EndsAt        *Date // nil keeps; never for a new assignment
	Priority      *int  // nil keeps, and is 0 for a new assignment
	SeatLimit     *int  // nil keeps, and is any number for a new assignment; so is a negative one
	SeatReserve   *int  // nil keeps, and is 0 for a new assignment
	Exclude       []ID  // groups; nil keeps, and is none for a new assignment
}

// Assign is assignLicenses: the same adds and removes for every principal,
// users and groups mixed. Replace: each principal's own assignments are to be
// those of Add. Atomic: what is wrong with one principal refuses all (R25).
type Assign struct {
	Principals      []ID
	Add             []Add
	Remove          []ID
	Replace, Atomic bool
	Acknowledge     *int
}

// Apply implements Operation. The whole call is refused with NOT_FOUND,
// PLAN_NOT_IN_PRODUCT or INVALID_VALUE; a principal with NOT_FOUND,
// NO_SUBSCRIPTION, LICENSE_IS_INHERITED or the code of the first check that
// fails (R12, R25).
func (op Assign) Apply(s *State, now int64) Outcome {
	if op.Replace && op.Add == nil {
		return refuse(Required)
	}
	if op.Replace && len(op.Remove) > 0 {
		return refuse(InvalidValue)
	}
	if code := s.invalid(op.Add, op.Remove, now); code != "" {
		return refuse(code)
	}
	principals := SetOf(op.Principals...).Sorted()
	results := map[ID]Result{}
	for _, principal := range principals {
		if code := s.inadmissible(principal, op.Add, op.Remove, now); code != "" {
			results[principal] = Result{Refusal: code}
		}
	}
	if op.Atomic && failed(results) {
		return Outcome{Principals: excuse(principals, results)}
	}
	// A refused principal changes nothing (R12): the call is judged anew as if
	// it had not asked. That cannot change the verdict on those before it: it
	// rests on their own items and on the seats free before the call (R25).
	for {
		c := begin(s, now)
		for _, add := range op.Add {
			c.adds[add.Product] = true
		}
		for _, principal := range principals {
			if results[principal].Refusal == "" {
				results[principal] = Result{Changed: c.write(principal, op.Add, s.removals(principal, op))}
			}
		}
		c.takeAway()
		if principal, code := c.judgeDirect(principals, results, op.Add); code != "" {
			results[principal] = Result{Refusal: code}
			continue
		}
		if op.Atomic && failed(results) {
			return Outcome{Principals: excuse(principals, results)}
		}
		outcome := Outcome{Changed: anyChanged(results), Principals: results}
		if outcome.Changed {
			c.admitRest()
			if done := c.finish(s, op.Acknowledge, false); done.Refusal != "" {
				return done
			}
		}
		return outcome
	}
}

// failed reports whether something is wrong with a principal. That it does not
// have what is to be replaced is not.
func failed(results map[ID]Result) bool {
	for _, r := range results {
		if r.Refusal != "" && r.Refusal != NotApplied {
			return true
		}
	}
	return false
}

// excuse tells those with whom nothing is wrong that nothing was done to them.
func excuse(principals []ID, results map[ID]Result) map[ID]Result {
	told := map[ID]Result{}
	for _, principal := range principals {
		told[principal] = Result{Refusal: NotApplied}
		if code := results[principal].Refusal; code != "" {
			told[principal] = Result{Refusal: code}
		}
	}
	return told
}

// removals are the products whose own assignments the call takes from a
// principal.
func (s *State) removals(principal ID, op Assign) []ID {
	removes := slices.Clone(op.Remove)
	named := Set{}
	for _, add := range op.Add {
		named[add.Product] = true
		if add.Replaces != nil {
			removes = append(removes, *add.Replaces)
		}
	}
	for key := range s.Assignments {
		if op.Replace && key.Principal == principal && !named[key.Product] {
			removes = append(removes, key.Product)
		}
	}
	return removes
}

// invalid is what is wrong with the lists themselves, which refuses the whole
// call (R25): an unknown product, a product added twice or both added and
// removed, two forms of selection in one add, a plan both switched on and off,
// a plan that is not in its product (R2), dates that cannot be.
func (s *State) invalid(adds []Add, removes []ID, now int64) Code {
	named := SetOf(removes...)
	for product := range named {
		if _, known := s.Products[product]; !known {
			return NotFound
		}
	}
	for _, add := range adds {
		for _, group := range add.Exclude {
			if !s.Groups[group] {
				return NotFound
			}
		}
		plans, known := s.Products[add.Product]
		if !known {
			return NotFound
		}
		ways := 0
		for _, given := range []bool{add.Selection != nil, add.Switch != nil, add.PlansFrom != nil} {
			if given {
				ways++
			}
		}
		if named[add.Product] {
			return DuplicateValue
		}
		if ways > 1 {
			return InvalidValue
		}
		for _, other := range []*ID{add.PlansFrom, add.Replaces} {
			if other == nil {
				continue
			}
			if _, known := s.Products[*other]; !known {
				return NotFound
			}
		}
		named[add.Product] = true
		listed := Set{}
		if add.Selection != nil {
			listed = add.Selection.stored().Plans
		}
		if add.Switch != nil {
			listed = SetOf(slices.Concat(add.Switch.On, add.Switch.Off)...)
			if on, off := SetOf(add.Switch.On...), SetOf(add.Switch.Off...); len(listed) < len(on)+len(off) {
				return DuplicateValue
			}
		}
		for plan := range listed {
			if !plans[plan] {
				return PlanNotInProduct
			}
		}
	}
	for _, add := range adds {
		if add.misdated(now) {
			return InvalidValue
		}
	}
	for _, add := range adds {
		if add.Replaces != nil && named[*add.Replaces] {
			return DuplicateValue
		}
	}
	return ""
}

// inadmissible is what is wrong with one principal before any check. In this
// order:
//   - NOT_FOUND: neither a group nor a user who is not deleted;
//   - INVALID_VALUE: first-level members only, groups to exclude, a limit or a reserve, asked
//     for a user, who has none; a group that is to exclude itself;
//   - NOT_APPLIED: it has no assignment of its own of what is to be replaced;
//   - INVALID_VALUE: dates that its assignment cannot have, or a reserve beyond its
//     limit;
//   - NO_SUBSCRIPTION, which comes before all (R16): an add that would make an
//     assignment of a product without live subscription, to a user or a group,
//     or an edit of a user's that would turn a plan on, or let it begin (R12 refuses an add that
//     cannot be admitted, never an edit that only switches off; a group's edit
//     always succeeds);
//   - USAGE_LOCATION_REQUIRED for a new assignment of a user without a location
//     (R11);
//   - LICENSE_IS_INHERITED (R21): a user's removal of a product that reaches
//     the user through groups alone before the call, admitted or not. A group
//     that has a product through its parents only does not "have" it: no change.
func (s *State) inadmissible(principal ID, adds []Add, removes []ID, now int64) Code {
	user, isUser := s.Users[principal]
	if !s.Groups[principal] && (!isUser || user.Deleted) {
		return NotFound
	}
	for _, add := range adds {
		if isUser && add.IncludeNested != nil && !*add.IncludeNested {
			return InvalidValue
		}
		if isUser && add.SeatLimit != nil && *add.SeatLimit >= 0 || isUser && add.SeatReserve != nil && *add.SeatReserve > 0 || isUser && len(add.Exclude) > 0 || slices.Contains(add.Exclude, principal) {
			return InvalidValue
		}
	}
	for _, add := range adds {
		if add.Replaces == nil {
			continue
		}
		if _, has := s.Assignments[AssignmentKey{principal, *add.Replaces}]; !has {
			return NotApplied
		}
	}
	for _, add := range adds {
		key := AssignmentKey{principal, add.Product}
		if a := s.resolve(key, add); s.undatable(key, add, now) || a.SeatLimit != nil && a.SeatReserve > *a.SeatLimit {
			return InvalidValue
		}
	}
	for _, add := range adds {
		key := AssignmentKey{principal, add.Product}
		old, exists := s.Assignments[key]
		scheduled := add.dated(old, now).Scheduled
		turnsOn := exists && isUser && !scheduled && (old.Scheduled || s.turnsOn(key, add))
		if !exists && !s.subscribable(add.Product, scheduled) || turnsOn && !s.Subscribed(add.Product) {
			return NoSubscription
		}
	}
	for _, add := range adds {
		if _, exists := s.Assignments[AssignmentKey{principal, add.Product}]; isUser && !exists && user.Location == "" { // R11
			return LocationRequired
		}
	}
	for _, product := range removes {
		_, own := s.Assignments[AssignmentKey{principal, product}]
		reached := slices.ContainsFunc(s.Reach(principal), func(key AssignmentKey) bool { return key.Product == product })
		if reached && !own {
			return LicenseIsInherited
		}
	}
	return ""
}

// resolve returns the assignment that an add leaves behind, CreatedAt and dates
// aside.
func (s *State) resolve(key AssignmentKey, add Add) Assignment {
	a, exists := s.Assignments[key]
	if !exists {
		a = Assignment{Selection: AllPlans(), IncludeNested: true}
	}
	if add.Selection != nil {
		a.Selection = add.Selection.stored()
	}
	if add.Switch != nil {
		a.Selection = a.Selection.switched(*add.Switch)
	}
	if add.PlansFrom != nil {
		off := Set{}
		other := AssignmentKey{key.Principal, *add.PlansFrom}
		if _, has := s.Assignments[other]; has {
			for plan := range s.Products[*add.PlansFrom] {
				if s.Products[key.Product][plan] && !s.Selected(other)[plan] {
					off[plan] = true
				}
			}
			a.Selection = AllExcept(off.Sorted()...)
		} // without one there is nothing to carry over: a repetition changes nothing (R24)
	}
	if add.IncludeNested != nil {
		a.IncludeNested = *add.IncludeNested
	}
	if add.Priority != nil {
		a.Priority = *add.Priority
	}
	if add.SeatLimit != nil {
		a.SeatLimit = nil
		if *add.SeatLimit >= 0 {
			a.SeatLimit = add.SeatLimit
		}
	}
	if add.SeatReserve != nil {
		a.SeatReserve = *add.SeatReserve
	}
	if add.Exclude != nil {
		a.Excludes = SetOf(add.Exclude...)
	}
	return a
}

// turnsOn reports whether an add selects a plan that the assignment does not
// select yet.
func (s *State) turnsOn(key AssignmentKey, add Add) bool {
	before := s.Selected(key)
	for plan := range s.resolve(key, add).Selection.Of(s.Products[key.Product]) {
		if !before[plan] {
			return true
		}
	}
	return false
}

// write writes one principal's part of the facts and reports whether it differs
// from what is stored: an identical assignment and the removal of one that is
// not there do not (R12, R21).
func (c *change) write(principal ID, adds []Add, removes []ID) (changed bool) {
	for _, add := range adds {
		key := AssignmentKey{principal, add.Product}
		a := add.dated(c.before.resolve(key, add), c.now)
		old, exists := c.before.Assignments[key]
		if exists && a.IncludeNested == old.IncludeNested && a.Priority == old.Priority && maps.Equal(a.Excludes, old.Excludes) &&
			sameSeats(a.SeatLimit, old.SeatLimit) && a.SeatReserve == old.SeatReserve && a.Selection.Equal(old.Selection) &&
			a.Scheduled == old.Scheduled && a.StartsAt == old.StartsAt && a.EndsAt == old.EndsAt {
			continue
		}
		c.written[key] = true
		if !exists {
			a.CreatedAt = c.now
		}
		c.after.Assignments[key] = a
		changed = true
	}
	for product := range SetOf(removes...) {
		key := AssignmentKey{principal, product}
		if _, exists := c.before.Assignments[key]; exists {
			delete(c.after.Assignments, key)
			c.removed[key] = true
			changed = true
		}
	}
	return changed
}

// judgeDirect is R12 and R25: each user among the principals, in id order, is
// judged whole in a state from which all has been taken away that the call
// takes away, with the user's own items only. It returns the first one to be
// refused with the code, or an empty code where all are admitted; then their
// items are. The code is that of the first item, in R5's order, that is left when
// no other can be admitted, as the state then is.
func (c *change) judgeDirect(principals []ID, results map[ID]Result, adds []Add) (ID, Code) {
	used := map[ID]int{} // seats that earlier principals took, by product
	for _, principal := range principals {
		_, isUser := c.before.Users[principal]
		if !isUser || !results[principal].Changed {
			continue
		}
		seat := c.freeBefore(used)
		for admitted := true; admitted; {
			admitted = false
			for _, item := range slices.SortedFunc(maps.Keys(c.own(principal, adds)), c.compare) {
				if c.firstFailing(item, seat) == "" {
					delete(c.after.Violations, item)
					admitted = true
				}
			}
		}
		for _, item := range slices.SortedFunc(maps.Keys(c.own(principal, adds)), c.compare) {
			return principal, c.firstFailing(item, seat)
		}
		if c.losesDependent(principal, used) {
			return principal, Dependency
		}
	}
	return ID{}, ""
}

// freeBefore takes seats, and counts them: a product that the user held before
// and still has brings its own seat; every other seat was free before the call.
func (c *change) freeBefore(taken map[ID]int) func(item RowKey) bool {
	return func(item RowKey) bool {
		if c.reserved(item.User, item.Product) {
			return true
		}
		total, limited := c.before.Total(item.Product)
		if limited && !c.before.seatIn(total-c.before.Consumed(item.Product)-taken[item.Product], item.assignment()) {
			return false
		}
		taken[item.Product]++
		return true
	}
}

// losesDependent is R10 for a call on a user's own assignments: once all that
// can heal on this user alone has healed, with the seats that were free before
// the call and not taken by users before this one, a plan that was on is off
// for want of what it needs, while a source that enabled it selects it still.
func (c *change) losesDependent(user ID, used map[ID]int) bool {
	alone := *c
	alone.alone = true
	alone.after = c.after.Clone()
	taken := maps.Clone(used)
	seat := alone.freeBefore(taken)
	for again := true; again; {
		again = false
		for _, item := range slices.SortedFunc(maps.Keys(alone.after.Violations), alone.compare) {
			if item.User == user && alone.firstFailing(item, seat) == "" {
				delete(alone.after.Violations, item)
				again = true
			}
		}
	}
	on := alone.after.OnPlans(user)
	for _, key := range alone.after.Sources(user) {
		for plan := range c.before.On(user, key) {
			item := RowKey{user, key.Principal, key.Product, plan}
			if !on[plan] && alone.after.Selected(key)[plan] && alone.after.failing(item) == Dependency {
				return true
			}
		}
	}
	return false
}

// own returns the pending items that a user's part of the call must get
// admitted: each direct source that begins, and each plan that an edit turns on. Where
// the edited source waits as a whole, since before or because of the edit, that
// is the whole source. What an edit that only switches plans off leaves pending
// is no item of these: it is never refused, and is tried with everything else
// (R12).
func (c *change) own(user ID, adds []Add) map[RowKey]bool {
	items := map[RowKey]bool{}
	for _, add := range adds {
		key := AssignmentKey{user, add.Product}
		if old, existed := c.before.Assignments[key]; existed && !old.Scheduled && !c.before.turnsOn(key, add) {
			continue
		}
		before := c.before.Selected(key)
		for item := range c.after.Violations {
			if item.User == user && item.assignment() == key && (item.Whole() || !before[item.Plan]) {
				items[item] = true
			}
		}
	}
	return items
}
