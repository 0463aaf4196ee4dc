package schedule_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/schedule"
)

const day = 24 * time.Hour

// world is a tenant with the usual terms, and a product to buy.
type world struct {
	*testing.T
	url     string
	db      *database.DB
	clock   *clock.Manual
	service *licensing.Service
	tenant  uuid.UUID
	product uuid.UUID
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	for _, dialect := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(dialect), func(t *testing.T) {
			w := &world{T: t, url: dbtest.URL(t, dialect), clock: clock.NewManual(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
				tenant: uuid.New(), product: uuid.New()}
			w.db = w.open(database.Options{})
			w.service = w.serve(w.db)
			w.write(`INSERT INTO tenants (id, name, name_key, country, last_instant, created_at) VALUES ($1, 'Test', 'test', 'NL', 0, 1)`, w.tenant)
			w.write(`INSERT INTO products (id, sku_part_number, display_name, display_name_key) VALUES ($1, 'BASE', 'Base', 'base')`, w.product)
			test(w)
		})
	}
}

// open opens the world's database once more, as another server does.
func (w *world) open(o database.Options) *database.DB {
	w.Helper()
	db, err := database.Open(w.Context(), w.url, o)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = db.Close() })
	return db
}

func (w *world) serve(db *database.DB) *licensing.Service {
	w.Helper()
	s, err := licensing.New(licensing.Config{DB: db, Clock: w.clock, NewID: id.NewV7})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) write(query string, args ...any) {
	w.Helper()
	err := w.db.Write(w.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

// buy makes a subscription from one time from now on to another.
func (w *world) buy(from, to time.Duration) {
	w.Helper()
	start, end, seats := w.clock.Now().Add(from), w.clock.Now().Add(to), 1
	_, err := w.service.CreateSubscription(w.Context(), w.tenant, licensing.CreateSubscriptionInput{Product: w.product, Seats: &seats, StartsAt: &start, EndsAt: &end})
	if err != nil {
		w.Fatal(err)
	}
}

// statuses are those that subscriptions came to by the clock, in the order of events.
func (w *world) statuses() []string {
	w.Helper()
	page, err := audit.NewLog(w.db).Page(w.Context(), w.tenant, audit.Filter{}, paging.Args{})
	if err != nil {
		w.Fatal(err)
	}
	var all []string
	for _, e := range slices.Backward(page.Items) {
		if e.Action == audit.SubscriptionStatus {
			all = append(all, *e.Fields[0].After)
		}
	}
	return all
}

// runner is a runner at work, which says when it has looked.
type runner struct {
	looked chan *licensing.Due
	end    func() // ends it, and waits for that
}

func (w *world) run(s *licensing.Service) *runner {
	w.Helper()
	r := &runner{looked: make(chan *licensing.Due)}
	ctx, cancel := context.WithCancel(w.Context())
	work, err := schedule.New(schedule.Config{Clock: w.clock, Apply: func(ctx context.Context, except ...uuid.UUID) (*licensing.Due, error) {
		due, err := s.ApplyDue(ctx, except...)
		select {
		case r.looked <- due:
		case <-ctx.Done():
		}
		return due, err
	}})
	if err != nil {
		w.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); work.Run(ctx) }()
	r.end = sync.OnceFunc(func() { cancel(); <-ended })
	w.Cleanup(r.end)
	return r
}

func (w *world) comesTo(r *runner, want ...string) {
	w.Helper()
	<-r.looked // one that may have begun before the clock was moved
	<-r.looked
	if got := w.statuses(); !slices.Equal(got, want) {
		w.Errorf("it came to %v, want %v", got, want)
	}
}

// Each transition comes when the clock reaches its instant, and none before; what is bought in
// the meantime is seen.
func TestTransitionsComeAtTheirInstantsAndNotBeforeR16(t *testing.T) {
	each(t, func(w *world) {
		r := w.run(w.service)
		w.comesTo(r)
		w.buy(time.Hour, 2*time.Hour)
		w.clock.Advance(time.Hour - time.Microsecond)
		w.comesTo(r)
		w.clock.Advance(time.Microsecond)
		w.comesTo(r, "ENABLED")
		w.clock.Advance(time.Hour)
		w.comesTo(r, "ENABLED", "WARNING")
		w.clock.Advance(30*day - time.Microsecond)
		w.comesTo(r, "ENABLED", "WARNING")
		w.clock.Advance(time.Microsecond)
		w.comesTo(r, "ENABLED", "WARNING", "SUSPENDED")
	})
}

// What fell due while nobody was there is carried out at the start, in order.
func TestDowntimeIsMadeUpForAtTheStartR16(t *testing.T) {
	each(t, func(w *world) {
		w.buy(time.Hour, 10*day)
		w.buy(2*day, 3*day)
		w.clock.Advance(500 * day)
		r := w.run(w.service)
		if due := <-r.looked; due.Applied != 8 {
			t.Errorf("%d changes, want 8", due.Applied)
		}
		want := []string{"ENABLED", "ENABLED", "WARNING", "WARNING", "SUSPENDED", "SUSPENDED", "LOCKED_OUT", "LOCKED_OUT"}
		if got := w.statuses(); !slices.Equal(got, want) {
			t.Errorf("it came to %v, want %v", got, want)
		}
	})
}

// Two servers on one database make each transition once.
func TestTwoServersMakeEachTransitionOnceR16(t *testing.T) {
	each(t, func(w *world) {
		for n := range 5 {
			w.buy(time.Hour+time.Duration(n)*time.Minute, 5*day)
		}
		one, two := w.run(w.service), w.run(w.serve(w.open(database.Options{})))
		for _, step := range []struct {
			forward time.Duration
			status  string
		}{{2 * time.Hour, "ENABLED"}, {5 * day, "WARNING"}, {30 * day, "SUSPENDED"}, {90 * day, "LOCKED_OUT"}} {
			w.clock.Advance(step.forward)
			for _, r := range []*runner{one, two} {
				<-r.looked
				<-r.looked
			}
			counts := map[string]int{}
			for _, s := range w.statuses() {
				counts[s]++
			}
			if counts[step.status] != 5 {
				t.Fatalf("%s came %d times, want 5: %v", step.status, counts[step.status], counts)
			}
		}
	})
}

// A server that ends in the middle of a change leaves nothing half done, and another one goes on
// where it was.
func TestWhatAnEndedServerLeftIsCarriedOutOnceR16(t *testing.T) {
	each(t, func(w *world) {
		w.buy(time.Hour, 10*day)
		w.clock.Advance(500 * day)
		ctx, end := context.WithCancel(t.Context())
		var events atomic.Int32
		ending := w.open(database.Options{Observe: func(query string) {
			if strings.Contains(query, "INSERT INTO audit_events") && events.Add(1) == 3 {
				end() // in the third change, after its facts
			}
		}})
		work, err := schedule.New(schedule.Config{Apply: w.serve(ending).ApplyDue, Clock: w.clock})
		if err != nil {
			t.Fatal(err)
		}
		work.Run(ctx)
		if got := w.statuses(); !slices.Equal(got, []string{"ENABLED", "WARNING"}) {
			t.Fatalf("it left %v", got)
		}
		r := w.run(w.service)
		<-r.looked
		if got := w.statuses(); !slices.Equal(got, []string{"ENABLED", "WARNING", "SUSPENDED", "LOCKED_OUT"}) {
			t.Errorf("it came to %v", got)
		}
		report, err := w.service.Verify(t.Context(), w.tenant, nil)
		if err != nil || !report.OK() {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

// A runner ends with its context though the database answers no more.
func TestARunnerSurvivesALostDatabaseAndEndsR16(t *testing.T) {
	each(t, func(w *world) {
		db := w.open(database.Options{})
		s := w.serve(db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		calls := 0
		work, err := schedule.New(schedule.Config{Clock: w.clock, Apply: func(ctx context.Context, except ...uuid.UUID) (*licensing.Due, error) {
			due, err := s.ApplyDue(ctx, except...)
			if err == nil {
				t.Error("a closed database answers")
			}
			if calls++; calls == 2 {
				end()
			}
			return due, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		work.Run(ctx)
		if calls != 2 {
			t.Errorf("%d looks", calls)
		}
	})
}

func TestARunnerNeedsWhatItWorksWith(t *testing.T) {
	if _, err := schedule.New(schedule.Config{}); err == nil || !strings.Contains(fmt.Sprint(err), "Apply") {
		t.Error(err)
	}
}
