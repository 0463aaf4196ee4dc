package engine_test

import (
	"strings"
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// Each way in which a stored state can be wrong is found, once; a state that holds is not
// complained about.
func TestVerificationFindsEachBrokenStateR17(t *testing.T) {
	r := rules(plans(1, 2))
	mail, rival, plain := direct(0, 1, 1, 5), through(1, 1, 1, 2, 6), through(2, 0, 1, 5)
	full := engine.Seats{}
	free := engine.Seats{0: unlimited, 1: seat(1, 0, 0)}
	for _, c := range []struct {
		name string
		u    engine.User
		free engine.Seats
		want string // part of the problem's text; empty for none
	}{
		{"nothing", engine.User{}, full, ""},
		{"an admitted source", having(mail), full, ""},
		{"a source that waits for a seat", with(having(plain), waits(plain, engine.Count, 5)), full, ""},
		{"a source that is excluded", with(having(mail, rival), waits(rival, engine.Exclusion, 5)), free, ""},
		{"a plan that is withheld", with(having(mail, rival), withheld(rival, 2, 5)), free, ""},

		{"two plans that exclude each other are on", having(mail, rival), full, "exclusion set \"A\" are on"},
		{"everything is withheld of an admitted source", with(having(mail, selecting(rival, 2)), withheld(rival, 2, 5)), full, "all of them are withheld"},
		{"a row of no source", with(having(mail), waits(rival, engine.Exclusion, 5)), full, "no living source"},
		{"a row of a user without sources", with(engine.User{}, waits(rival, engine.Count, 5)), full, "no living source"},
		{"a plan that is not selected", with(having(mail, selecting(rival, 6)), withheld(rival, 2, 5)), full, "does not select"},
		{"a plan of a source that waits", with(having(mail, rival), waits(rival, engine.Exclusion, 5), withheld(rival, 2, 5)), full, "waits as a whole"},
		{"the code of a later check", with(having(mail, rival), waits(rival, engine.Count, 5)), full, "first code that fails"},
		{"a plan that could be on", with(having(rival), withheld(rival, 2, 5)), full, "would pass every check"},
		{"a source that is not excluded", with(having(rival), waits(rival, engine.Exclusion, 5)), full, "does not fail"},
		{"a code that does not exist", with(having(rival), waits(rival, engine.None, 5)), full, "does not fail"},
		{"a seat waited for by who holds it", with(having(mail, plain), waits(plain, engine.Count, 5)), full, "holds the product"},
		{"a seat waited for while one is free", with(having(plain), waits(plain, engine.Count, 5)), free, "while one is free"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := r.Verify(c.u, c.free, nil)
			switch {
			case c.want == "" && len(problems) > 0:
				t.Errorf("found %+v", problems)
			case c.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, c.want)):
				t.Errorf("found %+v, want one problem with %q", problems, c.want)
			}
		})
	}
}

func TestVerificationAsksForTheSeatsOfTheRightProductR17(t *testing.T) {
	r := rules()
	one, two := through(1, 0, 1, 5), through(1, 1, 1, 6)
	u := with(having(one, two), waits(one, engine.Count, 5), waits(two, engine.Count, 5))
	problems := r.Verify(u, engine.Seats{0: seat(1, 1, 0), 1: seat(1, 0, 0)}, nil)
	if len(problems) != 1 || problems[0].Product != 1 || problems[0].Rule != "R17" {
		t.Errorf("found %+v, want one problem of product 1", problems)
	}
}
