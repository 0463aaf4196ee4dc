// Package operation runs changes apart from the requests that ask for them: with progress that
// can be watched, and until their commit they can be cancelled.
//
// An operation is a row. It says SUCCEEDED from the transaction on that makes the change: that
// very transaction writes it, and only where the row still says RUNNING. So whoever wants an
// operation to end otherwise, be it a caller who cancels it or a server that finds another one
// dead, writes that into the row; either this or the commit comes first, and the other one finds
// that it is too late. An operation is done or it is not, never half.
//
// The process that accepted an operation runs it, and says every now and then that it is alive.
// What is left of one that is not is marked INTERRUPTED by any other: nothing of it was changed.
package operation

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
)

// Bounds of what one server takes on, and how long anything lasts.
const (
	MaxQueued         = 100                 // operations that one server has waiting
	MaxQueuedOfTenant = 20                  // of them for one tenant
	Lease             = 10 * time.Second    // after such a silence of its server an operation is interrupted
	Retention         = 30 * 24 * time.Hour // how long an operation can be read once it has ended

	beat = time.Second // how often a server says that it is alive, and looks after those of others
)

// Kind is what an operation does.
type Kind string

// The kinds of operations.
const (
	AssignLicenses     Kind = "ASSIGN_LICENSES"
	ChangeGroupMembers Kind = "CHANGE_GROUP_MEMBERS"
	DeleteGroup        Kind = "DELETE_GROUP"
	CreateSubscription Kind = "CREATE_SUBSCRIPTION"
	UpdateSubscription Kind = "UPDATE_SUBSCRIPTION"
	CancelSubscription Kind = "CANCEL_SUBSCRIPTION"
)

// State is how an operation stands.
type State string

// The states of an operation; the first two are those of one that has not ended.
const (
	Queued      State = "QUEUED"
	Running     State = "RUNNING"
	Succeeded   State = "SUCCEEDED"   // the change is committed, or there was nothing to change, or it was a dry run
	Failed      State = "FAILED"      // refused, or something went wrong; nothing was changed
	Cancelled   State = "CANCELLED"   // nothing was changed
	Interrupted State = "INTERRUPTED" // its server ended; nothing was changed
)

// Ended tells whether the state is final.
func (s State) Ended() bool { return s != Queued && s != Running }

// Operation is a change that runs, or ran, by itself.
type Operation struct {
	ID         uuid.UUID
	Kind       Kind
	ForGroups  bool // it is about licenses of groups
	DryRun     bool
	State      State
	Actor      audit.Actor
	Progress   *licensing.Progress // nil before it began
	CreatedAt  clock.Instant
	StartedAt  *clock.Instant
	FinishedAt *clock.Instant
	Changed    bool       // or would be, of a dry run
	EventID    *uuid.UUID // the audit event of the change
	Results    int        // how many there are of principals or members

	impact *storedImpact
	errors []storedError
}

// NodeID is the operation's TypeID.
func (o *Operation) NodeID() string { return id.Format(id.Operation, o.ID) }

// Result is what an operation did to one principal or member of its input.
type Result struct {
	Group     uuid.NullUUID // of a change of members
	Principal string        // as the input gave it
	Changed   bool
	Errors    []*fault.Error
}

// Work is what an operation is to do.
type Work struct {
	Kind      Kind
	ForGroups bool
	DryRun    bool
	// Run makes the change, with one call of licensing.Service.Change.
	Run func(ctx context.Context) (*licensing.Outcome, error)
	// Results tells what became of each principal or member. Optional.
	Results func(out *licensing.Outcome) []Result
}

// Config is what a Service needs.
type Config struct {
	DB    *database.DB
	Clock clock.Clock
	NewID id.Source
	Log   zerolog.Logger
}

// Service runs the operations that this process accepts, and reads those of all.
type Service struct {
	db     *database.DB
	clock  clock.Clock
	newID  id.Source
	log    zerolog.Logger
	runner uuid.UUID // this process

	mu       sync.Mutex
	running  context.Context       //nolint:containedctx // that of Run, from which those of operations descend; nil where it does not run
	live     map[uuid.UUID]*job    // accepted here, and not yet stored as ended
	queue    []*job                // in the order in which they were accepted
	tenants  map[uuid.UUID]int     // operations that run or wait, by tenant
	busy     map[uuid.UUID]bool    // tenants of which one runs: its changes take turns anyway
	works    sync.WaitGroup        // as many as are live
	silences map[uuid.UUID]silence // of operations of other processes
	swept    clock.Instant         // when those were last looked for that are kept no longer
}

// silence is since when an operation's process has not been heard of.
type silence struct {
	beat  clock.Instant // what it said last, by its own clock
	since clock.Instant // when that was first read, by this one's: the two clocks may differ
}

// New returns a Service. It accepts operations while Run runs.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Clock == nil || c.NewID == nil {
		return nil, errors.New("operation: DB, Clock and NewID are needed")
	}
	runner, err := c.NewID()
	if err != nil {
		return nil, err
	}
	return &Service{
		db: c.DB, clock: c.Clock, newID: c.NewID, log: c.Log, runner: runner, live: map[uuid.UUID]*job{},
		tenants: map[uuid.UUID]int{}, busy: map[uuid.UUID]bool{}, silences: map[uuid.UUID]silence{},
	}, nil
}

// limit is how many operations run here at once: a change holds a connection while it waits for
// its turn, and requests need some, too.
func (s *Service) limit() int { return max(1, s.db.Writers()/2) }

// Start accepts an operation, which begins as soon as there is room: one of a tenant at a time,
// and no more than half of what can write at once. It runs on behalf of the actor in ctx and does
// not end with it.
//
// Errors: TOO_MANY where too many wait; UNAVAILABLE where the server is being stopped; those of
// database.Write.
func (s *Service) Start(ctx context.Context, tenant uuid.UUID, w Work) (*Operation, error) {
	j, err := s.accept(ctx, tenant, w)
	if err != nil {
		return nil, err
	}
	if err := s.insert(ctx, j); err != nil {
		s.forget(j)
		return nil, err
	}
	accepted := j.op
	s.mu.Lock()
	defer s.mu.Unlock()
	j.queued = true
	s.dispatch()
	return &accepted, nil
}

// accept makes room for an operation.
func (s *Service) accept(ctx context.Context, tenant uuid.UUID, w Work) (*job, error) {
	key, err := s.newID()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil || s.running.Err() != nil {
		return nil, fault.New(fault.Unavailable, "This server takes no operations any more: it is being stopped.").Fix("Try again.")
	}
	waiting := len(s.live) - len(s.busy)
	ofTenant := s.tenants[tenant]
	if s.busy[tenant] {
		ofTenant--
	}
	if ofTenant >= MaxQueuedOfTenant {
		return nil, tooMany(MaxQueuedOfTenant)
	}
	if waiting >= MaxQueued {
		return nil, tooMany(MaxQueued)
	}
	j := &job{tenant: tenant, work: w, ended: make(chan struct{}), op: Operation{
		ID: key, Kind: w.Kind, ForGroups: w.ForGroups, DryRun: w.DryRun, State: Queued,
		Actor: audit.ActorFrom(ctx), CreatedAt: s.clock.Now(),
	}}
	j.ctx, j.cancel = context.WithCancelCause(audit.WithActor(s.running, j.op.Actor))
	s.live[key] = j
	s.tenants[tenant]++
	s.queue = append(s.queue, j)
	s.works.Add(1)
	return j, nil
}

func tooMany(n int) *fault.Error {
	return fault.New(fault.TooMany, "%d operations are waiting already.", n).Fix("Wait until some have ended, or cancel some.").At("runAsOperation")
}

// forget takes an operation off the books.
func (s *Service) forget(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.cancel(nil)
	if s.live[j.op.ID] == nil {
		return
	}
	delete(s.live, j.op.ID)
	s.queue = slices.DeleteFunc(s.queue, func(o *job) bool { return o == j })
	if s.tenants[j.tenant]--; s.tenants[j.tenant] == 0 {
		delete(s.tenants, j.tenant)
	}
	s.works.Done()
}

// dispatch begins what there is room for. The caller holds mu.
func (s *Service) dispatch() {
	for i := 0; i < len(s.queue); {
		j := s.queue[i]
		cancelled := j.ctx.Err() != nil
		if !j.queued || !cancelled && (s.busy[j.tenant] || len(s.busy) >= s.limit()) {
			i++
			continue
		}
		s.queue = slices.Delete(s.queue, i, i+1)
		if !cancelled {
			s.busy[j.tenant] = true
		}
		go s.work(j, !cancelled)
	}
}
