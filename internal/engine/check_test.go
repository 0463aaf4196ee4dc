package engine_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

func TestPlansOfOneExclusionSetMayNotBeOnTogetherR9(t *testing.T) {
	r := rules(plans(1, 2, 3), plans(3, 4))
	for _, c := range []struct {
		name        string
		on, joining engine.PlanSet
		want        engine.Reason
	}{
		{"a plan of the same set is on", plans(2), plans(1), engine.Reason{Code: engine.Exclusion, Set: "A", Plan: 1, Other: 2}},
		{"the same plan twice is fine", plans(1), plans(1), engine.Reason{}},
		{"a plan without a set joins anything", plans(1, 2, 3, 4), plans(0, 5), engine.Reason{}},
		{"plans of different sets get along", plans(1), plans(4), engine.Reason{}},
		{"a plan of two sets is in conflict through either", plans(4), plans(3), engine.Reason{Code: engine.Exclusion, Set: "B", Plan: 3, Other: 4}},
		{"the first plan in conflict is named", plans(2, 4), plans(3, 1), engine.Reason{Code: engine.Exclusion, Set: "A", Plan: 1, Other: 2}},
		{"the first other plan is named", plans(2, 3), plans(1), engine.Reason{Code: engine.Exclusion, Set: "A", Plan: 1, Other: 2}},
		{"nothing on excludes nothing", nil, plans(1, 2), engine.Reason{}},
		{"nothing joining is excluded by nothing", plans(1, 2), nil, engine.Reason{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := r.Check(nil, c.on, c.joining); got != c.want {
				t.Errorf("%+v; want %+v", got, c.want)
			}
		})
	}
}

func TestSelectionThatExcludesItselfIsNamedR9(t *testing.T) {
	r := rules(plans(1, 2), plans(2, 6))
	for _, c := range []struct {
		name     string
		selected engine.PlanSet
		want     engine.Reason
		bad      bool
	}{
		{"two of a set", plans(0, 1, 2), engine.Reason{Code: engine.Exclusion, Set: "A", Plan: 1, Other: 2}, true},
		{"one of each set", plans(0, 1, 6), engine.Reason{}, false},
		{"two of the second set", plans(2, 6), engine.Reason{Code: engine.Exclusion, Set: "B", Plan: 2, Other: 6}, true},
		{"none", nil, engine.Reason{}, false},
	} {
		if got, bad := r.SelfConflict(c.selected); bad != c.bad || got != c.want {
			t.Errorf("%s: %v, %+v; want %v, %+v", c.name, bad, got, c.bad, c.want)
		}
	}
}

// One seat however many sources (R4); the plans are the union over admitted sources of what
// they select and is not withheld (R3).
func TestLicenseIsTheUnionOverAdmittedSourcesR3R4(t *testing.T) {
	r := rules()
	own, sales, staff := direct(0, 1, 1), through(1, 0, 1, 1, 2, 3), through(2, 0, 1, 4)
	other, none := through(1, 1, 1, 3), through(2, 2, 1)
	u := with(having(own, sales, staff, other, none), withheld(sales, 3, 5), waits(staff, engine.Exclusion, 5), waits(other, engine.Count, 6))

	licenses := r.Derive(u)
	if len(licenses) != 3 {
		t.Fatalf("%d licenses, want one for each of 3 products", len(licenses))
	}
	l := licenses[0]
	if len(l.Sources) != 3 || !l.Held || !l.On.Equal(plans(1, 2)) {
		t.Errorf("product 0: %d sources, held %v, plans %v", len(l.Sources), l.Held, l.On)
	}
	for i, want := range []struct {
		admitted bool
		on       engine.PlanSet
		rows     int
	}{{true, plans(1), 0}, {true, plans(1, 2), 1}, {false, nil, 1}} {
		if s := l.Sources[i]; s.Admitted != want.admitted || !s.On.Equal(want.on) || len(s.Rows) != want.rows {
			t.Errorf("source %d: admitted %v, plans %v, %d rows", i, s.Admitted, s.On, len(s.Rows))
		}
	}
	if l := licenses[1]; l.Held || !l.On.Empty() {
		t.Errorf("a product that is waited for is held: %v, plans %v", l.Held, l.On)
	}
	if l := licenses[2]; !l.Held || !l.On.Empty() {
		t.Errorf("a product with every plan off takes its seat: held %v, plans %v", l.Held, l.On)
	}
	if on := engine.On(licenses); !on.Equal(plans(1, 2)) {
		t.Errorf("the user has the plans %v", on)
	}
	if held := heldIn(licenses); len(held) != 2 || held[0] != 0 || held[1] != 2 {
		t.Errorf("the user holds %v", held)
	}
}

func TestExplanationNamesBothSidesOfAConflictR9(t *testing.T) {
	r := rules(plans(1, 2))
	held, out := direct(0, 1, 1, 5), through(1, 1, 1, 2, 6)
	partly := through(2, 2, 1, 2, 7)
	u := with(having(held, out, partly), waits(out, engine.Exclusion, 5), withheld(partly, 2, 5))
	for name, row := range map[string]engine.Row{"whole source": u.Rows[0], "one plan": u.Rows[1]} {
		if got, want := r.Explain(u, row), (engine.Reason{Code: engine.Exclusion, Set: "A", Plan: 2, Other: 1}); got != want {
			t.Errorf("%s: %+v; want %+v", name, got, want)
		}
	}
	if got := r.Explain(u, waits(held, engine.Count, 1)); got != (engine.Reason{}) {
		t.Errorf("what lacks a seat only is said to fail: %+v", got)
	}
}
