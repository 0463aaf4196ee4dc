package audit_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// mentioned are the ids that events of the property test name.
var mentioned = []string{
	id.Format(id.User, uuid.UUID{1}), id.Format(id.User, uuid.UUID{2}), id.Format(id.Group, uuid.UUID{1}), id.Format(id.Group, uuid.UUID{3}),
	id.Format(id.Product, uuid.UUID{4}), id.Format(id.Subscription, uuid.UUID{5}),
}

// TestFiltersFindWhatHoldsForThemAllAndCountItR28 compares random filters over random events with
// what the events say.
func TestFiltersFindWhatHoldsForThemAllAndCountItR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		rapid.Check(t, func(r *rapid.T) {
			empty(t, db)
			acme, other := newTenant(t, db, "Acme"), newTenant(t, db, "Other")
			var events []*audit.Event
			for n := range rapid.IntRange(0, 30).Draw(r, "events") {
				e := drawEvent(r, n)
				events = append(events, e)
				for _, tenant := range []uuid.UUID{acme, other} {
					e := *e
					e.ID = uuid.New()
					err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { return audit.Append(ctx, tx, tenant, &e) })
					if err != nil {
						r.Fatal(err)
					}
				}
			}
			log := audit.NewLog(db)
			for range 10 {
				f := drawFilter(r, len(events))
				var want []int64
				for i, e := range slices.Backward(events) {
					if holds(f, e) {
						want = append(want, int64(i+2)) // the first event tells that the tenant was created
					}
				}
				if creation := (&audit.Event{Action: audit.TenantCreate, Actor: audit.Actor{Kind: audit.ActorSystem, Name: "licensegraph"}, OccurredAt: clock.FromTime(start)}); holds(f, creation) {
					want = append(want, 1)
				}
				var got []int64
				args := paging.Args{First: new(rapid.IntRange(1, 40).Draw(r, "first"))}
				for {
					page, err := log.Page(t.Context(), acme, f, args)
					if err != nil {
						r.Fatal(err)
					}
					for _, e := range page.Items {
						got = append(got, e.Sequence)
					}
					if !page.HasNext {
						break
					}
					args.After = &page.Cursors[len(page.Cursors)-1]
				}
				if !slices.Equal(got, want) {
					r.Fatalf("%s finds %v, want %v", text(f), got, want)
				}
				if n, err := log.Count(t.Context(), acme, f); err != nil || n != len(want) {
					r.Fatalf("%s counts %d, %v, want %d", text(f), n, err, len(want))
				}
				var exported []int64
				err := log.Export(t.Context(), acme, f, func(e *audit.Exported) error {
					exported = append(exported, e.Sequence)
					return nil
				})
				slices.Reverse(exported)
				if err != nil || !slices.Equal(exported, want) {
					r.Fatalf("%s exports %v, %v, want %v", text(f), exported, err, want)
				}
			}
		})
	})
}

func minute(n int) clock.Instant {
	return clock.FromTime(start.Add(time.Duration(n+1) * time.Minute))
}

func drawEvent(r *rapid.T, n int) *audit.Event {
	pick := func(label string) string { return rapid.SampledFrom(mentioned).Draw(r, label) }
	e := &audit.Event{
		OccurredAt: minute(n), Summary: "S", Action: rapid.SampledFrom([]audit.Action{audit.LicensesAssign, audit.UserCreate, audit.GroupUpdate}).Draw(r, "action"),
		Actor: audit.Actor{Kind: rapid.SampledFrom([]audit.ActorKind{audit.ActorToken, audit.ActorCommand, audit.ActorSystem}).Draw(r, "kind"), Name: rapid.SampledFrom([]string{"ci", "CI", "hr"}).Draw(r, "actor")},
	}
	for range rapid.IntRange(0, 2).Draw(r, "subjects") {
		e.Subjects = append(e.Subjects, audit.Subject{ID: pick("subject"), Name: "N", ProductID: rapid.SampledFrom([]string{"", mentioned[4]}).Draw(r, "product")})
	}
	for range rapid.IntRange(0, 2).Draw(r, "fields") {
		e.Fields = append(e.Fields, audit.FieldChange{Field: rapid.SampledFrom([]string{"mail", "members of ", "A of B of "}).Draw(r, "field")})
		if f := &e.Fields[len(e.Fields)-1]; f.Field != "mail" {
			f.Field += rapid.SampledFrom(mentioned[:4]).Draw(r, "of")
		}
	}
	if rapid.Bool().Draw(r, "counts") {
		e.Products = []audit.ProductImpact{{ProductID: mentioned[4], ProductName: "P", UsersGaining: 1}}
	}
	return e
}

func drawFilter(r *rapid.T, events int) audit.Filter {
	var f audit.Filter
	for range rapid.IntRange(0, 2).Draw(r, "named") {
		f.Named = append(f.Named, rapid.SampledFrom(mentioned).Draw(r, "name"))
	}
	if rapid.IntRange(0, 2).Draw(r, "by actor") == 0 {
		f.Actor = new(rapid.SampledFrom([]string{"ci", "hr", "nobody"}).Draw(r, "actor"))
	}
	if rapid.IntRange(0, 2).Draw(r, "by kind") == 0 {
		f.ActorKind = new(rapid.SampledFrom([]audit.ActorKind{audit.ActorToken, audit.ActorCommand, audit.ActorSystem}).Draw(r, "kind"))
	}
	if n := rapid.IntRange(-2, 2).Draw(r, "actions"); n >= 0 {
		f.Actions = rapid.SliceOfN(rapid.SampledFrom([]audit.Action{audit.LicensesAssign, audit.UserCreate, audit.TenantCreate}), n, n).Draw(r, "action")
	}
	// At events, and between them.
	at := func(label string) *clock.Instant {
		i := minute(rapid.IntRange(-1, events).Draw(r, label)) + clock.Instant(rapid.IntRange(-1, 1).Draw(r, "off"))
		return &i
	}
	if rapid.IntRange(0, 2).Draw(r, "has since") == 0 {
		f.Since = at("since")
	}
	if rapid.IntRange(0, 2).Draw(r, "has until") == 0 {
		f.Until = at("until")
	}
	return f
}

// holds tells whether a filter finds an event, by what it says.
func holds(f audit.Filter, e *audit.Event) bool {
	names := func(node string) bool {
		return slices.ContainsFunc(e.Subjects, func(s audit.Subject) bool { return s.ID == node || s.ProductID == node }) ||
			slices.ContainsFunc(e.Fields, func(c audit.FieldChange) bool { return strings.HasSuffix(c.Field, " of "+node) || c.ProductID == node }) ||
			slices.ContainsFunc(e.Products, func(p audit.ProductImpact) bool { return p.ProductID == node })
	}
	return (f.Actor == nil || *f.Actor == e.Actor.Name) && (f.ActorKind == nil || *f.ActorKind == e.Actor.Kind) &&
		(f.Actions == nil || slices.Contains(f.Actions, e.Action)) && (f.Since == nil || e.OccurredAt >= *f.Since) && (f.Until == nil || e.OccurredAt < *f.Until) &&
		!slices.ContainsFunc(f.Named, func(node string) bool { return !names(node) })
}

func text(f audit.Filter) string {
	var parts []string
	if f.Actor != nil {
		parts = append(parts, "actor "+*f.Actor)
	}
	if f.ActorKind != nil {
		parts = append(parts, "kind "+string(*f.ActorKind))
	}
	if f.Since != nil {
		parts = append(parts, "since "+f.Since.String())
	}
	if f.Until != nil {
		parts = append(parts, "until "+f.Until.String())
	}
	return fmt.Sprint(parts, f.Named, f.Actions)
}

// TestAFilterReadsAnIndexR28: the numbers of what named something, or was done by somebody, are read
// in order from an index, and only as many as a page has.
func TestAFilterReadsAnIndexR28(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, ran *dbtest.Statements) {
		acme := newTenant(t, db, "Acme")
		at := clock.FromTime(start)
		for index, f := range map[string]audit.Filter{
			"auditmention_tenant_id_node_sequence": {Named: mentioned[:1]},
			"auditevent_tenant_id_actor_sequence":  {Actor: new("ci")},
			"auditevent_tenant_id_action_sequence": {Actions: []audit.Action{audit.UserDelete}},
			"MERGE (UNION ALL)":                    {Actions: []audit.Action{audit.UserDelete, audit.UserCreate}},
			"audit_events_not_by_tokens":           {ActorKind: new(audit.ActorSystem)},
			"auditevent_tenant_id_occurred_at":     {Since: &at},
		} {
			ran.Reset()
			if _, err := audit.NewLog(db).Page(t.Context(), acme, f, paging.Args{}); err != nil {
				t.Fatal(err)
			}
			if n := ran.Count(); n != 1 {
				t.Errorf("%s: %d statements", text(f), n)
			}
			if db.Dialect() == database.SQLite { // PostgreSQL reads so few rows whole
				if plan := explained(t, db, ran.List()[0]); !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN e\n") {
					t.Errorf("%s does not read %s in order:\n%s", text(f), index, plan)
				}
			}
		}
	})
}

// explained is how SQLite runs a statement.
func explained(t *testing.T, db *database.DB, query string) string {
	t.Helper()
	var lines []string
	args := make([]any, strings.Count(query, "$"))
	for i := range args {
		args[i] = 1
	}
	err := database.Each(t.Context(), db.Reader(), func(scan func(...any) error) error {
		var n any
		var line string
		err := scan(&n, &n, &n, &line)
		lines = append(lines, line)
		return err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
