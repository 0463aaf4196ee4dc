package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// Events are numbered from 1 without a gap, whatever was refused, previewed, repeated or made at
// the same time, and their instants rise with the numbers.
func TestEventsAreNumberedWithoutAGapR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 1)
		first := len(o.events())
		o.assign(user(ann), give(base), nil, "")
		o.assign(user(bob), give(base), nil, fault.CountViolation) // refused
		o.assign(user(ann), give(base), nil, "")                   // repeated
		if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, DryRun: true}); err != nil {
			t.Fatal(err)
		}
		if got := len(o.events()); got != first+1 {
			t.Errorf("%d events, want %d", got, first+1)
		}
		o.resize(sub, 20)
		var wg sync.WaitGroup
		const callers = 12
		for n := range callers {
			wg.Go(func() {
				_, err := o.service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.GroupCreate}, func(_ context.Context, d *licensing.Draft) error {
					d.CreateGroup(&principal.Group{ID: numbered(3, 100+n), DisplayName: fmt.Sprint("Team ", n), CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		events := o.events()
		if len(events) != first+2+callers {
			t.Errorf("%d events, want %d", len(events), first+2+callers)
		}
		for i, e := range events {
			if e.Sequence != int64(i+1) || i > 0 && e.OccurredAt <= events[i-1].OccurredAt {
				t.Errorf("event %d has the number %d, at %d", i, e.Sequence, e.OccurredAt)
			}
		}
	})
}

// An event says who did what to whom, and what followed for how many users of which products.
func TestEventTellsWhoDidWhatAndWhatFollowedR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 2)
		o.buy(suite, -1)
		o.join(sales, ann, bob, cid)
		for _, c := range []struct {
			name     string
			call     func(ctx context.Context) error
			action   audit.Action
			subjects []audit.Subject
			fields   []string
			products []string // name, gaining, losing, in error
		}{
			{"an assignment to a group", func(ctx context.Context) error {
				_, err := o.service.Assign(ctx, o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: give(base, suite)})
				return err
			}, audit.LicensesAssign, []audit.Subject{{ID: id.Format(id.Group, sales), Name: "Sales"}},
				[]string{"Base of " + id.Format(id.Group, sales) + " none → all plans", "Suite of " + id.Format(id.Group, sales) + " none → all plans"},
				// base has seats for two; of the exclusive ones base, the older product, is tried first
				[]string{"Base 2 0 1", "Suite 1 0 2"}},
			{"seats", func(ctx context.Context) error {
				_, err := o.service.UpdateSubscription(ctx, o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(5)})
				return err
			}, audit.SubscriptionUpdate, []audit.Subject{{ID: id.Format(id.Subscription, sub.ID), Name: "Base", ProductID: id.Format(id.Product, base)}}, []string{"seats 2 → 5"}, nil},
			{"seats without a limit", func(ctx context.Context) error {
				_, err := o.service.UpdateSubscription(ctx, o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Null[int]()})
				return err
			}, audit.SubscriptionUpdate, []audit.Subject{{ID: id.Format(id.Subscription, sub.ID), Name: "Base", ProductID: id.Format(id.Product, base)}}, []string{"seats 5 → unlimited"}, nil},
			{"the end of a subscription", func(ctx context.Context) error {
				_, err := o.service.CancelSubscription(ctx, o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, AcknowledgeLosses: ptr(2)})
				return err
			}, audit.SubscriptionCancel, []audit.Subject{{ID: id.Format(id.Subscription, sub.ID), Name: "Base", ProductID: id.Format(id.Product, base)}}, []string{"status ENABLED → CANCELLED"},
				// what excluded suite is gone for two users
				[]string{"Base 0 2 0", "Suite 2 0 0"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				actor := audit.Actor{Kind: audit.ActorToken, Name: "Robot", RequestID: "request-" + strings.ReplaceAll(c.name, " ", "-")}
				if err := c.call(audit.WithActor(t.Context(), actor)); err != nil {
					t.Fatal(err)
				}
				events := o.in(t).events()
				e := events[len(events)-1]
				if e.Actor != actor || e.Action != c.action || e.Summary == "" {
					t.Errorf("%+v did %s: %q", e.Actor, e.Action, e.Summary)
				}
				if !slices.Equal(e.Subjects, c.subjects) {
					t.Errorf("the subjects are %v, want %v", e.Subjects, c.subjects)
				}
				fields, products := fieldTexts(e), []string(nil)
				for _, p := range e.Products {
					products = append(products, fmt.Sprintf("%s %d %d %d", p.ProductName, p.UsersGaining, p.UsersLosing, p.UsersInError))
					if kind, _, err := id.ParseAny(p.ProductID); err != nil || kind != id.Product {
						t.Errorf("%s is named by %s", p.ProductName, p.ProductID)
					}
				}
				if !slices.Equal(fields, c.fields) || !slices.Equal(products, c.products) {
					t.Errorf("fields %q, products %q; want %q, %q", fields, products, c.fields, c.products)
				}
			})
		}
	})
}

// An event of assignments says what each selected and selects, with the plans that it names.
func TestEventTellsAssignmentsBeforeAndAfterR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.buy(suite, 5)
		o.buy(addon, 0)
		ofSales, ofAnn := " of "+id.Format(id.Group, sales)+" ", " of "+id.Format(id.User, ann)+" "
		notTalk := []licensing.LicenseInput{{Product: base, IncludeNested: ptr(false),
			Plans: &licensing.SelectionInput{Mode: tenantgraph.Except, Plans: []uuid.UUID{talk}}}}
		for _, c := range []struct {
			name   string
			refs   []licensing.PrincipalRef
			add    []licensing.LicenseInput
			remove []uuid.UUID
			want   []string
		}{
			{"new ones", []licensing.PrincipalRef{group(sales), user(ann)}, give(base), nil,
				[]string{"Base" + ofSales + "none → all plans", "Base" + ofAnn + "none → all plans"}},
			{"an edit", []licensing.PrincipalRef{group(sales)}, notTalk, nil,
				[]string{"Base" + ofSales + "all plans → all plans except Talk; first-level members only"}},
			{"plans by name, in one order", []licensing.PrincipalRef{user(ann)}, only(base, talk, mail), nil,
				[]string{"Base" + ofAnn + "all plans → only Mail, Talk"}},
			{"a swap", []licensing.PrincipalRef{user(ann)}, only(suite), []uuid.UUID{base},
				[]string{"Base" + ofAnn + "only Mail, Talk → none", "Suite" + ofAnn + "none → no plans"}},
			{"what is refused is not told", []licensing.PrincipalRef{user(ann), group(sales)}, give(addon), nil,
				[]string{"Addon" + ofSales + "none → all plans"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				out, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: c.refs, Add: c.add, Remove: c.remove})
				if err != nil || !out.Changed {
					t.Fatalf("%+v, %v", out, err)
				}
				events := o.in(t).events()
				if got := fieldTexts(events[len(events)-1]); !slices.Equal(got, c.want) {
					t.Errorf("the fields are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			})
		}
	})
}

func fieldTexts(e *audit.Event) []string {
	var all []string
	for _, f := range e.Fields {
		all = append(all, fmt.Sprintf("%s %s → %s", f.Field, textOf(f.Before), textOf(f.After)))
	}
	return all
}

// Where nobody said who acts, the system did.
func TestEventWithoutAnActorIsTheSystemsR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		events := o.events()
		if e := events[len(events)-1]; e.Actor.Kind != audit.ActorSystem || e.Actor.RequestID != "" {
			t.Errorf("%+v did it", e.Actor)
		}
	})
}

// An event keeps the names as they were.
func TestEventsKeepNamesAsTheyWereR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		o.join(sales, ann)
		o.assign(group(sales), give(base), nil, "")
		o.do(func(d *licensing.Draft) error {
			g := *d.Graph.Group(sales)
			g.DisplayName, g.Version, g.UpdatedAt = "Renamed", g.Version+1, d.Now
			d.UpdateGroup(&g)
			return nil
		})
		events := o.events()
		if e := events[len(events)-2]; e.Subjects[0].Name != "Sales" || !strings.Contains(e.Summary, "Sales") {
			t.Errorf("the event is about %v: %s", e.Subjects, e.Summary)
		}
	})
}

// A principal whose part was refused is no subject of the event: nothing happened to it.
func TestRefusedPrincipalIsNoSubjectOfTheEventR12R28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		out, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{user(bob), user(ann)}, Add: give(base)})
		if err != nil {
			t.Fatal(err)
		}
		if out.Results[0].Principal.ID != bob || len(out.Results[0].Errors) != 1 || !out.Results[1].Changed {
			t.Fatalf("results %+v, %+v", out.Results[0], out.Results[1])
		}
		events := o.events()
		if e := events[len(events)-1]; len(e.Subjects) != 1 || e.Subjects[0].Name != "Ann" {
			t.Errorf("the event is about %v", e.Subjects)
		}
	})
}

// However many users a change concerns, it is one event, and every violation says which one
// opened it.
func TestChangeOfManyUsersIsOneEventThatItsViolationsNameR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		o.join(sales, ann, bob, cid, dot)
		before := len(o.events())
		out := o.assign(group(sales), give(base), nil, "")
		events := o.events()
		if len(events) != before+1 || events[before].ID != out.EventID {
			t.Fatalf("%d events, the last of which is %s, want one more than %d with %s", len(events), events[len(events)-1].ID, before, out.EventID)
		}
		opened := o.query(`SELECT opened_by FROM license_violations`)
		if len(opened) != 3 || slices.ContainsFunc(opened, func(s string) bool { return uuid.MustParse(s) != out.EventID }) {
			t.Errorf("violations were opened by %v", opened)
		}
	})
}

// The event of an assignment tells what each assignment selected before and after (R28).
func TestAssignmentEventsTellTheSelectionBeforeAndAfterR28(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSample(t, db, 1)
		s.subscribe(t, nil)
		group := licensing.PrincipalRef{Kind: id.Group, ID: s.group}
		if _, err := s.assignTo(t.Context(), group); err != nil {
			t.Fatal(err)
		}
		name := s.sku.String() + " of " + id.Format(id.Group, s.group)
		only := &licensing.SelectionInput{Mode: "ONLY", Plans: []uuid.UUID{s.plan}}
		for _, c := range []struct {
			in            licensing.AssignInput
			before, after string
		}{
			{licensing.AssignInput{Add: []licensing.LicenseInput{{Product: s.sku, Plans: only}}}, "all plans", "only " + s.plan.String()},
			{licensing.AssignInput{Remove: []uuid.UUID{s.sku}}, "only " + s.plan.String(), ""},
		} {
			c.in.Principals = []licensing.PrincipalRef{group}
			if _, err := s.service.Assign(t.Context(), s.tenant, c.in); err != nil {
				t.Fatal(err)
			}
			var fields string
			row := db.Reader().QueryRowContext(t.Context(), `SELECT fields FROM audit_events WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1`, s.tenant)
			if err := row.Scan(&fields); err != nil {
				t.Fatal(err)
			}
			after := "null"
			if c.after != "" {
				after = `"` + c.after + `"`
			}
			if want := `[{"field":"` + name + `","before":"` + c.before + `","after":` + after + `,"productId":"` + id.Format(id.Product, s.sku) + `"}]`; fields != want {
				t.Errorf("recorded %s, want %s", fields, want)
			}
		}
	})
}

// textOf is a field's value; none where there was none.
func textOf(value *string) string {
	if value == nil {
		return "none"
	}
	return *value
}
