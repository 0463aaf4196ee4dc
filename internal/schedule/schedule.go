// Package schedule has the server carry out by itself what falls due by the clock.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

const (
	// interval is how long the runner sleeps between two looks at most: what a request or
	// another server makes due in the meantime is not missed by more.
	interval = 500 * time.Millisecond
	// nap keeps two looks apart, however near the next instant is.
	nap = time.Millisecond
	// maxBackoff is how long it sleeps at most where the database does not answer.
	maxBackoff = 5 * time.Second
	// maxSkips is how many looks at most leave out a tenant at which something went wrong.
	maxSkips = 120
)

// Config is what a Runner needs.
type Config struct {
	// Apply is licensing.Service.ApplyDue.
	Apply func(ctx context.Context, except ...uuid.UUID) (*licensing.Due, error)
	Clock clock.Clock // the one that Apply judges by
	Log   zerolog.Logger
}

// Runner carries out what is due, at its instant. Any number of them may work on one database.
type Runner struct {
	Config
	troubled map[uuid.UUID]*trouble
	backoff  time.Duration
}

// trouble is a tenant at which something went wrong.
type trouble struct{ skips, left int }

// New returns a Runner.
func New(c Config) (*Runner, error) {
	if c.Apply == nil || c.Clock == nil {
		return nil, errors.New("schedule: Apply and Clock are needed")
	}
	return &Runner{Config: c, troubled: map[uuid.UUID]*trouble{}, backoff: interval}, nil
}

// Run begins with what fell due while nobody was there, and works until ctx ends. A change under
// way is then stored whole or not at all. What goes wrong is logged and tried again, later and
// later: trouble of one tenant delays that one alone, and that of the database all.
func (r *Runner) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(r.look(ctx))
	}
}

// look carries out what is due, and tells how long to sleep.
func (r *Runner) look(ctx context.Context) time.Duration {
	due, err := r.apply(ctx)
	if due != nil && due.Applied > 0 {
		r.Log.Info().Int("changes", due.Applied).Msg("what was due has been carried out")
	}
	switch {
	case ctx.Err() != nil:
		return interval // there is no next look
	case err != nil:
		wait := r.backoff
		r.backoff = min(2*r.backoff, maxBackoff)
		r.Log.Error().Err(err).Dur("again_in", wait).Msg("what is due cannot be carried out")
		return wait
	}
	r.backoff = interval
	for tenant, err := range due.Failed {
		r.fail(tenant, err)
	}
	if due.Next == 0 {
		return interval
	}
	return max(nap, min(interval, time.Duration(due.Next-r.Clock.Now())*time.Microsecond))
}

// apply calls Apply without the tenants that are to be left alone for now. A fault of the program
// that one tenant's state brings to light must not end the server for all.
func (r *Runner) apply(ctx context.Context) (due *licensing.Due, err error) {
	defer func() {
		if p := recover(); p != nil {
			due, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	var except []uuid.UUID
	for tenant, t := range r.troubled {
		if t.left--; t.left >= 0 {
			except = append(except, tenant)
		}
	}
	due, err = r.Apply(ctx, except...)
	if err != nil {
		return due, err
	}
	for tenant, t := range r.troubled {
		if t.left < 0 && due.Failed[tenant] == nil { // it was tried, and went well
			delete(r.troubled, tenant)
		}
	}
	return due, nil
}

// fail leaves a tenant out of the next looks: of twice as many each time.
func (r *Runner) fail(tenant uuid.UUID, err error) {
	t := r.troubled[tenant]
	if t == nil {
		t = &trouble{skips: 1}
		r.troubled[tenant] = t
	}
	t.skips = min(2*t.skips, maxSkips)
	t.left = t.skips
	r.Log.Error().Err(err).Str("tenant", id.Format(id.Tenant, tenant)).Int("skips", t.skips).Msg("what is due at an organisation cannot be carried out")
}
