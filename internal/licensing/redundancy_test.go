package licensing_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/oracle"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// upToTwo draws users; all may be deleted.
func upToTwo(t *rapid.T, users []uuid.UUID) []uuid.UUID {
	if len(users) == 0 {
		return nil
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(users), 0, 2, rapid.ID[uuid.UUID]).Draw(t, "disabled")
}

// disable disables accounts.
func (d *drawn) disable(t *rapid.T, users []uuid.UUID) {
	for _, u := range users {
		if _, err := d.p.carryOut(t.Context(), t, "updateUser", map[string]any{"id": id.Format(id.User, u), "accountEnabled": false}, false); err != nil {
			t.Fatal(err)
		}
	}
}

// redundancies reads the whole list, forward or backward, in pages of a size.
func (p *product) redundancies(t *rapid.T, f licensing.RedundancyFilter, size int, backward bool) []*licensing.Redundancy {
	var all []*licensing.Redundancy
	args := paging.Args{First: &size}
	if backward {
		args = paging.Args{Last: &size}
	}
	for range 1000 {
		page, err := p.service.Redundancies(t.Context(), p.tenant, f, args)
		if err != nil {
			t.Fatal(err)
		}
		if backward {
			all = append(slices.Clone(page.Items), all...)
		} else {
			all = append(all, page.Items...)
		}
		switch {
		case !backward && !page.HasNext, backward && !page.HasPrevious:
			return all
		case backward && page.From != "":
			args.Before = &page.From
		case backward:
			args.Before = &page.Cursors[0]
		case page.To != "":
			args.After = &page.To
		default:
			args.After = &page.Cursors[len(page.Cursors)-1]
		}
	}
	t.Fatal("the list does not end")
	return nil
}

func redundancyText(kind licensing.RedundancyKind, principal, product uuid.UUID, covered bool) string {
	return fmt.Sprint(kind, " ", principal, " ", product, " ", covered)
}

// redundantByOracle tells the same by walking over everything.
func redundantByOracle(s *oracle.State, disabled oracle.Set) []string {
	var all []string
	add := func(kind licensing.RedundancyKind, principal, product uuid.UUID, covered bool) {
		all = append(all, redundancyText(kind, principal, product, covered))
	}
	reached := map[oracle.AssignmentKey]bool{}
	for _, user := range s.LiveUsers() {
		for key := range s.Assignments { // one that is to begin, and one whose members are excluded, may yet license them
			reached[key] = reached[key] || s.IsFor(user, key)
		}
	}
	usable := func(product oracle.ID) bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(s.Subscriptions)), func(x oracle.Subscription) bool { return x.Product == product && x.Counts() })
	}
	comes := oracle.Set{} // by itself
	for plan := range s.Automatic {
		for product, plans := range s.Products {
			if plans[plan] && s.Subscribed(product) {
				comes[plan] = true
			}
		}
	}
	without := func(plans, less oracle.Set) oracle.Set {
		rest := maps.Clone(plans)
		maps.DeleteFunc(rest, func(p oracle.ID, _ bool) bool { return less[p] || comes[p] })
		return rest
	}
	for key := range s.Assignments {
		user, isUser := s.Users[key.Principal]
		switch {
		case !isUser && !reached[key]:
			add(licensing.NobodyLicensed, key.Principal, key.Product, true)
		case !isUser || user.Deleted:
		case disabled[key.Principal]:
			add(licensing.DisabledAccount, key.Principal, key.Product, true)
		default:
			given, through := oracle.Set{}, false
			for _, other := range s.Reach(key.Principal) {
				if other != key && other.Product == key.Product && s.Admitted(key.Principal, other) {
					through = true
					maps.Copy(given, s.On(key.Principal, other))
				}
			}
			if through {
				add(licensing.CoveredCopy, key.Principal, key.Product, len(without(s.Selected(key), given)) == 0)
			}
		}
	}
	larger := func(a, b oracle.ID) bool {
		if len(s.Products[a]) != len(s.Products[b]) {
			return len(s.Products[a]) > len(s.Products[b])
		}
		return slices.Compare(a[:], b[:]) > 0
	}
	for _, user := range s.LiveUsers() {
		for product := range s.Products {
			on := s.Effective(user, product)
			if len(on) == 0 || disabled[user] {
				continue
			}
			for other := range s.Products {
				if other == product || !s.Holds(user, other) || usable(product) && !usable(other) || len(without(on, s.Effective(user, other))) > 0 {
					continue
				}
				mutual := len(without(s.Effective(user, other), on)) == 0 && usable(product) == usable(other)
				if !mutual || larger(other, product) {
					add(licensing.CoveredProduct, user, product, true)
					break
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// The list holds what a walk over everything by the oracle finds, whatever the size and direction of its
// pages.
func TestRedundancyIsWhatAWalkOverEverythingFindsOnRandomWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it is concurrent, and with the race detector it takes minutes")
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			d := draw(rt, p)
			users := d.state.LiveUsers()
			if len(users) == 0 {
				return
			}
			disabled := upToTwo(rt, users)
			d.disable(rt, disabled)
			want := redundantByOracle(d.state, oracle.SetOf(disabled...))
			for _, backward := range []bool{false, true} {
				var got []string
				for _, r := range p.redundancies(rt, licensing.RedundancyFilter{}, rapid.IntRange(1, 5).Draw(rt, "size"), backward) {
					got = append(got, redundancyText(r.Kind, r.Principal.ID, r.Product.ID, r.Covered))
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					rt.Fatalf("backward %v, listed is\n%s\nwant\n%s", backward, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
			kind := rapid.SampledFrom([]licensing.RedundancyKind{licensing.CoveredCopy, licensing.CoveredProduct, licensing.DisabledAccount, licensing.NobodyLicensed}).Draw(rt, "kind")
			some := p.redundancies(rt, licensing.RedundancyFilter{Kinds: []licensing.RedundancyKind{kind}}, 2, false)
			want = slices.DeleteFunc(want, func(text string) bool { return !strings.HasPrefix(text, string(kind)+" ") })
			if len(some) != len(want) {
				rt.Fatalf("%d of the kind %s are listed, want %d", len(some), kind, len(want))
			}
		})
	})
}

// No clean-up takes a plan from anybody with an enabled account, and what goes with it for a disabled
// one is what is said.
func TestCleanUpsLoseNothingOnRandomWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it is concurrent, and with the race detector it takes minutes")
	}
	seen := map[licensing.RedundancyKind]int{}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		p := newProduct(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			d := draw(rt, p)
			users := d.state.LiveUsers()
			disabled := upToTwo(rt, users)
			d.disable(rt, disabled)
			state := func() map[uuid.UUID]oracle.Set {
				on := map[uuid.UUID]oracle.Set{}
				for _, u := range users {
					v := d.view(rt, u)
					on[u] = oracle.Set{}
					for _, plan := range v.Plans() {
						if plan.Enabled {
							on[u][plan.Plan.ID] = true
						}
					}
				}
				return on
			}
			before := state()
			all := p.redundancies(rt, licensing.RedundancyFilter{}, 100, false)
			all = slices.DeleteFunc(all, func(r *licensing.Redundancy) bool { return r.CleanUp == nil })
			slices.SortStableFunc(all, func(a, b *licensing.Redundancy) int { return seen[a.Kind] - seen[b.Kind] }) // rare ones first
			for _, r := range all[:min(len(all), 6)] {
				seen[r.Kind]++
				out, err := p.carryOut(rt.Context(), rt, r.CleanUp.Mutation, r.CleanUp.Input, true)
				if err != nil || !out.Changed || out.Confirmation != nil && out.Confirmation.Code != fault.ConfirmationRequired {
					rt.Fatalf("the dry run of %s is refused: %v", r.CleanUp.Explanation, err)
				}
				if _, err := p.carryOut(rt.Context(), rt, r.CleanUp.Mutation, r.CleanUp.Input, false); err != nil {
					rt.Fatalf("%s: %v", r.CleanUp.Explanation, err)
				}
				after := state()
				for u, on := range before {
					lost := maps.Clone(on)
					maps.DeleteFunc(lost, func(plan uuid.UUID, _ bool) bool { return after[u][plan] })
					said := oracle.Set{}
					if u == r.Principal.ID {
						for _, plan := range r.PlansLost {
							said[plan.ID] = true
						}
					}
					if len(lost) > 0 && !slices.Contains(disabled, u) || !maps.Equal(lost, said) {
						rt.Fatalf("%s of %s takes %v, and said is %v", r.CleanUp.Explanation, r.Kind, lost.Sorted(), said.Sorted())
					}
				}
				d.build(rt)
				d.disable(rt, disabled)
			}
		})
	})
	t.Logf("clean-ups: %v", seen)
}

// A page looks at 5,500 users at most, by two statements for 500 of them: where it finds nothing it says
// where to go on, in either direction.
func TestPageOfRedundancyIsBoundedAmongManyUsers(t *testing.T) {
	dbtest.EachObserved(t, func(t *testing.T, db *database.DB, ran *dbtest.Statements) {
		s := newSample(t, db, 12_000)
		s.subscribe(t, nil)
		s.exec(t, `INSERT INTO memberships (tenant_id, group_id, user_id, created_at) SELECT tenant_id, '`+s.group.String()+`', id, 1 FROM users`)
		s.exec(t, `UPDATE group_counters SET members = 12000`)
		for _, ref := range []licensing.PrincipalRef{group(s.group), user(numbered(4, 7_000))} {
			if out, err := s.assignTo(t.Context(), ref); err != nil || len(out.Results[0].Errors) > 0 {
				t.Fatal(err, out)
			}
		}
		page := func(args paging.Args) paging.Page[*licensing.Redundancy] {
			ran.Reset()
			p, err := s.service.Redundancies(t.Context(), s.tenant, licensing.RedundancyFilter{}, args)
			if err != nil {
				t.Fatal(err)
			}
			if n := ran.Count(); n > 2*11+4 {
				t.Errorf("%d statements for a page", n)
			}
			return p
		}
		for _, backward := range []bool{false, true} {
			args, found := paging.Args{First: ptr(5)}, []int{}
			if backward {
				args = paging.Args{Last: ptr(5)}
			}
			for range 3 {
				p := page(args)
				found = append(found, len(p.Items))
				if args.After = &p.To; backward {
					args.After, args.Before = nil, &p.From
				}
				if more := p.HasNext && !backward || p.HasPrevious && backward; !more {
					break
				}
			}
			if want := []int{0, 1, 0}; backward && !slices.Equal(found, []int{1, 0, 0}) || !backward && !slices.Equal(found, want) {
				t.Errorf("backward %v: the pages have %v rows", backward, found)
			}
		}
		few := page(paging.Args{First: ptr(5)})
		only, err := s.service.Redundancies(t.Context(), s.tenant, licensing.RedundancyFilter{Kinds: []licensing.RedundancyKind{licensing.CoveredCopy}}, paging.Args{First: ptr(5)})
		if err != nil || len(only.Items) != 1 || len(few.Items) != 0 {
			t.Errorf("%d rows where only users with assignments of their own are looked at: %v", len(only.Items), err)
		}
	})
}

// A product that cannot be used covers none that can (R16), and one all of whose plans are off is covered by
// nothing: it is a choice of somebody.
func TestWhatCannotBeUsedCoversNothingR16(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.catalogue(func(data *tenantgraph.CatalogData) { data.ProductPlans[suite] = []uuid.UUID{mail, talk, note} })
		o.buy(base, -1)
		o.buy(addon, -1)
		larger := o.buy(suite, -1)
		o.assign(user(ann), slices.Concat(give(base, suite), only(addon)), nil, "")
		found := func() (products []string) {
			for _, r := range o.view(ann).Redundancies() {
				products = append(products, string(r.Kind)+" "+r.Product.DisplayName)
			}
			return products
		}
		if got := found(); !slices.Equal(got, []string{"COVERED_PRODUCT Base"}) {
			t.Errorf("redundant is %v", got)
		}
		if _, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: larger.ID, Status: licensing.SubscriptionSuspended}); err != nil {
			t.Fatal(err)
		}
		if got := found(); len(got) > 0 {
			t.Errorf("redundant is %v beside a suspended product", got)
		}
	})
}

// An assignment of a disabled account is not ended where a plan that stays needs it (R10).
func TestCleanUpOfADisabledAccountKeepsWhatIsNeededR10(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.catalogue(func(data *tenantgraph.CatalogData) { data.Requires = map[uuid.UUID][]uuid.UUID{extra: {mail}} })
		o.buy(base, -1)
		o.buy(addon, -1)
		o.assign(user(ann), give(base, addon), nil, "")
		if _, err := o.carryOut(t.Context(), t, "updateUser", map[string]any{"id": id.Format(id.User, ann), "accountEnabled": false}, false); err != nil {
			t.Fatal(err)
		}
		for _, r := range o.view(ann).Redundancies() {
			if ends := r.CleanUp != nil; ends != (r.Product.ID == addon) {
				t.Errorf("a clean-up of %s: %v", r.Product.DisplayName, ends)
			}
		}
	})
}
