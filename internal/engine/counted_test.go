package engine_test

import (
	"testing"

	"github.com/licensegraph/licensegraph/internal/engine"
)

// lister tells who the users of counted cases are, and counts how many cases it was asked for.
type lister struct {
	queue
	users []engine.ID
	asked int
}

func (l *lister) List(cases []*engine.Case) error {
	l.asked += len(cases)
	for _, c := range cases {
		c.Users = l.users
	}
	return nil
}

// Users who are only counted are judged as those who are listed, and are listed only where a seat
// can tell them apart, or where they waited for one that others may get.
func TestCountedUsersAreListedOnlyWhereASeatTellsThemApartR5(t *testing.T) {
	r := rules()
	src := through(1, base, 1, mail)
	for _, c := range []struct {
		name   string
		seat   engine.Seat
		before engine.User
		after  []engine.Source
		asked  int
		states int
	}{
		{"seats for all", seat(5, 0, 0), engine.User{}, []engine.Source{src}, 0, 1},
		{"unlimited", unlimited, engine.User{}, []engine.Source{src}, 0, 1},
		{"no seat at all", seat(2, 2, 0), engine.User{}, []engine.Source{src}, 0, 1},
		{"holders need none", seat(5, 5, 0), having(src), []engine.Source{src}, 0, 1},
		{"some seats", seat(5, 2, 0), engine.User{}, []engine.Source{src}, 1, 5},
		{"they waited, and seats become unlimited", engine.Seat{Unlimited: true, Waiting: 5}, with(having(src), waits(src, engine.Count, 1)), []engine.Source{src}, 1, 1},
		{"they waited, and nobody is asked for", seat(9, 2, 0), with(having(src), waits(src, engine.Count, 1)), nil, 0, 1},
		{"they waited, and go", seat(9, 2, 5), with(having(src), waits(src, engine.Count, 1)), nil, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &lister{users: users(5)}
			one := &engine.Case{Before: c.before, After: c.after, Count: 5}
			verdicts, err := r.Settle([]*engine.Case{one}, engine.Seats{base: c.seat}, nil, l, now)
			if err != nil {
				t.Fatal(err)
			}
			if l.asked != c.asked || len(verdicts) != c.states {
				t.Errorf("%d cases were listed and %d states judged, want %d and %d", l.asked, len(verdicts), c.asked, c.states)
			}
			total := int64(0)
			for _, v := range verdicts {
				total += v.Count
			}
			if total != 5 {
				t.Errorf("verdicts are about %d users, want 5", total)
			}
		})
	}
}

func TestListsThatAreNotOfTheCountedUsersAreAnError(t *testing.T) {
	l := &lister{users: users(4)}
	one := &engine.Case{After: []engine.Source{through(1, base, 1, mail)}, Count: 5}
	if _, err := rules().Settle([]*engine.Case{one}, engine.Seats{base: seat(5, 2, 0)}, nil, l, now); err == nil {
		t.Error("four users are taken for a case of five")
	}
}
