package oracle_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle/worlds"
)

// Every property is looked at after each of a sequence of random operations.
func TestRandomOperationsKeepTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var world worlds.World
		s, now := oracle.New(), int64(0)
		for _, op := range world.Start(t) {
			now++
			if out := op.Apply(s, now); out.Refusal != "" {
				t.Fatalf("setting up: %#v is refused: %s", op, out.Refusal)
			}
		}
		for range rapid.IntRange(1, 25).Draw(t, "operations") {
			now++
			world.Now = now - 1
			op := world.Next(t, s)
			before, shuffled := s.Clone(), s.Clone()
			out := op.Apply(s, now)

			if err := s.Check(); err != nil {
				t.Fatalf("after %#v: %v", op, err)
			}
			checkOutcome(t, op, before, s, out)
			if out.Turns < 2 { // else there were states between the two
				checkNobodyDisplaced(t, op, before, s)
				checkSince(t, before, s, now)
			}

			again := worlds.Shuffle(t, op).Apply(shuffled, now)
			if !reflect.DeepEqual(out, again) || !sameState(s, shuffled) {
				t.Fatalf("the order of the input of %#v matters (R5)", op)
			}
			reprocessed := s.Clone()
			if r := (oracle.Reprocess{}).Apply(reprocessed, now+1); r.Changed || !reflect.DeepEqual(s, reprocessed) {
				t.Fatalf("after %#v something is left to heal (R13)", op)
			}
			checkRepeat(t, op, s.Clone(), out, now) // a date to come is one still
			now += int64(max(0, out.Turns-1))
		}
	})
}

// checkOutcome: what is refused changes nothing (R12), and only a change is
// called one.
func checkOutcome(t *rapid.T, op oracle.Operation, before, after *oracle.State, out oracle.Outcome) {
	if changed := !reflect.DeepEqual(before, after); changed != out.Changed {
		t.Fatalf("%#v says changed %v, the state says %v", op, out.Changed, changed)
	}
	for principal, r := range out.Principals {
		if r.Refusal == "" {
			continue
		}
		if r.Changed || !reflect.DeepEqual(ownAssignments(before, principal), ownAssignments(after, principal)) {
			t.Fatalf("%#v refuses %s (%s) and changes it", op, principal, r.Refusal)
		}
	}
	// A direct principal whose part is stored has all that was new in it
	// admitted (R12).
	assign, ok := op.(oracle.Assign)
	for principal, r := range out.Principals {
		if _, isUser := before.Users[principal]; !ok || !isUser || r.Refusal != "" {
			continue
		}
		for _, add := range assign.Add {
			key := oracle.AssignmentKey{Principal: principal, Product: add.Product}
			on, selectedBefore := after.On(principal, key), before.Selected(key)
			for plan := range after.Selected(key) {
				if !selectedBefore[plan] && !on[plan] && !after.Assignments[key].Scheduled {
					t.Fatalf("%#v is granted to %s with a plan that is not on", op, principal)
				}
			}
			if _, existed := before.Assignments[key]; !existed && !after.Assignments[key].Scheduled && !after.Admitted(principal, key) {
				t.Fatalf("%#v is granted to %s and waits", op, principal)
			}
		}
	}
}

func ownAssignments(s *oracle.State, principal oracle.ID) map[oracle.AssignmentKey]oracle.Assignment {
	own := maps.Clone(s.Assignments)
	maps.DeleteFunc(own, func(key oracle.AssignmentKey, _ oracle.Assignment) bool { return key.Principal != principal })
	return own
}

// checkNobodyDisplaced: what was on and is still selected stays on, except by
// a change of the catalogue, a move and a base that goes (when it comes again
// another may have taken the place); who held a product and still has a source of it
// never lacks a seat (R5, R9).
func checkNobodyDisplaced(t *rapid.T, op oracle.Operation, before, after *oracle.State) {
	_, catalogue := op.(oracle.ChangeCatalogue)
	for _, user := range after.LiveUsers() {
		for _, key := range after.Sources(user) {
			on := after.On(user, key)
			for plan := range before.On(user, key) {
				if after.Selected(key)[plan] && !on[plan] && !catalogue && after.Requires[plan] == nil && !lostByRule(after, user, key) {
					t.Fatalf("%#v: plan %s of %s goes off for %s", op, plan, key.Product, user)
				}
			}
			kept := after.Violations[oracle.RowKey{User: user, Principal: key.Principal, Product: key.Product}]
			if before.Holds(user, key.Product) && kept.Code == oracle.CountViolation {
				t.Fatalf("%#v: %s held %s and lost the seat", op, user, key.Product)
			}
		}
	}
}

// lostByRule reports whether something of a source is off for a rule that can
// take what is held (R10, R11).
func lostByRule(s *oracle.State, user oracle.ID, key oracle.AssignmentKey) bool {
	return slices.ContainsFunc(s.Rows(), func(row oracle.Row) bool {
		return row.User == user && row.Principal == key.Principal && row.Product == key.Product &&
			(row.Code == oracle.Prohibited || row.Code == oracle.Dependency)
	})
}

// checkSince: a row that was there keeps its instant, a new one bears this
// change's (R5).
func checkSince(t *rapid.T, before, after *oracle.State, now int64) {
	for _, row := range after.Rows() {
		since := now
		if old, waited := before.Violations[row.RowKey]; waited {
			since = old.Since
		}
		if row.Since != since {
			t.Fatalf("%v waits since %d, want %d", row.RowKey, row.Since, since)
		}
	}
}

// checkRepeat: an assignment or a change of members that was carried out
// changes nothing the second time (R12, R24).
func checkRepeat(t *rapid.T, op oracle.Operation, s *oracle.State, out oracle.Outcome, now int64) {
	again := op.Apply(s, now)
	for principal, r := range out.Principals {
		if r.Refusal == "" && again.Principals[principal].Changed {
			t.Fatalf("%#v repeated changes %s again", op, principal)
		}
	}
	for member, r := range out.Members {
		if r.Refusal == "" && again.Members[member].Changed {
			t.Fatalf("%#v repeated changes %v again", op, member)
		}
	}
}

// sameState compares states whose exclusion sets may stand in another order.
func sameState(a, b *oracle.State) bool {
	a, b = a.Clone(), b.Clone()
	if len(a.Exclusions) != len(b.Exclusions) {
		return false
	}
	for _, set := range a.Exclusions {
		if !slices.ContainsFunc(b.Exclusions, func(other oracle.Set) bool { return maps.Equal(set, other) }) {
			return false
		}
	}
	a.Exclusions, b.Exclusions = nil, nil
	return reflect.DeepEqual(a, b)
}
