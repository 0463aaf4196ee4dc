package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// threshold sets how many users a change may take a product from unasked.
func (o *office) threshold(n int) {
	o.Helper()
	o.settle(func(d *licensing.Draft) {
		terms := d.Graph.Terms
		terms.LossThreshold = n
		d.SetTenant(d.Graph.Country, terms)
	})
}

// asks wants a call to be refused until the losses are acknowledged: no acknowledgement and one
// too few store nothing, a dry run tells what is needed beside the whole impact, the right
// number applies it.
func (o *office) asks(users, threshold int, call func(acknowledge *int, dryRun bool) (*licensing.Outcome, error)) {
	o.Helper()
	details := licensing.LossDetails{UsersLosing: users, Threshold: threshold}
	o.unchanged(func() {
		for _, acknowledge := range []*int{nil, ptr(users - 1)} {
			_, err := call(acknowledge, false)
			if f := o.refused(err, fault.ConfirmationRequired); *f.Details.(*licensing.LossDetails) != details || f.Remediation == "" {
				o.Errorf("details %+v, remediation %q", f.Details, f.Remediation)
			}
			preview, err := call(acknowledge, true)
			if err != nil {
				o.Fatal(err)
			}
			if f := preview.Confirmation; f == nil || *f.Details.(*licensing.LossDetails) != details || !preview.Changed || preview.Impact.UsersLosing < users {
				o.Errorf("the preview says %+v of %d losing", f, preview.Impact.UsersLosing)
			}
		}
	})
	out, err := call(ptr(users), false)
	if err != nil || !out.Changed || out.Confirmation != nil {
		o.Fatalf("acknowledged: %+v, %v", out, err)
	}
	o.verify(o.T)
}

func TestChangeThatTakesFromMoreThanTheThresholdAsksR27(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, byCases := range map[string]bool{"by counting": false, "by cases": true} {
			t.Run(name, func(t *testing.T) {
				o := newShop(t, db, 10)
				if byCases {
					o.service = o.byCases
				}
				o.threshold(1)
				o.join(sales, ann, bob)
				o.assign(group(sales), give(base), nil, "")
				remove := func(refs ...licensing.PrincipalRef) func(*int, bool) (*licensing.Outcome, error) {
					return func(n *int, dryRun bool) (*licensing.Outcome, error) {
						out, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: refs, Remove: []uuid.UUID{base}, DryRun: dryRun, AcknowledgeLosses: n})
						if err != nil {
							return nil, err
						}
						return out.Outcome, nil
					}
				}
				o.asks(2, 1, remove(group(sales)))
				o.assign(group(sales), give(base), nil, "")
				o.threshold(2)
				if out, err := remove(group(sales))(nil, false); err != nil || out.Impact.UsersLosing != 2 {
					t.Errorf("up to the threshold: %v", err)
				}
			})
		}
	})
}

// Every kind of change is guarded, cascades included; nobody is counted who gets a product by
// the same call.
func TestEveryKindOfChangeIsGuardedR27(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		change := func(o *office, plan func(d *licensing.Draft)) func(*int, bool) (*licensing.Outcome, error) {
			return func(n *int, dryRun bool) (*licensing.Outcome, error) {
				return o.service.Change(o.Context(), o.tenant, licensing.Options{AcknowledgeLosses: n, DryRun: dryRun}, func(_ context.Context, d *licensing.Draft) error {
					plan(d)
					return nil
				})
			}
		}
		for name, test := range map[string]func(o *office, ann1 principal.User){
			"a membership": func(o *office, _ principal.User) {
				o.asks(1, 0, change(o, func(d *licensing.Draft) { d.RemoveMember(sales, ann) }))
			},
			"a nesting": func(o *office, _ principal.User) {
				o.assign(group(sales), nil, []uuid.UUID{base}, fault.Code("")) // nobody loses: all brings it too
				o.asks(1, 0, change(o, func(d *licensing.Draft) { d.Unnest(all, sales) }))
			},
			"a user": func(o *office, u principal.User) {
				o.asks(1, 0, change(o, func(d *licensing.Draft) { d.DeleteUser(&u) }))
			},
			"a move": func(o *office, u principal.User) {
				o.catalogue(func(data *tenantgraph.CatalogData) {
					for i := range data.Plans {
						data.Plans[i].Location = tenantgraph.Location{Prohibited: []string{"DE"}}
					}
				})
				o.asks(1, 0, change(o, func(d *licensing.Draft) {
					after := u
					after.UsageLocation = ptr("DE")
					d.UpdateUser(&u, &after)
				}))
			},
		} {
			t.Run(name, func(t *testing.T) {
				o := newShop(t, db, 10)
				o.threshold(0)
				o.join(sales, ann)
				o.assign(group(sales), give(base), nil, "")
				if name == "a nesting" {
					o.assign(group(all), give(base), nil, "")
				}
				test(o, o.view(ann).User)
			})
		}
	})
}

func TestLastSubscriptionWithConsumersAsksAtAnyNumberR15(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newShop(t, db, 10)
		sub := o.buy(base, 1)
		o.assign(user(ann), give(base), nil, "")
		if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID}); err != nil {
			t.Fatalf("one of several: %v", err) // the other one has seats
		}
		g, err := o.service.Graph(t.Context(), o.tenant)
		if err != nil {
			t.Fatal(err)
		}
		last := g.Subscriptions(base)[0].ID
		o.asks(1, 0, func(n *int, dryRun bool) (*licensing.Outcome, error) {
			out, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: last, DryRun: dryRun, AcknowledgeLosses: n})
			if err != nil {
				return nil, err
			}
			return out.Outcome, nil
		})
	})
}

// A swap or a move after which somebody has neither product asks from the first such user on.
func TestSwapThatLeavesSomebodyWithNeitherAsksR23(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		swap := func(o *office) func(*int, bool) (*licensing.Outcome, error) {
			return func(n *int, dryRun bool) (*licensing.Outcome, error) {
				out, err := o.service.Assign(o.Context(), o.tenant, licensing.AssignInput{
					Principals: []licensing.PrincipalRef{group(sales)}, Add: give(suite), Remove: []uuid.UUID{base}, DryRun: dryRun, AcknowledgeLosses: n,
				})
				if err != nil {
					return nil, err
				}
				return out.Outcome, nil
			}
		}
		t.Run("a swap", func(t *testing.T) {
			o := newShop(t, db, 10)
			o.join(sales, ann, bob, cid)
			o.assign(group(sales), give(base), nil, "")
			g, err := o.service.Graph(t.Context(), o.tenant)
			if err != nil {
				t.Fatal(err)
			}
			o.resize(&licensing.Subscription{ID: g.Subscriptions(suite)[0].ID}, 2)
			o.asks(1, 0, swap(o))
			o.holds(ann, suite)
			o.holds(cid)
		})
		t.Run("a move", func(t *testing.T) {
			o := newShop(t, db, 10)
			o.do(func(d *licensing.Draft) error { d.Unnest(all, sales); return nil })
			o.join(sales, ann)
			o.assign(group(sales), give(base), nil, "")
			o.assign(group(all), give(suite), nil, "")
			g, err := o.service.Graph(t.Context(), o.tenant)
			if err != nil {
				t.Fatal(err)
			}
			o.resize(&licensing.Subscription{ID: g.Subscriptions(suite)[0].ID}, 0)
			o.asks(1, 0, func(n *int, dryRun bool) (*licensing.Outcome, error) {
				return o.service.Change(t.Context(), o.tenant, licensing.Options{AcknowledgeLosses: n, DryRun: dryRun}, func(_ context.Context, d *licensing.Draft) error {
					d.RemoveMember(sales, ann)
					d.AddMember(all, ann)
					return nil
				})
			})
		})
		t.Run("everybody gets the other", func(t *testing.T) {
			o := newShop(t, db, 10)
			o.threshold(0)
			o.join(sales, ann, bob)
			o.assign(group(sales), give(base), nil, "")
			for _, dryRun := range []bool{true, false} {
				out, err := swap(o)(nil, dryRun)
				if err != nil || out.Confirmation != nil || out.Impact.UsersLosing != 2 {
					t.Fatalf("%v, %+v", err, out)
				}
			}
		})
	})
}

// A thousand users of a group go from E1 to E3, with no spare seat of the one and exactly
// enough of the other: no error is raised on the way, and SharePoint is on for everybody in
// every committed state, by counting and by cases.
func TestThousandUserSwapLeavesNobodyWithoutSharePointR4R23(t *testing.T) {
	const users = 1000
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, byCases := range map[string]bool{"by counting": false, "by cases": true} {
			t.Run(name, func(t *testing.T) {
				s := newSample(t, db, users)
				if byCases {
					s.service = s.byCases
				}
				o := &office{s, t}
				e1, e3 := s.sku, numbered(1, 77)
				sharePoint, other := numbered(2, 71), numbered(2, 72)
				o.catalogue(func(data *tenantgraph.CatalogData) {
					data.Products = append(data.Products,
						tenantgraph.Product{ID: e1, DisplayName: "Office 365 E1", DisplayNameKey: "office 365 e1"},
						tenantgraph.Product{ID: e3, DisplayName: "Office 365 E3", DisplayNameKey: "office 365 e3"})
					for key, name := range map[uuid.UUID]string{sharePoint: "SharePoint", other: "Desktop"} {
						data.Plans = append(data.Plans, tenantgraph.Plan{ID: key, DisplayName: name, DisplayNameKey: name})
					}
					data.ProductPlans[e1], data.ProductPlans[e3] = []uuid.UUID{sharePoint}, []uuid.UUID{sharePoint, other}
				})
				o.fillSeats(e1, users)
				o.fillSeats(e3, users)
				var members []uuid.UUID
				for n := 1; n <= users; n++ {
					members = append(members, numbered(4, n))
				}
				o.join(s.group, members...)
				o.assign(group(s.group), give(e1), nil, "")
				if c := o.seats(e1); c.Consumed != users || *c.Available != 0 || c.InError != 0 {
					t.Fatalf("seats of E1: %+v", c)
				}
				watch := o.watchErrors()
				out, err := s.service.Assign(t.Context(), s.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{group(s.group)},
					Add: []licensing.LicenseInput{{Product: e3, PlansFrom: &e1, Replaces: &e1}}})
				if err != nil {
					t.Fatal(err)
				}
				if bad := watch(); bad != "" {
					t.Error(bad)
				}
				i := out.Impact
				if i.UsersGaining != users || i.UsersLosing != users || i.UsersInError != 0 || i.ChangeCount() != 2*users {
					t.Errorf("%d gain, %d lose, %d in error, %d changes", i.UsersGaining, i.UsersLosing, i.UsersInError, i.ChangeCount())
				}
				if c := o.seats(e3); c.Consumed != users || *c.Available != 0 || c.InError+c.Waiting != 0 {
					t.Errorf("seats of E3: %+v", c)
				}
				if c := o.seats(e1); c.Consumed != 0 || c.InError != 0 {
					t.Errorf("seats of E1: %+v", c)
				}
				for n := 1; n <= users; n += 333 {
					o.on(numbered(4, n), sharePoint, other)
				}
				s.verify(t)
			})
		}
	})
}

// fillSeats sees to it that a product has exactly so many seats.
func (o *office) fillSeats(product uuid.UUID, seats int) {
	o.Helper()
	g, err := o.service.Graph(o.Context(), o.tenant)
	if err != nil {
		o.Fatal(err)
	}
	if subs := g.Subscriptions(product); len(subs) > 0 {
		o.resize(&licensing.Subscription{ID: subs[0].ID}, seats)
		return
	}
	o.buy(product, seats)
}

// watchErrors reads, over and over, everybody's right to a plan of what they hold beside a
// change that goes on, and tells what it saw that must not be.
func (o *office) watchErrors() (stop func() string) {
	ctx, cancel := context.WithCancel(o.Context())
	done := make(chan string)
	go func() {
		users := []uuid.UUID{numbered(4, 1), numbered(4, 500), numbered(4, 1000)}
		reads, seen := 0, ""
		for ctx.Err() == nil {
			views, err := o.service.ReadUsers(ctx, o.tenant, users)
			if err != nil {
				continue
			}
			reads++
			for _, v := range views {
				if n := len(v.Errors()); n > 0 || !slices.ContainsFunc(v.Plans(), func(p *licensing.EffectivePlan) bool { return p.Plan.DisplayName == "SharePoint" && p.Enabled }) {
					seen = fmt.Sprintf("after %d readings %s has %d errors or no SharePoint", reads, v.User.DisplayName, n)
				}
			}
		}
		done <- seen
	}()
	return func() string { cancel(); return <-done }
}

// An edit that reaches fewer members brings nobody another product: it is no swap, and asks from
// the tenant's threshold on (R23, R27). Here Ann loses base, of which the edited assignment still
// reaches her by no path while another source of it is in error.
func TestEditOfWhatIsLostIsNoSwapR23R27(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.catalogue(func(data *tenantgraph.CatalogData) { data.Requires = map[uuid.UUID][]uuid.UUID{talk: {extra}} })
		o.buy(base, 10)
		o.join(sales, ann)
		o.assign(group(all), only(base, mail), nil, "")
		o.assign(group(sales), only(base, talk), nil, "") // in error: lacks extra
		o.holds(ann, base)
		out, err := o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{
			Principals: []licensing.PrincipalRef{group(all)}, Add: []licensing.LicenseInput{{Product: base, IncludeNested: ptr(false)}},
		})
		if err != nil || out.Impact.UsersLosing != 1 {
			t.Fatalf("%v, %+v", err, out)
		}
		o.holds(ann)
		o.verify(t)
	})
}

func TestOneProductsFailureBlocksNoOtherOfTheGroupR6(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newShop(t, db, 10)
		o.fillSeats(base, 0)
		o.join(sales, ann)
		o.assign(group(sales), slices.Concat(only(base, mail), give(suite, addon)), nil, "")
		o.holds(ann, suite, addon)
		if e := o.errorOf(ann); e.Code != fault.CountViolation || e.Product.ID != base {
			t.Errorf("%s of %s", e.Code, e.Product.DisplayName)
		}
	})
}

// A product without a live subscription is had by nobody: whoever is moved to it, in place of one
// that is lost, has neither (R16).
func TestMoveToAProductWithoutASubscriptionAsksR16R23(t *testing.T) {
	staff := numbered(3, 13)
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, move := range map[string]func(d *licensing.Draft){
			"a membership":   func(d *licensing.Draft) { d.RemoveMember(sales, ann); d.AddMember(all, ann) },
			"a nested group": func(d *licensing.Draft) { d.Unnest(staff, sales); d.Nest(all, sales) },
		} {
			t.Run(name, func(t *testing.T) {
				o := newShop(t, db, 10)
				o.do(func(d *licensing.Draft) error { d.Unnest(all, sales); return nil })
				o.do(func(d *licensing.Draft) error {
					d.CreateGroup(&principal.Group{ID: staff, DisplayName: "Staff", CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
					d.Nest(staff, sales)
					return nil
				})
				o.join(sales, ann)
				o.assign(group(staff), give(base), nil, "")
				o.assign(group(all), give(suite), nil, "")
				g, err := o.service.Graph(t.Context(), o.tenant)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: g.Subscriptions(suite)[0].ID}); err != nil {
					t.Fatal(err)
				}
				o.asks(1, 0, func(n *int, dryRun bool) (*licensing.Outcome, error) {
					return o.service.Change(t.Context(), o.tenant, licensing.Options{AcknowledgeLosses: n, DryRun: dryRun}, func(_ context.Context, d *licensing.Draft) error {
						move(d)
						return nil
					})
				})
			})
		}
	})
}
