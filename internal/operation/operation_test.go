package operation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// world is a database with two tenants, and a product of which seats can be bought: the change
// that the operations of these tests make.
type world struct {
	*testing.T
	url           string
	db            *database.DB
	clock         *clock.Manual
	tenant, other uuid.UUID
	product       uuid.UUID
	one           *server
}

// server is one process that serves the database.
type server struct {
	*world
	db         *database.DB
	licenses   *licensing.Service
	operations *operation.Service
	log        *logged
	stop       func() // ends it in order
}

// logged is what a server logs.
type logged struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.String()
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) { test(newWorld(t, d)) })
	}
}

func newWorld(t *testing.T, d database.Dialect) *world {
	t.Helper()
	w := &world{T: t, url: dbtest.URL(t, d), clock: clock.NewManual(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)),
		tenant: uuid.New(), other: uuid.New(), product: uuid.New()}
	w.one = w.serve()
	w.db = w.one.db
	for name, key := range map[string]uuid.UUID{"test": w.tenant, "other": w.other} {
		w.write(`INSERT INTO tenants (id, name, name_key, country, last_instant, created_at) VALUES ($1, $2, $2, 'NL', 0, 1)`, key, name)
	}
	w.write(`INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, 'BASE', 'Base', 'base')`, w.product)
	return w
}

// serve adds a server to the world. Its operations run, but it is not looked after: tests call
// Tend, so that time is theirs.
func (w *world) serve() *server {
	w.Helper()
	s := &server{world: w, log: &logged{}}
	var err error
	s.db, err = database.Open(w.Context(), w.url, database.Options{})
	w.ok(err)
	s.licenses, err = licensing.New(licensing.Config{DB: s.db, Clock: w.clock, NewID: id.NewV7})
	w.ok(err)
	s.operations, err = operation.New(operation.Config{DB: s.db, Clock: w.clock, NewID: id.NewV7, Log: zerolog.New(s.log)})
	w.ok(err)
	ctx, end := context.WithCancel(context.WithoutCancel(w.Context()))
	wait := s.operations.RunUntended(ctx)
	s.stop = sync.OnceFunc(func() {
		end()
		wait()
	})
	w.Cleanup(func() {
		s.stop()
		w.ok(s.db.Close())
	})
	return s
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) write(query string, args ...any) {
	w.Helper()
	w.ok(w.db.Write(w.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}))
}

// bought is how many subscriptions there are: how often the change was made.
func (w *world) bought() int {
	w.Helper()
	var n int
	w.ok(w.db.Reader().QueryRowContext(w.Context(), `SELECT count(*) FROM subscriptions`).Scan(&n))
	return n
}

// verify holds that what is stored holds R17.
func (w *world) verify() {
	w.Helper()
	for _, tenant := range []uuid.UUID{w.tenant, w.other} {
		report, err := w.one.licenses.Verify(w.Context(), tenant, nil)
		w.ok(err)
		if len(report.Problems) > 0 {
			w.Errorf("verification finds %+v", report.Problems)
		}
	}
}

// gate holds an operation where it stands within its change, until it is opened.
type gate struct{ reached, open chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}), make(chan struct{})} }

// pass waits at the gate; a caller that goes on elsewhere is not held.
func (g *gate) pass(ctx context.Context) error {
	if g == nil {
		return nil
	}
	close(g.reached)
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// buy buys a seat: in the transaction, once all is decided and before it is written, it waits at
// a gate.
func (s *server) buy(tenant uuid.UUID, g *gate) operation.Work {
	return operation.Work{Kind: operation.CreateSubscription, Run: func(ctx context.Context) (*licensing.Outcome, error) {
		reached := false
		ctx = licensing.WithProgress(ctx, func(p licensing.Progress) {
			if p.Phase == licensing.PhaseStoring && !reached {
				reached = true
				_ = g.pass(ctx)
			}
		})
		out, err := s.licenses.CreateSubscription(ctx, tenant, licensing.CreateSubscriptionInput{Product: s.product, Status: licensing.SubscriptionEnabled})
		if err != nil {
			return nil, err
		}
		return out.Outcome, nil
	}}
}

// start has a server run an operation.
func (s *server) start(tenant uuid.UUID, w operation.Work) *operation.Operation {
	s.Helper()
	ctx := audit.WithActor(s.Context(), audit.Actor{Kind: audit.ActorToken, Name: "ci", RequestID: "request-1"})
	o, err := s.operations.Start(ctx, tenant, w)
	s.ok(err)
	return o
}

// ended waits until an operation has ended, and returns it.
func (s *server) ended(o *operation.Operation) *operation.Operation {
	s.Helper()
	for {
		if now := s.read(o); now.FinishedAt != nil && !s.operations.Holds(o.ID) {
			return s.read(o)
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *server) read(o *operation.Operation) *operation.Operation {
	s.Helper()
	now, err := s.operations.ByID(s.Context(), s.tenant, o.ID)
	s.ok(err)
	if now == nil {
		now, err = s.operations.ByID(s.Context(), s.world.other, o.ID)
		s.ok(err)
	}
	if now == nil {
		s.Fatal("the operation is gone")
	}
	return now
}

// is fails unless an operation has a state, and the change was made as often as it says.
func (w *world) is(o *operation.Operation, state operation.State, bought int) {
	w.Helper()
	if o.State != state || o.Changed != (state == operation.Succeeded) || (o.EventID != nil) != o.Changed || w.bought() != bought {
		w.Errorf("%s, changed %t, event %v, %d bought; want %s and %d", o.State, o.Changed, o.EventID, w.bought(), state, bought)
	}
	w.verify()
}

func (s *server) tend() {
	s.Helper()
	s.ok(s.operations.Tend(s.Context()))
}

func TestAnOperationIsDoneByTheTransactionOfItsChange(t *testing.T) {
	each(t, func(w *world) {
		g := newGate()
		o := w.one.start(w.tenant, w.one.buy(w.tenant, g))
		if o.State != operation.Queued || o.Actor.Name != "ci" || o.Actor.RequestID != "request-1" {
			t.Errorf("accepted as %+v", o)
		}
		<-g.reached
		if now := w.one.read(o); now.State != operation.Running || now.StartedAt == nil || now.Progress == nil {
			t.Errorf("at work it is %+v", now)
		}
		close(g.open)
		o = w.one.ended(o)
		w.is(o, operation.Succeeded, 1)
		events, err := audit.NewLog(w.db).ByIDs(w.Context(), w.tenant, []uuid.UUID{*o.EventID})
		w.ok(err)
		if e := events[0]; e == nil || e.Actor.Name != "ci" || e.Actor.RequestID != "request-1" || e.Action != audit.SubscriptionCreate {
			t.Errorf("its event is %+v", e)
		}
	})
}

func TestCancellingEndsAnOperationUntilItsCommit(t *testing.T) {
	each(t, func(w *world) {
		g := newGate()
		running := w.one.start(w.tenant, w.one.buy(w.tenant, g))
		<-g.reached
		first := true
		for range 2 { // once more is the same
			o, changed, err := w.one.operations.Cancel(w.Context(), w.tenant, running.ID)
			w.ok(err)
			if o.State != operation.Cancelled || o.FinishedAt == nil || changed != first {
				t.Errorf("cancelled, it is %+v (changed %t)", o, changed)
			}
			w.one.ended(running)
			first = false
		}
		w.is(w.one.read(running), operation.Cancelled, 0)
		other := w.one.ended(w.one.start(w.other, w.one.buy(w.other, nil)))
		w.is(other, operation.Succeeded, 1)
		o, changed, err := w.one.operations.Cancel(w.Context(), w.other, other.ID)
		if fault.CodeOf(err) != fault.OperationFinished || changed || o == nil || o.State != operation.Succeeded {
			t.Errorf("cancelling what is done: %+v, %t, %v", o, changed, err)
		}
	})
}

func TestAnOperationThatWaitsIsCancelledAtOnce(t *testing.T) {
	each(t, func(w *world) {
		g := newGate()
		first := w.one.start(w.tenant, w.one.buy(w.tenant, g))
		if w.db.Dialect() == database.SQLite {
			// The first one's transaction has the writer: the second one cannot even be noted.
			close(g.open)
			w.is(w.one.ended(first), operation.Succeeded, 1)
			return
		}
		<-g.reached
		second := w.one.start(w.tenant, w.one.buy(w.tenant, nil))
		o, changed, err := w.one.operations.Cancel(w.Context(), w.tenant, second.ID)
		w.ok(err)
		if !changed || o.State != operation.Cancelled || o.StartedAt != nil {
			t.Errorf("%+v, %t", o, changed)
		}
		close(g.open)
		w.is(w.one.ended(first), operation.Succeeded, 1)
		w.is(w.one.ended(second), operation.Cancelled, 1)
	})
}

// TestEitherTheCancellingOrTheCommitComesFirst has both race, many times.
func TestEitherTheCancellingOrTheCommitComesFirst(t *testing.T) {
	each(t, func(w *world) {
		two := w.serve()
		outcomes := map[operation.State]int{}
		for n := range 40 {
			from := []*server{w.one, two}[n%2]
			if w.db.Dialect() == database.SQLite {
				from = w.one
			}
			o := w.one.start(w.tenant, w.one.buy(w.tenant, nil))
			time.Sleep(time.Duration(n) * 500 * time.Microsecond)
			_, changed, err := from.operations.Cancel(w.Context(), w.tenant, o.ID)
			if err != nil && fault.CodeOf(err) != fault.OperationFinished {
				t.Fatal(err)
			}
			o = w.one.ended(o)
			outcomes[o.State]++
			if changed != (o.State == operation.Cancelled) || changed != (err == nil) {
				t.Errorf("cancelled %t, %v; it is %s", changed, err, o.State)
			}
			w.is(o, o.State, outcomes[operation.Succeeded])
		}
		t.Log(outcomes)
	})
}

func TestAnotherServerCancels(t *testing.T) {
	w := newWorld(t, database.Postgres)
	two, g := w.serve(), newGate()
	o := w.one.start(w.tenant, w.one.buy(w.tenant, g))
	<-g.reached
	w.one.tend()
	if now := two.read(o); now.State != operation.Running || now.Progress == nil || now.Progress.Phase == "" {
		t.Errorf("the other server sees %+v", now)
	}
	now, changed, err := two.operations.Cancel(w.Context(), w.tenant, o.ID)
	w.ok(err)
	if !changed || now.State != operation.Cancelled {
		t.Errorf("%+v, %t", now, changed)
	}
	w.one.tend() // it hears of it and gives up, without the gate being opened
	w.is(w.one.ended(o), operation.Cancelled, 0)
}

func TestAnotherServersCancellingComesBeforeTheCommit(t *testing.T) {
	w := newWorld(t, database.Postgres)
	two, g := w.serve(), newGate()
	o := w.one.start(w.tenant, w.one.buy(w.tenant, g))
	<-g.reached
	_, _, err := two.operations.Cancel(w.Context(), w.tenant, o.ID)
	w.ok(err)
	close(g.open) // nobody told the first one: its commit finds out
	w.one.stop()
	w.is(two.read(o), operation.Cancelled, 0)
}

func TestAStoppedServerInterruptsWhatItHas(t *testing.T) {
	each(t, func(w *world) {
		g := newGate()
		running := w.one.start(w.tenant, w.one.buy(w.tenant, g))
		<-g.reached
		var waiting *operation.Operation
		if w.db.Dialect() == database.Postgres {
			waiting = w.one.start(w.tenant, w.one.buy(w.tenant, nil))
		}
		w.one.stop()
		w.is(w.one.read(running), operation.Interrupted, 0)
		if waiting != nil {
			w.is(w.one.read(waiting), operation.Interrupted, 0)
		}
		if _, err := w.one.operations.Start(w.Context(), w.tenant, w.one.buy(w.tenant, nil)); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("a stopped server takes operations: %v", err)
		}
	})
}

// TestWhatADeadServerLeftIsInterrupted has a server fall silent in the middle. It is not dead, and
// goes on: it finds that it is too late.
func TestWhatADeadServerLeftIsInterrupted(t *testing.T) {
	each(t, func(w *world) {
		two, g := w.serve(), newGate()
		work := w.one.buy(w.tenant, nil)
		if make := work.Run; w.db.Dialect() == database.SQLite { // whoever has the writer is alive
			work.Run = func(ctx context.Context) (*licensing.Outcome, error) {
				_ = g.pass(ctx)
				return make(ctx)
			}
		} else {
			work = w.one.buy(w.tenant, g)
		}
		o := w.one.start(w.tenant, work)
		<-g.reached
		two.tend()
		w.clock.Advance(operation.Lease - time.Second)
		two.tend()
		if now := two.read(o); now.State != operation.Running {
			t.Fatalf("within the lease it is %s", now.State)
		}
		w.clock.Advance(time.Second)
		two.tend()
		if now := two.read(o); now.State != operation.Interrupted || now.FinishedAt == nil || !strings.Contains(two.log.String(), "interrupted") {
			t.Fatalf("after the lease it is %+v; log %s", now, two.log)
		}
		close(g.open)
		w.one.stop()
		w.is(two.read(o), operation.Interrupted, 0)
	})
}

func TestASignOfLifeKeepsAnOperation(t *testing.T) {
	w := newWorld(t, database.Postgres)
	two, g := w.serve(), newGate()
	o := w.one.start(w.tenant, w.one.buy(w.tenant, g))
	<-g.reached
	for range 5 {
		two.tend()
		w.clock.Advance(operation.Lease)
		w.one.tend()
		two.tend()
	}
	if now := two.read(o); now.State != operation.Running {
		t.Errorf("it is %s", now.State)
	}
	close(g.open)
	w.is(w.one.ended(o), operation.Succeeded, 1)
}

func TestOneOperationOfATenantRunsAtATimeAndOnlySoManyWait(t *testing.T) {
	w := newWorld(t, database.Postgres)
	g := newGate()
	all := []*operation.Operation{w.one.start(w.tenant, w.one.buy(w.tenant, g))}
	<-g.reached
	for range operation.MaxQueuedOfTenant {
		all = append(all, w.one.start(w.tenant, w.one.buy(w.tenant, nil)))
	}
	_, err := w.one.operations.Start(w.Context(), w.tenant, w.one.buy(w.tenant, nil))
	if f, ok := fault.As(err); !ok || f.Code != fault.TooMany || f.Path[0] != "runAsOperation" {
		t.Errorf("one more: %v", err)
	}
	if o := w.one.ended(w.one.start(w.other, w.one.buy(w.other, nil))); o.State != operation.Succeeded {
		t.Errorf("another tenant's is %s", o.State)
	}
	list, err := w.one.operations.List(w.Context(), w.tenant, []operation.State{operation.Queued}, paging.Args{})
	w.ok(err)
	if n, err := list.Count(w.Context()); n != operation.MaxQueuedOfTenant || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
	close(g.open)
	for _, o := range all {
		if o = w.one.ended(o); o.State != operation.Succeeded {
			t.Errorf("it is %s", o.State)
		}
	}
	w.is(w.one.ended(w.one.start(w.tenant, w.one.buy(w.tenant, nil))), operation.Succeeded, len(all)+2)
}

func TestWhyAnOperationFailedIsKept(t *testing.T) {
	each(t, func(w *world) {
		g, err := w.one.licenses.Graph(w.Context(), w.tenant)
		w.ok(err)
		details := &licensing.LossDetails{UsersLosing: 3, Threshold: 2}
		refusal := fault.New(fault.ConfirmationRequired, "%d users would lose a product; up to %d may without being asked.", 3, 2).At("acknowledgeLosses").With(details)
		for name, c := range map[string]struct {
			run      func() (*licensing.Outcome, error)
			refusals string
			failure  fault.Code
			logged   string
		}{
			"refused": {func() (*licensing.Outcome, error) { return nil, refusal }, "[CONFIRMATION_REQUIRED]", "", ""},
			"two":     {func() (*licensing.Outcome, error) { return nil, errors.Join(refusal, refusal) }, "[CONFIRMATION_REQUIRED CONFIRMATION_REQUIRED]", "", ""},
			"busy": {func() (*licensing.Outcome, error) {
				return nil, fault.New(fault.Unavailable, "The database is busy or unreachable; nothing was changed.")
			}, "[]", fault.Unavailable, "busy"},
			"lost":   {func() (*licensing.Outcome, error) { return nil, fault.New(fault.OutcomeUnknown, "Read how it ended.") }, "[]", fault.Unavailable, "Read how"},
			"broken": {func() (*licensing.Outcome, error) { return nil, errors.New("a secret of the server") }, "[]", fault.Internal, "a secret"},
			"panic":  {func() (*licensing.Outcome, error) { panic("a fault of the program") }, "[]", fault.Internal, "a fault of the program"},
		} {
			o := w.one.ended(w.one.start(w.tenant, operation.Work{Kind: operation.DeleteGroup, Run: func(context.Context) (*licensing.Outcome, error) { return c.run() }}))
			w.is(o, operation.Failed, 0)
			refusals, failure := o.Errors(g)
			codes := []fault.Code{}
			for _, e := range refusals {
				codes = append(codes, e.Code)
				if d, ok := e.Details.(*licensing.LossDetails); !ok || *d != *details || e.Message != refusal.Message || e.Path[0] != "acknowledgeLosses" {
					t.Errorf("%s: %+v", name, e)
				}
			}
			if fmt.Sprint(codes) != c.refusals || (failure == nil) != (c.failure == "") || failure != nil && (failure.Code != c.failure || strings.Contains(failure.Message, "secret")) {
				t.Errorf("%s: %v, %v", name, codes, failure)
			}
			if !strings.Contains(w.one.log.String(), c.logged) {
				t.Errorf("%s is not logged: %s", name, w.one.log)
			}
		}
	})
}

// TestTheRowTellsWhatTheAnswerToTheCommitWouldHave loses that answer: what was changed is said to
// be, and a failure after the commit takes nothing of it back.
func TestTheRowTellsWhatTheAnswerToTheCommitWouldHave(t *testing.T) {
	each(t, func(w *world) {
		for n, lost := range []error{fault.New(fault.OutcomeUnknown, "Read how it ended."), errors.New("what came after the commit")} {
			work := w.one.buy(w.tenant, nil)
			buy := work.Run
			work.Run = func(ctx context.Context) (*licensing.Outcome, error) {
				_, err := buy(ctx)
				return nil, errors.Join(err, lost)
			}
			w.is(w.one.ended(w.one.start(w.tenant, work)), operation.Succeeded, n+1)
		}
	})
}

func TestADryRunTellsAndChangesNothing(t *testing.T) {
	each(t, func(w *world) {
		work := operation.Work{Kind: operation.CreateSubscription, DryRun: true, Run: func(ctx context.Context) (*licensing.Outcome, error) {
			out, err := w.one.licenses.CreateSubscription(ctx, w.tenant, licensing.CreateSubscriptionInput{Product: w.product, Status: licensing.SubscriptionEnabled, DryRun: true})
			if err != nil {
				return nil, err
			}
			return out.Outcome, nil
		}}
		o := w.one.ended(w.one.start(w.tenant, work))
		if o.State != operation.Succeeded || !o.Changed || !o.DryRun || o.EventID != nil || w.bought() != 0 {
			t.Errorf("%+v, %d bought", o, w.bought())
		}
	})
}

func TestOperationsAreKeptForTheirTime(t *testing.T) {
	each(t, func(w *world) {
		work := w.one.buy(w.tenant, nil)
		work.Results = func(*licensing.Outcome) []operation.Result { return []operation.Result{{Principal: "user_1"}} }
		old := w.one.ended(w.one.start(w.tenant, work))
		w.clock.Advance(operation.Retention / 2)
		recent := w.one.ended(w.one.start(w.tenant, work))
		w.clock.Advance(operation.Retention / 2)
		w.one.tend()
		if w.one.read(old) == nil {
			t.Error("it is gone too early")
		}
		w.clock.Advance(time.Hour)
		w.one.tend()
		if o, err := w.one.operations.ByID(w.Context(), w.tenant, old.ID); o != nil || err != nil {
			t.Errorf("it is there: %+v, %v", o, err)
		}
		g, err := w.one.licenses.Graph(w.Context(), w.tenant)
		w.ok(err)
		for o, want := range map[*operation.Operation]int{old: 0, recent: 1} {
			list, err := w.one.operations.ListResults(w.Context(), g, o, false, paging.Args{})
			w.ok(err)
			if len(list.Items) != want {
				t.Errorf("%d results, want %d", len(list.Items), want)
			}
		}
	})
}

func TestATenantSeesItsOwnOperationsAlone(t *testing.T) {
	each(t, func(w *world) {
		work := w.one.buy(w.tenant, nil)
		work.Results = func(*licensing.Outcome) []operation.Result { return []operation.Result{{Principal: "user_1"}} }
		o := w.one.ended(w.one.start(w.tenant, work))
		if found, err := w.one.operations.ByID(w.Context(), w.other, o.ID); found != nil || err != nil {
			t.Errorf("by id: %+v, %v", found, err)
		}
		list, err := w.one.operations.List(w.Context(), w.other, nil, paging.Args{})
		w.ok(err)
		if n, err := list.Count(w.Context()); len(list.Items) != 0 || n != 0 || err != nil {
			t.Errorf("listed: %v, %d, %v", list.Items, n, err)
		}
		g, err := w.one.licenses.Graph(w.Context(), w.other)
		w.ok(err)
		results, err := w.one.operations.ListResults(w.Context(), g, o, false, paging.Args{})
		w.ok(err)
		if len(results.Items) != 0 {
			t.Errorf("results: %v", results.Items)
		}
		cancel := func(key uuid.UUID) {
			if found, changed, err := w.one.operations.Cancel(w.Context(), w.other, key); found != nil || changed || fault.CodeOf(err) != fault.NotFound {
				t.Errorf("cancelled: %+v, %t, %v", found, changed, err)
			}
		}
		cancel(o.ID)
		g2 := newGate()
		running := w.one.start(w.tenant, w.one.buy(w.tenant, g2))
		<-g2.reached
		if w.db.Dialect() == database.Postgres { // on SQLite it would wait for the writer
			cancel(running.ID)
		}
		close(g2.open)
		w.is(w.one.ended(running), operation.Succeeded, 2)
	})
}
