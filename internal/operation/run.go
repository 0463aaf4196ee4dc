package operation

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// Why an operation ends before its change is made.
var (
	errCancelled = errors.New("operation: cancelled")
	errElsewhere = errors.New("operation: ended by another server")
)

// job is an operation that this process accepted.
type job struct {
	tenant uuid.UUID
	work   Work
	op     Operation       // as it was accepted
	queued bool            // its row is there; guarded by Service.mu
	ctx    context.Context //nolint:containedctx // of the work
	cancel context.CancelCauseFunc

	progress atomic.Pointer[licensing.Progress]
	asked    atomic.Bool            // to be cancelled
	asker    atomic.Pointer[string] // by whom
	recorded atomic.Bool            // a transaction has got as far as to say that it succeeded
	end      atomic.Pointer[ending]
	ended    chan struct{} // closed when end is known
}

// ending is how an operation ended.
type ending struct {
	state   State
	at      clock.Instant
	out     *licensing.Outcome
	results []Result
	errors  []*fault.Error
}

// Run begins to accept operations and to look after those of servers that are dead, and goes on
// until ctx ends. What runs or waits then is interrupted; nothing of it is changed. wait returns
// when that is stored.
func (s *Service) Run(ctx context.Context) (wait func()) {
	s.mu.Lock()
	s.running = ctx
	s.mu.Unlock()
	var goes sync.WaitGroup
	goes.Go(func() { s.run(ctx) })
	return goes.Wait
}

func (s *Service) run(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.Tend(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("operations could not be looked after")
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	s.part()
}

// part ends what waits, and returns when everything is stored.
func (s *Service) part() {
	s.mu.Lock()
	s.dispatch()
	s.mu.Unlock()
	s.works.Wait()
}

// work carries out one operation, or only ends it where it never began, and stores how it ended.
func (s *Service) work(j *job, begin bool) {
	var end *ending
	if begin {
		end = s.carryOut(j)
	} else {
		end = given(j)
	}
	if end != nil {
		end.at = s.clock.Now()
	}
	if end != nil && !j.recorded.Load() { // nobody else can make it end otherwise, but as something that changed nothing
		j.end.Store(end)
		close(j.ended)
	}
	stored := s.conclude(j, end)
	if j.end.Load() == nil {
		if stored { // the transaction that had recorded its success was given up
			j.end.Store(end)
		}
		close(j.ended)
	}
	if begin && end != nil { // else the transaction of the change has told, or Tend will
		s.told(j)
	}
	s.mu.Lock()
	if begin {
		delete(s.busy, j.tenant)
	}
	s.dispatch()
	s.mu.Unlock()
	s.forget(j)
}

// given is how an operation ends that was told to; nil where its row tells.
func given(j *job) *ending {
	switch cause := context.Cause(j.ctx); {
	case errors.Is(cause, errElsewhere):
		return nil
	case errors.Is(cause, errCancelled):
		return &ending{state: Cancelled}
	}
	return &ending{state: Interrupted}
}

// carryOut makes the change. It returns nil where the row tells how the operation ended.
func (s *Service) carryOut(j *job) *ending {
	if began, err := s.begin(j); err != nil || !began {
		return s.failed(j, err)
	}
	j.progress.Store(&licensing.Progress{Phase: licensing.PhaseWaiting})
	ctx, err := s.reportBegin(j.ctx, j)
	if err != nil {
		return s.failed(j, err)
	}
	ctx = licensing.WithChangeList(ctx, licensing.ChangeList{Skip: true})
	ctx = licensing.WithProgress(ctx, func(p licensing.Progress) { j.progress.Store(&p) })
	ctx = licensing.WithRecord(ctx, func(ctx context.Context, tx *database.Tx, out *licensing.Outcome) error {
		return s.record(ctx, tx, j, out)
	})
	end, err := change(ctx, j)
	if err != nil {
		return s.failed(j, err)
	}
	return end
}

// change makes the change, and tells how the operation ended where that is not recorded yet. A
// fault of the program that it brings to light must not end the server.
func change(ctx context.Context, j *job) (end *ending, err error) {
	defer func() {
		if p := recover(); p != nil {
			end, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	out, err := j.work.Run(ctx)
	if err != nil || out.Changed && !out.DryRun {
		return nil, err
	}
	end = &ending{state: Succeeded, out: out, results: j.results(out)}
	if out.Confirmation != nil { // R26: a dry run tells what applying would be refused with
		end.errors = []*fault.Error{out.Confirmation}
	}
	return end, nil
}

func (j *job) results(out *licensing.Outcome) []Result {
	if j.work.Results == nil {
		return nil
	}
	return j.work.Results(out)
}

// failed tells how an operation ended whose change was not made, or perhaps was: err is nil, or
// errElsewhere, where the row tells.
func (s *Service) failed(j *job, err error) *ending {
	switch list, refused := fault.Refusals(err); {
	case err == nil || errors.Is(err, errElsewhere):
		return nil
	case refused:
		return &ending{state: Failed, errors: list}
	case context.Cause(j.ctx) != nil:
		return given(j)
	default:
		s.log.Error().Err(err).Str("operation", id.Format(id.Operation, j.op.ID)).Str("request_id", j.op.Actor.RequestID).Msg("an operation failed")
		return &ending{state: Failed, errors: []*fault.Error{failure(err)}}
	}
}

// failure words an error that is not about the input. It fails closed: only what a *fault.Error
// has worded leaves the server. That an outcome is unknown is not said: the row tells it.
func failure(err error) *fault.Error {
	switch f, ok := fault.As(err); {
	case ok && f.Code == fault.Unavailable:
		return f
	case ok && f.Code == fault.OutcomeUnknown, database.Unreachable(err):
		return fault.New(fault.Unavailable, "The database cannot be reached.").Fix("Try again.")
	}
	return fault.New(fault.Internal, "Something went wrong in the server. Nothing in the request explains it.").
		Fix("Try again; if it stays, tell the operator the request's id.")
}

// How long it is tried to store how an operation ended once the server is to stop, and how long
// it waits between two attempts.
const (
	parting  = 5 * time.Second
	patience = time.Second
)

// conclude stores how an operation ended, unless its row tells already; it goes on trying while
// the server runs. What it does not get to store will be found to be interrupted.
func (s *Service) conclude(j *job, end *ending) (stored bool) {
	ctx, done := s.untilStopped(j)
	defer done()
	for end != nil {
		stored, err := s.finish(ctx, j, end)
		if err == nil {
			return stored
		}
		s.log.Warn().Err(err).Str("operation", id.Format(id.Operation, j.op.ID)).Msg("how an operation ended could not be stored")
		select {
		case <-ctx.Done():
			return false
		case <-time.After(patience):
		}
	}
	return false
}

// untilStopped returns a context that outlives the operation's by what parting allows.
func (s *Service) untilStopped(j *job) (context.Context, context.CancelFunc) {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	ctx, done := context.WithCancel(context.WithoutCancel(j.ctx))
	stop := context.AfterFunc(running, func() { time.AfterFunc(parting, done) })
	return ctx, func() { stop(); done() }
}

// Cancel ends an operation that has not made its change yet; nothing of it is changed. changed is
// false for one that was cancelled before.
//
// Errors: OPERATION_FINISHED where it ended otherwise; NOT_FOUND; UNAVAILABLE where it is about to
// end, or the database does not answer.
func (s *Service) Cancel(ctx context.Context, tenant, key uuid.UUID) (o *Operation, changed bool, err error) {
	s.mu.Lock()
	j := s.live[key]
	if j != nil && j.tenant != tenant {
		j = nil
	}
	s.mu.Unlock()
	var end *ending
	if j != nil {
		if end, changed, err = s.stop(ctx, j); err != nil {
			return nil, false, err
		}
	}
	if end == nil {
		if changed, err = s.markCancelled(ctx, tenant, key); err != nil {
			return nil, false, err
		}
	}
	if o, err = s.ByID(ctx, tenant, key); err != nil {
		return nil, false, err
	}
	switch {
	case o != nil && end != nil: // which the row may not tell yet
		o.State, o.FinishedAt = end.state, &end.at
		return o, changed, nil
	case o == nil:
		return nil, false, fault.New(fault.NotFound, "There is no such operation.").At("operationId")
	case o.State != Cancelled:
		return o, false, fault.New(fault.OperationFinished, "The operation has ended already (%s): it cannot be cancelled any more.", fault.Code(o.State)).
			Fix("Read how it ended; what it changed is changed.").At("operationId")
	}
	return o, changed, nil
}

// stop ends an operation of this process, and waits until it has ended. It returns how where it
// was cancelled, and whether first by this call; nil where it ended in another way.
func (s *Service) stop(ctx context.Context, j *job) (end *ending, first bool, err error) {
	if first = j.asked.CompareAndSwap(false, true); first {
		by := audit.ActorFrom(ctx).Name
		j.asker.Store(&by)
	}
	j.cancel(errCancelled)
	s.mu.Lock()
	s.dispatch()
	s.mu.Unlock()
	select {
	case <-j.ended:
	case <-ctx.Done():
		return nil, false, fault.Wrap(ctx.Err(), fault.Unavailable, "The operation is about to end, and did not within the time of this request.").Fix("Read how it ended.")
	}
	if end = j.end.Load(); end == nil || end.state != Cancelled {
		return nil, false, nil
	}
	return end, first, nil
}
