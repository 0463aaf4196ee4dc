package engine_test

import (
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// The plans of these tests by their parts: drive needs mail or talk, note needs drive.
func chain() *engine.Rules {
	return needing(map[int32]engine.PlanSet{drive: plans(mail, talk), note: plans(drive)})
}

func TestPlanNeedsAnyOneOfItsPrerequisitesR10(t *testing.T) {
	r := chain()
	for _, c := range []struct {
		name        string
		on, joining engine.PlanSet
		want        engine.Reason
	}{
		{"one of them is on", plans(talk), plans(drive), engine.Reason{}},
		{"one of them joins with it", nil, plans(mail, drive), engine.Reason{}},
		{"none is there", nil, plans(drive), engine.Reason{Code: engine.Dependency, Plan: drive}},
		{"a chain joins as a whole", plans(mail), plans(drive, note), engine.Reason{}},
		{"a chain lacks its beginning", nil, plans(drive, note), engine.Reason{Code: engine.Dependency, Plan: drive}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := r.Check(nil, c.on, c.joining); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// Location is told before exclusion, exclusion before dependency.
func TestFirstFailingCheckIsToldR8R9R10R11(t *testing.T) {
	b := book(plans(mail, drive))
	b.Requires = map[int32]engine.PlanSet{drive: plans(talk)}
	r := engine.NewRules(b)
	if got := r.Check(plans(drive), plans(mail), plans(drive)).Code; got != engine.Prohibited {
		t.Errorf("code %d for a barred plan", got)
	}
	if got := r.Check(nil, plans(mail), plans(drive)).Code; got != engine.Exclusion {
		t.Errorf("code %d for an excluded plan", got)
	}
	if got := r.Check(nil, nil, plans(drive)).Code; got != engine.Dependency {
		t.Errorf("code %d for a plan that lacks another", got)
	}
}

// A plan that is allowed anywhere is barred elsewhere; one that is prohibited somewhere is
// allowed elsewhere.
func TestPlansAreBarredByCountryR11(t *testing.T) {
	b := book()
	b.Locations = map[int32]engine.Location{mail: {Allowed: []string{"DE", "NL"}}, talk: {Prohibited: []string{"DE"}}}
	b.Locations[drive] = engine.Location{Allowed: []string{"DE"}, Prohibited: []string{"DE"}}
	r := engine.NewRules(b)
	for country, want := range map[string]engine.PlanSet{"NL": plans(drive), "DE": plans(talk, drive), "US": plans(mail, drive)} {
		if got := r.Barred(country); !got.Equal(want) {
			t.Errorf("%s bars %v, want %v", country, slices.Collect(got.All()), slices.Collect(want.All()))
		}
	}
}

// Automatic plans exclude nothing, are excluded by nothing, barred nowhere, need nothing and
// satisfy nothing.
func TestAutomaticPlansTakePartInNoCheckR7(t *testing.T) {
	b := book(plans(mail, talk))
	b.Requires = map[int32]engine.PlanSet{drive: plans(mail), mail: plans(note)}
	b.Locations = map[int32]engine.Location{mail: {Allowed: []string{"DE"}}}
	b.Automatic = plans(mail)
	r := engine.NewRules(b)
	if !r.Barred("NL").Empty() {
		t.Error("an automatic plan is barred")
	}
	for name, reason := range map[string]engine.Reason{
		"joining a plan of the same set": r.Check(nil, plans(talk), plans(mail)),
		"being joined by one":            r.Check(nil, plans(mail), plans(talk)),
		"lacking what it needs":          r.Check(nil, nil, plans(mail)),
	} {
		if reason != (engine.Reason{}) {
			t.Errorf("%s fails: %+v", name, reason)
		}
	}
	if got := r.Check(nil, plans(mail), plans(drive)); got.Code != engine.Dependency {
		t.Errorf("an automatic plan satisfies a need: %+v", got)
	}
}

// When a base goes, what needs it is withheld down the chain, and a source of which nothing is
// left waits as a whole; when the base returns all of it heals.
func TestDependentsAreWithheldDownTheChainAndHealR10R13(t *testing.T) {
	r := chain()
	seats := engine.Seats{base: unlimited, suite: unlimited}
	owner, rich, poor := through(1, base, 1, mail), through(2, suite, 1, drive, note, extra), through(3, suite, 1, note)
	s := settle(t, r, seats, nil,
		one(1, having(owner, rich), rich),
		one(2, having(owner, through(4, suite, 1, drive), poor), through(4, suite, 1, drive), poor))
	s.on(1, extra)
	s.rows(1, withheldFor(rich, drive, engine.Dependency, now), withheldFor(rich, note, engine.Dependency, now))
	s.on(2)
	s.rows(2, waits(through(4, suite, 1, drive), engine.Dependency, now), waits(poor, engine.Dependency, now))
	s.holds(2)

	before := with(having(rich, poor), withheldFor(rich, drive, engine.Dependency, 7), withheldFor(rich, note, engine.Dependency, 7),
		waits(poor, engine.Dependency, 8))
	healed := settle(t, r, seats, nil, one(1, before, owner, rich, poor))
	healed.on(1, mail, drive, note, extra)
	healed.rows(1)
}

// A swap of the base needs no order: the dependent plan stays on.
func TestSwapOfAPrerequisiteLeavesDependentsOnR10R23(t *testing.T) {
	r := chain()
	old, fresh, dependent := ended(through(1, base, 1, mail)), through(1, suite, now, talk), through(2, addon, 1, drive)
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited, addon: seat(1, 1, 1)}, nil, one(1, having(old, dependent), fresh, dependent))
	s.on(1, talk, drive)
	s.rows(1)
}

// A move withholds what is barred and what needs it, and heals what was barred before.
func TestMoveWithholdsAndHealsR11(t *testing.T) {
	r := chain()
	owner, suited := through(1, base, 1, mail, extra), through(2, suite, 1, drive, note)
	c := one(1, having(owner, suited), owner, suited)
	c.Barred = plans(mail)
	s := settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil, c)
	s.on(1, extra)
	s.rows(1, withheldFor(owner, mail, engine.Prohibited, now), waits(suited, engine.Dependency, now))

	back := s.verdict(1).After
	c = one(1, back, owner, suited)
	s = settle(t, r, engine.Seats{base: unlimited, suite: unlimited}, nil, c)
	s.on(1, mail, extra, drive, note)
	s.rows(1)
}

// A call on a user's own assignments is refused where a plan that stays selected would go off
// for want of what it needs, and not where the call takes it off itself or brings another.
func TestDirectCallThatTakesAPrerequisiteIsRefusedR10(t *testing.T) {
	r := chain()
	seats := engine.Seats{base: unlimited, suite: unlimited, addon: unlimited}
	owner, dependent := direct(base, 1, mail), direct(suite, 1, drive, extra)
	inherited := through(2, suite, 1, drive)
	before := having(owner, dependent)
	for name, c := range map[string]struct {
		before engine.User
		after  []engine.Source
		want   engine.Code
	}{
		"the base is removed":                     {before, []engine.Source{dependent}, engine.Dependency},
		"the base is switched off":                {before, []engine.Source{selecting(owner), dependent}, engine.Dependency},
		"the dependent goes with it":              {before, nil, engine.None},
		"the dependent is switched off with it":   {before, []engine.Source{selecting(dependent, extra)}, engine.None},
		"another base comes with it":              {before, []engine.Source{dependent, direct(addon, now, talk)}, engine.None},
		"the dependent comes through a group":     {having(owner, inherited), []engine.Source{inherited}, engine.Dependency},
		"the dependent was off":                   {with(before, withheldFor(dependent, drive, engine.Dependency, 1)), []engine.Source{dependent}, engine.None},
		"an added plan lacks what it needs":       {having(), []engine.Source{direct(suite, now, drive)}, engine.Dependency},
		"what heals by the call brings the other": {with(having(owner, dependent, through(1, addon, 1, talk)), waits(through(1, addon, 1, talk), engine.Count, 3)), []engine.Source{dependent, through(1, addon, 1, talk)}, engine.None},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range c.before.Sources {
				a := &c.before.Sources[i]
				a.Ended = a.Direct && !slices.ContainsFunc(c.after, func(b engine.Source) bool { return b.Key == a.Key })
			}
			s := settle(t, r, seats, nil, judged(1, c.before, clean(c.before.Sources), c.after...))
			refusal := s.refused(1, c.want)
			if c.want == engine.None {
				return
			}
			if refusal.Reason.Plan != drive {
				t.Errorf("refused for plan %d", refusal.Reason.Plan)
			}
			if name != "an added plan lacks what it needs" && !refusal.Lost.Equal(plans(mail)) {
				t.Errorf("the refusal says that %v go", slices.Collect(refusal.Lost.All()))
			}
		})
	}
}
