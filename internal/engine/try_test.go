package engine_test

import (
	"slices"
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// Nobody who waits takes the seats from a user who is tried alone, and what is tried is judged as any
// change (R5, R12).
func TestUserIsTriedAsIfNobodyWaited(t *testing.T) {
	r := rules()
	waiting := direct(base, 1, mail)
	before := with(having(waiting), waits(waiting, engine.Count, 1))
	for total, held := range map[int64]bool{1: false, 2: true} {
		c := one(1, before, waiting)
		after, refusal, err := r.Try(c, engine.Seats{base: seat(total, 1, 9)}, nil, now)
		if err != nil || refusal != nil || slices.Contains(heldIn(r.Derive(after)), base) != held {
			t.Errorf("with %d seats: %+v, %+v, %v", total, after, refusal, err)
		}
	}
	c := judged(1, engine.User{}, nil, direct(base, now, mail))
	if _, refusal, err := r.Try(c, engine.Seats{base: seat(1, 1, 0)}, nil, now); err != nil || refusal == nil || refusal.Reason.Code != engine.Count {
		t.Errorf("refused for %+v, %v", refusal, err)
	}
}

// What may help is what a plan needs, and what that needs (R10).
func TestPrerequisitesGoOnR10(t *testing.T) {
	if got, want := chain().Prerequisites(plans(note)), plans(note, drive, mail, talk); !got.Equal(want) {
		t.Errorf("%v, want %v", slices.Collect(got.All()), slices.Collect(want.All()))
	}
}

// Left out is what fails, and what needs that; unless it is to be kept.
func TestObstaclesAreWhatFailsAndWhatNeedsItR9R10R11(t *testing.T) {
	r := chain()
	out, ok := r.Obstacles(plans(mail, talk), nil, plans(mail, talk, drive, note), nil)
	if !ok || !out.Equal(plans(mail, talk, drive, note)) {
		t.Errorf("%v, %v", slices.Collect(out.All()), ok)
	}
	if _, ok := r.Obstacles(plans(mail), plans(talk), plans(mail, drive), plans(mail)); ok {
		t.Error("a barred plan is kept")
	}
	excluding := rules(plans(mail, talk))
	if out, ok := excluding.Obstacles(nil, plans(mail), plans(talk, drive), plans(drive)); !ok || !out.Equal(plans(talk)) {
		t.Errorf("%v, %v", slices.Collect(out.All()), ok)
	}
	if got := excluding.Excluded(plans(mail, drive)); !got.Equal(plans(talk)) {
		t.Errorf("excluded are %v", slices.Collect(got.All()))
	}
}

// Without reserves a user needs as many seats as the place in line tells; where seats are kept, those of
// members who come first are no matter, and those of members who come later are (R5, R8).
func TestFewestSeatsForWhoWaitsR5R8(t *testing.T) {
	a, b := through(1, base, 1), through(2, base, 2)
	waiting := func(user byte, since int64, sources ...engine.Source) *engine.Case {
		c := &engine.Case{Before: having(sources...), After: sources, Users: []engine.ID{userID(user)}}
		for _, s := range sources {
			c.Before.Rows = append(c.Before.Rows, waits(s, engine.Count, since))
		}
		return c
	}
	for limit, want := range map[int64]int64{1: 0, 2: 2} { // the first in line takes the first place
		got, _, err := rules().FewestSeats(base, []*engine.Case{waiting(1, 9, b), waiting(2, 6, b)}, engine.Places{b.Key: {Product: base, Limit: limit}}, 9, now)
		if err != nil || got != want {
			t.Errorf("of %d places: %d, %v, want %d", limit, got, err, want)
		}
	}
	for _, c := range []struct {
		name    string
		reserve int64 // of b
		line    []*engine.Case
		want    int64
	}{
		{"the first", 0, []*engine.Case{waiting(1, 5, a), waiting(2, 6, a)}, 1},
		{"the third", 0, []*engine.Case{waiting(1, 9, a), waiting(2, 6, a), waiting(3, 7, b)}, 3},
		{"one is kept for nobody who waits", 1, []*engine.Case{waiting(1, 5, a), waiting(2, 6, a)}, 2},
		{"one is kept for who comes first", 1, []*engine.Case{waiting(1, 9, a), waiting(2, 6, b)}, 2},
		{"one is kept for who comes later", 1, []*engine.Case{waiting(1, 5, a), waiting(2, 6, b)}, 2},
		{"it is kept for the user", 1, []*engine.Case{waiting(1, 9, b), waiting(2, 6, a), waiting(3, 7, a)}, 1},
		{"it is kept for the first of the group", 1, []*engine.Case{waiting(1, 9, b), waiting(2, 6, a), waiting(3, 7, b)}, 3},
		{"a member has another source too", 1, []*engine.Case{waiting(1, 9, a), waiting(2, 6, a, b)}, 2},
	} {
		got, after, err := rules().FewestSeats(base, c.line, reserving(b, c.reserve, 0), 9, now)
		if err != nil || got != c.want || len(after.Rows) == len(after.Sources) {
			t.Errorf("%s: %d, %+v, %v, want %d", c.name, got, after, err, c.want)
		}
	}
}
