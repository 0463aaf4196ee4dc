package schedule

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// scripted is a runner whose looks are told what to find.
func scripted(t *testing.T, log *bytes.Buffer, apply func(except []uuid.UUID) (*licensing.Due, error)) (*Runner, *clock.Manual) {
	t.Helper()
	now := clock.NewManual(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	r, err := New(Config{Clock: now, Log: zerolog.New(log), Apply: func(_ context.Context, except ...uuid.UUID) (*licensing.Due, error) { return apply(except) }})
	if err != nil {
		t.Fatal(err)
	}
	return r, now
}

// It sleeps until the next instant, yet never so long that something new would be a second late,
// and never so short that it spins.
func TestItSleepsUntilTheNextInstantAtMostHalfASecond(t *testing.T) {
	var next clock.Instant
	r, now := scripted(t, &bytes.Buffer{}, func([]uuid.UUID) (*licensing.Due, error) { return &licensing.Due{Next: next}, nil })
	for in, want := range map[time.Duration]time.Duration{
		-time.Second: nap, 0: nap, time.Microsecond: nap, 80 * time.Millisecond: 80 * time.Millisecond, time.Second: interval, time.Hour: interval,
	} {
		next = now.Now().Add(in)
		if is := r.look(t.Context()); is != want {
			t.Errorf("with the next in %s it sleeps %s, want %s", in, is, want)
		}
	}
	next = 0
	if is := r.look(t.Context()); is != interval {
		t.Errorf("with none to come it sleeps %s", is)
	}
}

func TestItWaitsLongerWhileTheDatabaseDoesNotAnswerAndSaysSo(t *testing.T) {
	var log bytes.Buffer
	broken := true
	r, _ := scripted(t, &log, func([]uuid.UUID) (*licensing.Due, error) {
		if broken {
			return &licensing.Due{}, errors.New("connection refused")
		}
		return &licensing.Due{}, nil
	})
	var waits []time.Duration
	for range 6 {
		waits = append(waits, r.look(t.Context()))
	}
	if want := []time.Duration{interval, 2 * interval, 4 * interval, 8 * interval, maxBackoff, maxBackoff}; !slices.Equal(waits, want) {
		t.Errorf("it waits %v, want %v", waits, want)
	}
	if n := strings.Count(log.String(), "connection refused"); n != 6 {
		t.Errorf("it said so %d times: %s", n, &log)
	}
	broken = false
	if is := r.look(t.Context()); is != interval {
		t.Errorf("it waits %s after the first answer", is)
	}
	broken = true
	if is := r.look(t.Context()); is != interval {
		t.Errorf("it waits %s after the next failure", is)
	}
}

// A tenant at which something goes wrong is left alone for longer and longer; the others are not.
func TestATroubledTenantIsTriedLessAndLessOften(t *testing.T) {
	var log bytes.Buffer
	broken := uuid.New()
	healed := false
	tried := ""
	r, _ := scripted(t, &log, func(except []uuid.UUID) (*licensing.Due, error) {
		if slices.Contains(except, broken) {
			tried += "."
			return &licensing.Due{}, nil
		}
		tried += "x"
		if healed {
			return &licensing.Due{Applied: 1}, nil
		}
		return &licensing.Due{Failed: map[uuid.UUID]error{broken: errors.New("odd rows")}}, nil
	})
	for range 16 {
		if is := r.look(t.Context()); is != interval {
			t.Errorf("the others wait %s", is)
		}
	}
	if want := "x..x....x......."; tried != want {
		t.Errorf("it was tried %s, want %s", tried, want)
	}
	healed, tried = true, ""
	for range 4 {
		r.look(t.Context())
	}
	if want := ".xxx"; tried != want {
		t.Errorf("once healed it was tried %s, want %s", tried, want)
	}
	if n := strings.Count(log.String(), "odd rows"); n != 3 || !strings.Contains(log.String(), "tenant_") {
		t.Errorf("it said so %d times: %s", n, &log)
	}
}

// A fault of the program does not end the server: it is a failure like any other.
func TestAPanicIsAFailureLikeAnyOther(t *testing.T) {
	var log bytes.Buffer
	r, _ := scripted(t, &log, func([]uuid.UUID) (*licensing.Due, error) {
		var none *licensing.Due
		none.Applied++
		return none, nil
	})
	if first, second := r.look(t.Context()), r.look(t.Context()); first != interval || second != 2*interval {
		t.Errorf("it waits %s and %s", first, second)
	}
	if !strings.Contains(log.String(), "nil pointer") {
		t.Errorf("the log says %s", &log)
	}
}
