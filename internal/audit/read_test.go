package audit_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

var start = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func TestR28EventsAreReadAsTheyWereWritten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		acme := newTenant(t, db, "Acme")
		before, after := "a \"quoted\" <b>", "日本"
		cause := write(t, db, acme, &audit.Event{Action: audit.CatalogImport, Summary: "cause"})
		e := write(t, db, acme, &audit.Event{
			Action: audit.UserUpdate, Summary: "Updated.", CauseID: &cause.ID,
			Actor:    audit.Actor{Kind: audit.ActorToken, Name: "payroll", RequestID: "r-1"},
			Subjects: []audit.Subject{{ID: "user_1", Name: "Anna"}},
			Fields:   []audit.FieldChange{{Field: "mail", Before: &before, After: &after}, {Field: "department", Before: &before}},
			Products: []audit.ProductImpact{{ProductID: "product_1", ProductName: "P", UsersGaining: 1, UsersLosing: 2, UsersInError: 3}},
		})
		got, err := audit.NewLog(db).ByIDs(t.Context(), acme, []uuid.UUID{uuid.New(), e.ID, cause.ID, e.ID})
		if err != nil || got[0] != nil || got[2] == nil || got[2].Summary != "cause" || got[1] != got[3] {
			t.Fatalf("read %v, %v", got, err)
		}
		g := got[1]
		if g.ID != e.ID || g.Sequence != e.Sequence || g.OccurredAt != e.OccurredAt || g.Actor != e.Actor || g.Action != e.Action ||
			g.Summary != e.Summary || *g.CauseID != cause.ID || !slices.Equal(g.Subjects, e.Subjects) || !slices.Equal(g.Products, e.Products) ||
			len(g.Fields) != 2 || *g.Fields[0].Before != before || *g.Fields[0].After != after || g.Fields[1].After != nil {
			t.Errorf("read %+v, wrote %+v", g, e)
		}
	})
}

func TestEventsAreListedNewestFirstAndCountedByTheirNumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		acme := newTenant(t, db, "Acme")
		for range 6 {
			write(t, db, acme, &audit.Event{Action: audit.UserCreate})
		}
		log := audit.NewLog(db)
		if n, err := log.Count(t.Context(), acme, audit.Filter{}); err != nil || n != 7 {
			t.Errorf("counted %d, %v; want 7", n, err)
		}
		var numbers []int64
		args := paging.Args{First: new(3)}
		for {
			page, err := log.Page(t.Context(), acme, audit.Filter{}, args)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Items {
				numbers = append(numbers, e.Sequence)
			}
			if !page.HasNext {
				break
			}
			args.After = &page.Cursors[len(page.Cursors)-1]
		}
		if !slices.Equal(numbers, []int64{7, 6, 5, 4, 3, 2, 1}) {
			t.Errorf("listed %v", numbers)
		}
		if _, err := log.Page(t.Context(), acme, audit.Filter{}, paging.Args{First: new(-1)}); fault.CodeOf(err) != fault.BadUserInput {
			t.Errorf("first -1: %v", err)
		}
	})
}

func TestEventsOfAnotherTenantLookAbsent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		acme, other := newTenant(t, db, "Acme"), newTenant(t, db, "Other")
		e := write(t, db, acme, &audit.Event{Action: audit.UserCreate})
		log := audit.NewLog(db)
		if got, err := log.ByIDs(t.Context(), other, []uuid.UUID{e.ID}); err != nil || got[0] != nil {
			t.Errorf("by id: %v, %v", got, err)
		}
		page, err := log.Page(t.Context(), other, audit.Filter{}, paging.Args{})
		if err != nil || len(page.Items) != 1 || page.Items[0].Action != audit.TenantCreate {
			t.Errorf("listed %v, %v; want the other tenant's own event", page.Items, err)
		}
		if n, err := log.Count(t.Context(), other, audit.Filter{}); err != nil || n != 1 {
			t.Errorf("counted %d, %v", n, err)
		}
		if n, err := log.Count(t.Context(), uuid.New(), audit.Filter{}); err != nil || n != 0 {
			t.Errorf("unknown tenant: counted %d, %v", n, err)
		}
	})
}

func TestChangesOfATenantBearRisingInstantsThoughTheClockStandsStillOrGoesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		acme := newTenant(t, db, "Acme")
		last := clock.FromTime(start)
		for _, now := range []time.Time{start, start.Add(-time.Hour), start.Add(time.Hour), start} {
			err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				at, err := audit.Begin(ctx, tx, acme, clock.FromTime(now))
				if at <= last || at < clock.FromTime(now) {
					t.Errorf("at %v, after %v, the change bears %v", now, last, at)
				}
				last = at
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if want := clock.FromTime(start.Add(time.Hour)) + 1; last != want {
			t.Errorf("the last change bears %v, want %v", last, want)
		}
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := audit.Begin(ctx, tx, uuid.New(), 1)
			return err
		})
		if fault.CodeOf(err) != fault.NotFound {
			t.Errorf("unknown tenant: %v", err)
		}
	})
}

func newTenant(t *testing.T, db *database.DB, name string) uuid.UUID {
	t.Helper()
	tenants, err := tenant.New(tenant.Config{DB: db, Clock: clock.NewManual(start), NewID: id.NewV7})
	if err != nil {
		t.Fatal(err)
	}
	made, err := tenants.Create(t.Context(), name, "US")
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func write(t *testing.T, db *database.DB, tenant uuid.UUID, e *audit.Event) *audit.Event {
	t.Helper()
	e.ID = uuid.New()
	if e.Actor.Kind == "" {
		e.Actor = audit.ActorFrom(t.Context())
	}
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
		if e.OccurredAt, err = audit.Begin(ctx, tx, tenant, clock.FromTime(start)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, tenant, e)
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
