package operation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/operation"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// told are the events of an operation and of what it changed, the oldest first: action, actor, what
// the fields say, and the place of the cause among them.
func (w *world) told(o *operation.Operation) []string {
	w.Helper()
	log := audit.NewLog(w.db)
	page, err := log.Page(w.Context(), w.tenant, audit.Filter{}, paging.Args{First: new(100)})
	w.ok(err)
	slices.Reverse(page.Items)
	place := map[uuid.UUID]int{}
	var all []string
	for _, e := range page.Items {
		about := len(e.Subjects) == 1 && e.Subjects[0].ID == o.NodeID()
		if _, caused := place[causeOf(e)]; !about && !caused {
			continue
		}
		text := fmt.Sprintf("%s by %s %s", e.Action, e.Actor.Kind, e.Actor.Name)
		if about {
			for _, f := range e.Fields {
				text += fmt.Sprintf(" %s=%s", f.Field, *f.After)
			}
		}
		if e.CauseID != nil {
			text += fmt.Sprintf(" after %d", place[*e.CauseID])
		}
		all = append(all, text)
		place[e.ID] = len(all)
	}
	return all
}

func causeOf(e *audit.Event) uuid.UUID {
	if e.CauseID == nil {
		return uuid.Nil
	}
	return *e.CauseID
}

// tells wants the events of an operation to be these.
func (w *world) tells(o *operation.Operation, want ...string) {
	w.Helper()
	if got := w.told(o); !slices.Equal(got, want) {
		w.Errorf("told is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	w.verify()
}

const began = "operation.begin by TOKEN ci"

// TestAnOperationTellsOfItsBeginningAndEndR28: its change is caused by the beginning, and so is its
// end, which says how many users gained and failed.
func TestAnOperationTellsOfItsBeginningAndEndR28(t *testing.T) {
	each(t, func(w *world) {
		work := w.one.buy(w.tenant, nil)
		work.Results = func(*licensing.Outcome) []operation.Result {
			return []operation.Result{{Principal: "user_1", Changed: true}, {Principal: "user_2", Errors: []*fault.Error{fault.New(fault.NotFound, "There is no such group.")}}}
		}
		w.tells(w.one.ended(w.one.start(w.tenant, work)), began, "subscription.create by TOKEN ci after 1",
			"operation.end by TOKEN ci state=SUCCEEDED usersGaining=0 usersLosing=0 usersInError=0 principalsRefused=1 after 1")

		fails := operation.Work{Kind: operation.DeleteGroup, Run: func(context.Context) (*licensing.Outcome, error) {
			return nil, fault.New(fault.NotFound, "There is no such group.")
		}}
		w.tells(w.one.ended(w.one.start(w.tenant, fails)), began, "operation.end by TOKEN ci state=FAILED errorCode=NOT_FOUND after 1")

		nothing := operation.Work{Kind: operation.DeleteGroup, Run: func(context.Context) (*licensing.Outcome, error) {
			return &licensing.Outcome{Impact: &licensing.Impact{}}, nil
		}}
		w.tells(w.one.ended(w.one.start(w.tenant, nothing)), began, "operation.end by TOKEN ci state=SUCCEEDED usersGaining=0 usersLosing=0 usersInError=0 after 1")

		dry := nothing
		dry.DryRun = true
		w.tells(w.one.ended(w.one.start(w.tenant, dry)))

		g := newGate()
		cancelled := w.one.start(w.tenant, w.one.buy(w.tenant, g))
		<-g.reached
		_, _, err := w.one.operations.Cancel(audit.WithActor(w.Context(), audit.Actor{Kind: audit.ActorToken, Name: "boss"}), w.tenant, cancelled.ID)
		w.ok(err)
		w.tells(w.one.ended(cancelled), began, "operation.end by TOKEN boss state=CANCELLED after 1")

		g = newGate()
		stopped := w.one.start(w.tenant, w.one.buy(w.tenant, g))
		<-g.reached
		w.one.stop()
		w.tells(w.one.read(stopped), began, "operation.end by SYSTEM licensegraph state=INTERRUPTED after 1")
	})
}

// TestEndsThatNobodyToldAreToldByTheNextServerR28: whoever ended an operation may die before it is in
// the audit log; another server, or the same one later, writes it, once.
func TestEndsThatNobodyToldAreToldByTheNextServerR28(t *testing.T) {
	w := newWorld(t, database.Postgres)
	two, g := w.serve(), newGate()
	o := w.one.start(w.tenant, w.one.buy(w.tenant, g))
	<-g.reached
	two.tend()
	w.clock.Advance(operation.Lease)
	two.tend() // the server that is taken for dead still has the tenant's lock: the end is told later
	if got := w.told(o); len(got) != 1 {
		t.Errorf("told is %v", got)
	}
	close(g.open)
	w.one.ended(o)
	for range 2 {
		two.tend()
		w.one.tend()
	}
	w.tells(o, began, "operation.end by SYSTEM licensegraph state=INTERRUPTED after 1")
	if w.bought() != 0 {
		t.Errorf("%d bought", w.bought())
	}
}
