package oracle_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
)

// Names of the fixtures. Within a kind the id order is the order here.
var (
	ann, bob, cid, dot      = named(1, 1), named(1, 2), named(1, 3), named(1, 4)
	sales, staff, all       = named(2, 1), named(2, 2), named(2, 3)
	base, suite, addon      = named(3, 1), named(3, 2), named(3, 3)
	mail, talk, drive, note = named(4, 1), named(4, 2), named(4, 3), named(4, 4)
)

func named(kind, n byte) oracle.ID { return oracle.ID{0: kind, 15: n} }

// tenant drives a State in tests: every step is one instant later.
type tenant struct {
	*testing.T
	*oracle.State
	now int64
}

// newTenant has four users, three empty groups and unlimited seats of base
// (mail, talk), suite (drive) and addon (note).
func newTenant(t *testing.T) *tenant {
	tn := &tenant{T: t, State: oracle.New()}
	tn.do(oracle.ChangeCatalogue{Products: map[oracle.ID]oracle.Set{
		base: oracle.SetOf(mail, talk), suite: oracle.SetOf(drive), addon: oracle.SetOf(note),
	}})
	for _, user := range []oracle.ID{ann, bob, cid, dot} {
		tn.do(oracle.CreateUser{User: user, Location: "NL"})
	}
	for _, group := range []oracle.ID{sales, staff, all} {
		tn.do(oracle.CreateGroup{Group: group})
	}
	for _, product := range []oracle.ID{base, suite, addon} {
		tn.do(oracle.CreateSubscription{Subscription: subscriptionOf(product), Product: product})
	}
	return tn
}

func subscriptionOf(product oracle.ID) oracle.ID { return named(5, product[15]) }

// try applies an operation, wants the state to be sound after it, and returns
// the outcome.
func (tn *tenant) try(op oracle.Operation) oracle.Outcome {
	tn.Helper()
	tn.now++
	out := op.Apply(tn.State, tn.now)
	if err := tn.Check(); err != nil {
		tn.Fatalf("after %#v: %v", op, err)
	}
	return out
}

// do applies an operation that must change something and have no part refused;
// its losses are acknowledged.
func (tn *tenant) do(op oracle.Operation) {
	tn.Helper()
	out := tn.try(acknowledging(op))
	if !out.Changed || out.Refusal != "" {
		tn.Fatalf("%#v: %+v", op, out)
	}
	for id, r := range out.Principals {
		if r.Refusal != "" {
			tn.Fatalf("%#v: %s is refused: %s", op, id, r.Refusal)
		}
	}
	for m, r := range out.Members {
		if r.Refusal != "" {
			tn.Fatalf("%#v: %v is refused: %s", op, m, r.Refusal)
		}
	}
}

func (tn *tenant) seats(product oracle.ID, seats int) {
	tn.Helper()
	tn.do(oracle.UpdateSubscription{Subscription: subscriptionOf(product), Seats: &seats, AllowOverAllocation: true})
}

// exclude makes these the exclusion sets of the catalogue, none for none.
func (tn *tenant) exclude(sets ...oracle.Set) {
	tn.Helper()
	tn.do(oracle.ChangeCatalogue{Exclusions: append([]oracle.Set{}, sets...)})
}

func (tn *tenant) join(group oracle.ID, members ...oracle.ID) {
	tn.Helper()
	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: group, Add: members}}})
}

func (tn *tenant) leave(group oracle.ID, members ...oracle.ID) {
	tn.Helper()
	tn.do(oracle.ChangeMembers{Changes: []oracle.GroupChange{{Group: group, Remove: members}}})
}

// wantPrincipal wants one principal of an outcome to be refused with a code, or
// not refused where it is empty.
func (tn *tenant) wantPrincipal(out oracle.Outcome, principal oracle.ID, code oracle.Code) {
	tn.Helper()
	if got := out.Principals[principal]; out.Refusal != "" || got.Refusal != code {
		tn.Fatalf("%s: %+v (call %q), want refusal %q", principal, got, out.Refusal, code)
	}
}

func (tn *tenant) wantHolders(product oracle.ID, users ...oracle.ID) {
	tn.Helper()
	if got := tn.Holders(product); !slices.Equal(got, users) {
		tn.Fatalf("holders of %s are %v, want %v", product, got, users)
	}
	if got := tn.Consumed(product); got != len(users) {
		tn.Fatalf("%d seats of %s are consumed, want %d", got, product, len(users))
	}
}

func (tn *tenant) wantOn(user oracle.ID, plans ...oracle.ID) {
	tn.Helper()
	if got := tn.OnPlans(user).Sorted(); !slices.Equal(got, plans) {
		tn.Fatalf("on for %s are %v, want %v", user, got, plans)
	}
}

func (tn *tenant) wantRows(rows ...oracle.Row) {
	tn.Helper()
	if got := tn.Rows(); !slices.Equal(got, rows) {
		tn.Fatalf("rows are\n%v, want\n%v", got, rows)
	}
}

func whole(user, principal, product oracle.ID, code oracle.Code, since int64) oracle.Row {
	return ofPlan(user, principal, product, oracle.ID{}, code, since)
}

func ofPlan(user, principal, product, plan oracle.ID, code oracle.Code, since int64) oracle.Row {
	return oracle.Row{
		RowKey:    oracle.RowKey{User: user, Principal: principal, Product: product, Plan: plan},
		Violation: oracle.Violation{Code: code, Since: since},
	}
}

// assign gives products, all plans, to principals.
func assign(principals []oracle.ID, products ...oracle.ID) oracle.Assign {
	op := oracle.Assign{Principals: principals}
	for _, product := range products {
		op.Add = append(op.Add, oracle.Add{Product: product})
	}
	return op
}

// edit gives one product with a selection.
func edit(principal, product oracle.ID, selection oracle.Selection) oracle.Assign {
	return oracle.Assign{Principals: ids(principal), Add: []oracle.Add{{Product: product, Selection: &selection}}}
}

func ids(list ...oracle.ID) []oracle.ID { return list }

// acknowledging is the operation with more losses acknowledged than there can be
// in these tenants.
func acknowledging(op oracle.Operation) oracle.Operation {
	enough := 100
	v := reflect.New(reflect.TypeOf(op)).Elem()
	v.Set(reflect.ValueOf(op))
	if f := v.FieldByName("Acknowledge"); f.IsValid() && f.IsNil() {
		f.Set(reflect.ValueOf(&enough))
	}
	return v.Interface().(oracle.Operation)
}
