package engine_test

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// criteria are those of R5's order, each as what it copies from one key to another.
var criteria = []struct {
	name string
	copy func(to *engine.Key, from engine.Key)
}{
	{"kept", func(k *engine.Key, from engine.Key) { k.Kept = from.Kept }},
	{"direct before inherited", func(k *engine.Key, from engine.Key) { k.Direct = from.Direct }},
	{"priority", func(k *engine.Key, from engine.Key) { k.Priority = from.Priority }},
	{"since", func(k *engine.Key, from engine.Key) { k.Since = from.Since }},
	{"assignment creation", func(k *engine.Key, from engine.Key) { k.Created = from.Created }},
	{"skuId", func(k *engine.Key, from engine.Key) { k.Sku = from.Sku }},
	{"user id", func(k *engine.Key, from engine.Key) { k.User = from.User }},
	{"principal id", func(k *engine.Key, from engine.Key) { k.Principal = from.Principal }},
	{"plan id", func(k *engine.Key, from engine.Key) { k.Plan, k.PlanID = from.Plan, from.PlanID }},
}

// Each criterion decides where all before it are equal, whatever those after it say.
func TestEachCriterionOfTheOrderDecidesBeforeTheNextR5(t *testing.T) {
	better := engine.Key{Kept: true, Direct: true, Priority: 1, Since: 1, Created: 1, Sku: skuID(1), User: userID(1), Principal: groupID(1), Plan: 1, PlanID: planID(1)}
	worse := engine.Key{Since: 2, Created: 2, Sku: skuID(2), User: userID(2), Principal: groupID(2), Plan: 2, PlanID: planID(2)}
	for i, c := range criteria {
		t.Run(c.name, func(t *testing.T) {
			a, b := worse, better // as all later criteria have it
			for _, earlier := range criteria[:i] {
				earlier.copy(&a, better)
			}
			c.copy(&a, better)
			c.copy(&b, worse)
			if !engine.Less(&a, &b) || engine.Less(&b, &a) {
				t.Errorf("it does not decide between %+v and %+v", a, b)
			}
		})
	}
}

func TestWholeSourceComesBeforeItsPlansR5(t *testing.T) {
	whole, plan := engine.Key{Plan: engine.Whole}, engine.Key{Plan: 0, PlanID: engine.ID{}}
	if !engine.Less(&whole, &plan) || engine.Less(&plan, &whole) {
		t.Error("a plan with the smallest id is not behind the whole source")
	}
}

// Less is a strict weak order, and the text of R5 read word by word.
func TestOrderIsStrictAndSaysWhatItsTextSaysR5(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) engine.Key {
		few := rapid.Int64Range(0, 1)
		k := engine.Key{
			Kept: rapid.Bool().Draw(t, "kept"), Direct: rapid.Bool().Draw(t, "direct"), Priority: few.Draw(t, "priority"), Since: few.Draw(t, "since"), Created: few.Draw(t, "created"),
			Sku: skuID(int32(few.Draw(t, "sku"))), User: userID(byte(few.Draw(t, "user"))), Principal: groupID(byte(few.Draw(t, "principal"))),
			Plan: rapid.Int32Range(engine.Whole, 2).Draw(t, "plan"),
		}
		if k.Plan != engine.Whole {
			k.PlanID = planID(5 - k.Plan) // the order is that of ids, not of indices
		}
		return k
	})
	first := func(b bool) int { // true before false
		if b {
			return 0
		}
		return 1
	}
	text := func(a, b engine.Key) int {
		return cmp.Or(
			cmp.Compare(first(a.Kept), first(b.Kept)), cmp.Compare(first(a.Direct), first(b.Direct)),
			cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Since, b.Since), cmp.Compare(a.Created, b.Created),
			bytes.Compare(a.Sku[:], b.Sku[:]), bytes.Compare(a.User[:], b.User[:]), bytes.Compare(a.Principal[:], b.Principal[:]),
			cmp.Compare(first(a.Plan == engine.Whole), first(b.Plan == engine.Whole)), bytes.Compare(a.PlanID[:], b.PlanID[:]),
		)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := key.Draw(t, "a"), key.Draw(t, "b"), key.Draw(t, "c")
		ab, ba, bc, ac := engine.Less(&a, &b), engine.Less(&b, &a), engine.Less(&b, &c), engine.Less(&a, &c)
		switch {
		case engine.Less(&a, &a):
			t.Fatalf("%+v comes before itself", a)
		case ab && ba:
			t.Fatalf("%+v and %+v come before each other", a, b)
		case ab && bc && !ac:
			t.Fatalf("not transitive: %+v, %+v, %+v", a, b, c)
		case ab != (text(a, b) < 0):
			t.Fatalf("Less(%+v, %+v) is %v", a, b, ab)
		case !ab && !ba && a != b:
			t.Fatalf("%+v and %+v are different and neither comes first", a, b)
		}
	})
}
