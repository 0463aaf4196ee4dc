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
