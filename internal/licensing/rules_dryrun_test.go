package licensing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// answer is what a call says, in a form that can be compared.
type answer struct {
	changed bool
	refusal string
	results string
	impact  string
}

// told is what a dry run and the change itself must say alike: the counts, the products with
// their seats, and every change.
func (o *office) told(out *licensing.Outcome) string {
	o.Helper()
	i := out.Impact
	lines := []string{fmt.Sprintf("%d gain, %d lose, %d keep, %d in error, %d changes", i.UsersGaining, i.UsersLosing, i.UsersChanged, i.UsersInError, i.ChangeCount())}
	for _, p := range i.Products {
		seats, err := json.Marshal([]licensing.SeatCounts{p.SeatsBefore, p.SeatsAfter})
		if err != nil {
			o.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %s +%d −%d !%d", p.Product.DisplayName, seats, p.UsersGaining, p.UsersLosing, p.UsersInError))
	}
	page, err := i.Changes(o.Context(), 100, "")
	if err != nil {
		o.Fatal(err)
	}
	return strings.Join(append(lines, changeTexts(page.Items)...), "\n")
}

func changeTexts(changes []*licensing.LicenseChange) []string {
	var lines []string
	for _, c := range changes {
		line := fmt.Sprintf("%s %s %s", c.UserID, c.Product.DisplayName, c.Kind)
		for _, p := range c.PlansAdded {
			line += " +" + p.DisplayName
		}
		for _, p := range c.PlansRemoved {
			line += " −" + p.DisplayName
		}
		for _, e := range c.Errors {
			line += fmt.Sprintf(" %s %s", e.Code, e.Message())
			if d, is := e.Details.(*licensing.SeatDetails); is {
				line += fmt.Sprintf(" %d of %d", d.Consumed, *d.Total)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// calls are all kinds of changes, some of which are refused or change nothing.
func (o *troubled) calls(subs map[uuid.UUID]*licensing.Subscription) map[string]func(dryRun bool) answer {
	outcome := func(out *licensing.Outcome, err error) answer {
		if f, is := fault.As(err); is {
			return answer{refusal: string(f.Code) + " " + f.Message}
		}
		if err != nil {
			o.Fatal(err)
		}
		return answer{changed: out.Changed, impact: o.told(out)}
	}
	subscription := func(call func() (*licensing.SubscriptionOutcome, error)) answer {
		out, err := call()
		return outcome(outcomeOf(out), err)
	}
	assign := func(in licensing.AssignInput) func(bool) answer {
		return func(dryRun bool) answer {
			in.DryRun = dryRun
			out, err := o.service.Assign(o.Context(), o.tenant, in)
			if err != nil {
				return outcome(nil, err)
			}
			a := outcome(out.Outcome, nil)
			for _, r := range out.Results {
				a.results += fmt.Sprintf("%s changed %v", r.Principal.ID, r.Changed)
				for _, e := range r.Errors {
					a.results += fmt.Sprintf(" %s %s at %v", e.Code, e.Message, e.Path)
				}
				a.results += "\n"
			}
			return a
		}
	}
	directory := func(action audit.Action, plan func(d *licensing.Draft) error) func(bool) answer {
		return func(dryRun bool) answer {
			return outcome(o.service.Change(o.Context(), o.tenant, licensing.Options{Action: action, DryRun: dryRun},
				func(_ context.Context, d *licensing.Draft) error { return plan(d) }))
		}
	}
	eve := numbered(4, 15)
	return map[string]func(bool) answer{
		"a group's new product":            assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(all)}, Add: give(suite)}),
		"a group's swap":                   assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: give(suite), Remove: []uuid.UUID{base}}),
		"an edit of a group's selection":   assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: only(base, mail)}),
		"users, some of whom are refused":  assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(bob), user(cid), group(all), user(numbered(4, 99))}, Add: give(base)}),
		"what is in error already":         assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: give(base)}),
		"a product that does not exist":    assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: give(numbered(1, 99))}),
		"a removal that heals others":      assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(ann), user(dot)}, Remove: []uuid.UUID{suite}}),
		"a product without a subscription": assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(bob)}, Add: give(addon)}),
		"seats for all": func(dryRun bool) answer {
			return subscription(func() (*licensing.SubscriptionOutcome, error) {
				return o.service.UpdateSubscription(o.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: subs[base].ID, Seats: optional.Of(9), DryRun: dryRun})
			})
		},
		"seats below what is consumed": func(dryRun bool) answer {
			return subscription(func() (*licensing.SubscriptionOutcome, error) {
				return o.service.UpdateSubscription(o.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: subs[base].ID, Seats: optional.Of(0), DryRun: dryRun})
			})
		},
		"the last subscription's end": func(dryRun bool) answer {
			return subscription(func() (*licensing.SubscriptionOutcome, error) {
				return o.service.CancelSubscription(o.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: subs[suite].ID, DryRun: dryRun, AcknowledgeLosses: ptr(2)})
			})
		},
		"a subscription again": func(dryRun bool) answer {
			return subscription(func() (*licensing.SubscriptionOutcome, error) {
				return o.service.CreateSubscription(o.Context(), o.tenant, licensing.CreateSubscriptionInput{Product: addon, Seats: ptr(2), DryRun: dryRun})
			})
		},
		"a member who leaves":   directory(audit.GroupMembersChange, func(d *licensing.Draft) error { d.RemoveMember(sales, ann); return nil }),
		"a nesting that ends":   directory(audit.GroupMembersChange, func(d *licensing.Draft) error { d.Unnest(all, sales); return nil }),
		"a user who is deleted": directory(audit.UserDelete, func(d *licensing.Draft) error { d.DeleteUser(&o.view(ann).User); return nil }),
		"reprocessing": func(dryRun bool) answer {
			return outcome(o.service.Reprocess(o.Context(), o.tenant, []licensing.PrincipalRef{group(sales)}, dryRun))
		},
		"a group that is created": directory(audit.GroupCreate, func(d *licensing.Draft) error {
			d.CreateGroup(&principal.Group{ID: numbered(3, 50), DisplayName: "New", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			d.Nest(sales, numbered(3, 50))
			return nil
		}),
		"a user who is created with licenses": directory(audit.UserCreate, func(d *licensing.Draft) error {
			d.CreateUser(&principal.User{ID: eve, DisplayName: "Eve", UserPrincipalName: "eve@example.com", UsageLocation: ptr("NL"), UserType: principal.Member, AccountEnabled: true,
				CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			d.AddMember(sales, eve)
			return d.AssignDirect(eve, only(suite, note), true)
		}),
		"a user whose licenses are refused": directory(audit.UserCreate, func(d *licensing.Draft) error {
			d.CreateUser(&principal.User{ID: eve, DisplayName: "Eve", UserPrincipalName: "eve@example.com", UsageLocation: ptr("NL"), UserType: principal.Member, AccountEnabled: true,
				CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
			return d.AssignDirect(eve, give(base), true)
		}),
	}
}

// Every kind of change, previewed, stores nothing and says what the change itself then says:
// changed, results, refusals, and the impact with every change of it.
func TestDryRunStoresNothingAndSaysWhatApplyingSaysR26(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var names []string
		for name := range newTroubled(t, db).calls(nil) {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				o := newTroubled(t, db) // the same state for each
				subs := map[uuid.UUID]*licensing.Subscription{}
				for _, product := range []uuid.UUID{base, suite, addon} {
					all, err := o.service.SubscribedProductsByID(t.Context(), o.tenant, []uuid.UUID{product})
					if err != nil {
						t.Fatal(err)
					}
					subs[product] = all[0].Subscriptions[0]
				}
				call := o.calls(subs)[name]
				o.clock.Advance(time.Minute)
				var preview answer
				o.unchanged(func() { preview = call(true) })
				if again := call(true); again != preview {
					t.Errorf("repeated, the preview says\n%+v\nnot\n%+v", again, preview)
				}
				before := o.dump()
				applied := call(false)
				if applied != preview {
					t.Errorf("the preview says\n%+v\nthe change\n%+v", preview, applied)
				}
				if wrote := !slices.Equal(before, o.dump()); wrote != applied.changed {
					t.Errorf("changed %v, but something was stored: %v", applied.changed, wrote)
				}
				o.verify(t)
			})
		}
	})
}

// What a dry run would create reads as absent; what is there reads as it stands.
func TestDryRunShowsEntitiesAsTheyStandR26(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 5)
		o.assign(user(bob), only(base, mail), nil, "")
		created, err := o.service.CreateSubscription(t.Context(), o.tenant, licensing.CreateSubscriptionInput{Product: suite, DryRun: true})
		if err != nil || !created.Changed || !created.DryRun || created.Subscription != nil || created.Product != nil {
			t.Errorf("%+v, %v", created, err)
		}
		updated, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(9), DryRun: true})
		if err != nil || !updated.Changed || *updated.Subscription.Seats != 5 || updated.Subscription.Version != 1 || *updated.Product.Seats.Total != 5 {
			t.Errorf("%+v, %v", updated, err)
		}
		if p := updated.Impact.Products; len(p) != 1 || *p[0].SeatsBefore.Total != 5 || *p[0].SeatsAfter.Total != 9 || *p[0].SeatsAfter.Available != 8 {
			t.Errorf("the impact is %+v", p)
		}
		assign := func(add []licensing.LicenseInput, dryRun bool) []*licensing.PrincipalResult {
			out, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{user(ann), user(bob)}, Add: add, DryRun: dryRun})
			if err != nil {
				t.Fatal(err)
			}
			return out.Results
		}
		for i, want := range []int{0, 1} {
			r := assign(give(base), true)[i]
			if len(r.Assignments) != want || r.User == nil {
				t.Errorf("%s has %d assignments, want %d", r.Principal.ID, len(r.Assignments), want)
			}
		}
		if r := assign(only(base, talk), true)[1]; r.Assignments[0].Selection.Plans()[0].ID != mail {
			t.Error("an edit that is only previewed is shown")
		}
		if r := assign(only(base, talk), false); len(r[0].Assignments) != 1 || r[1].Assignments[0].Selection.Plans()[0].ID != talk {
			t.Error("an edit is not shown")
		}
	})
}

// The changes of an impact come page by page, by user id: of an applied change the first page,
// of a dry run, repeated with a cursor, every one. Counting and cases list the same.
func TestChangesOfAnImpactArePagedR26(t *testing.T) {
	const users = 230
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSample(t, db, users)
		s.exec(t, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '`+s.group.String()+`', id, 1 FROM users`)
		s.exec(t, fmt.Sprintf(`UPDATE group_counters SET members = %d`, users))
		s.subscribe(t, ptr(100))
		run := func(service *licensing.Service, after string, dryRun bool) *licensing.Impact {
			ctx := licensing.WithChangeList(t.Context(), licensing.ChangeList{After: after})
			out, err := service.Assign(ctx, s.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(s.group)},
				Add: []licensing.LicenseInput{{Product: s.sku, Plans: &licensing.SelectionInput{Mode: tenantgraph.Except, Plans: []uuid.UUID{s.other}}}}, DryRun: dryRun})
			if err != nil {
				t.Fatal(err)
			}
			return out.Impact
		}
		var lists [][]string
		for _, service := range []*licensing.Service{s.counts, s.byCases} {
			var listed []string
			for after := ""; ; {
				impact := run(service, after, true)
				if impact.ChangeCount() != users || impact.UsersGaining != 100 || impact.UsersInError != 130 {
					t.Fatalf("%d changes, %d gain, %d in error", impact.ChangeCount(), impact.UsersGaining, impact.UsersInError)
				}
				if p := impact.ByProduct(); len(p) != 1 || !maps.Equal(p[0].Users, map[licensing.ChangeKind]int{licensing.Gained: 100, licensing.ErrorRaised: 130}) {
					t.Fatalf("by product: %v", p)
				}
				page, err := impact.Changes(t.Context(), 100, after)
				if err != nil {
					t.Fatal(err)
				}
				if page.HasPrevious != (len(listed) > 0) || page.HasNext != (len(listed)+len(page.Items) < users) {
					t.Errorf("after %d of %d: earlier %v, later %v", len(listed)+len(page.Items), users, page.HasPrevious, page.HasNext)
				}
				listed = append(listed, changeTexts(page.Items)...)
				if !page.HasNext {
					break
				}
				after = page.Cursors[len(page.Cursors)-1]
			}
			lists = append(lists, listed)
		}
		if len(lists[0]) != users || !slices.Equal(lists[0], lists[1]) {
			t.Errorf("%d changes are listed by counting, %d by cases; equal: %v", len(lists[0]), len(lists[1]), slices.Equal(lists[0], lists[1]))
		}
		if !slices.IsSorted(lists[0]) {
			t.Error("the changes are not in the order of users")
		}
		if first, last := lists[0][0], lists[0][users-1]; !strings.Contains(first, "GAINED +") || !strings.Contains(last, "ERROR_RAISED COUNT_VIOLATION") || !strings.HasSuffix(last, "100 of 100") {
			t.Errorf("the first change is %q, the last %q", first, last)
		}
		applied := run(s.counts, "", false)
		page, err := applied.Changes(t.Context(), 40, "")
		if err != nil || !slices.Equal(changeTexts(page.Items), lists[0][:40]) || !page.HasNext {
			t.Errorf("the first page of the applied change is another one: %v", err)
		}
		for name, cursor := range map[string]string{"malformed": "%%%", "of another list": "aW1wYWN0", "empty but there": "AA"} {
			if _, err := applied.Changes(t.Context(), 5, cursor); fault.CodeOf(err) != fault.BadUserInput {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
