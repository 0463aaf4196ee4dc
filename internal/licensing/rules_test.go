package licensing_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// The office of these tests: base (mail, talk), suite (drive, note) and addon (extra). Talk and
// drive exclude each other. Four users; sales is nested in all.
var (
	base, suite, addon             = numbered(1, 11), numbered(1, 12), numbered(1, 13)
	mail, talk, drive, note, extra = numbered(2, 11), numbered(2, 12), numbered(2, 13), numbered(2, 14), numbered(2, 15)
	ann, bob, cid, dot             = numbered(4, 11), numbered(4, 12), numbered(4, 13), numbered(4, 14)
	all, sales                     = numbered(3, 11), numbered(3, 12)
)

type office struct {
	*sample
	*testing.T
}

func newOffice(t *testing.T, db *database.DB) *office {
	t.Helper()
	o := &office{&sample{product: newProduct(t, db)}, t}
	o.catalogue(nil)
	o.do(func(d *licensing.Draft) error {
		for key, name := range map[uuid.UUID]string{all: "All", sales: "Sales"} {
			d.CreateGroup(&principal.Group{ID: key, DisplayName: name, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
		}
		for key, name := range map[uuid.UUID]string{ann: "Ann", bob: "Bob", cid: "Cid", dot: "Dot"} {
			d.CreateUser(&principal.User{ID: key, DisplayName: name, UserPrincipalName: strings.ToLower(name) + "@example.com",
				UserType: principal.Member, AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
		}
		d.Nest(all, sales)
		return nil
	})
	return o
}

// in is the office for a subtest.
func (o *office) in(t *testing.T) *office { return &office{o.sample, t} }

// catalogue makes the office's catalogue the stored one; adapt may change it before.
func (o *office) catalogue(adapt func(data *tenantgraph.CatalogData)) {
	o.Helper()
	data := tenantgraph.CatalogData{ProductPlans: map[uuid.UUID][]uuid.UUID{base: {mail, talk}, suite: {drive, note}, addon: {extra}}}
	for key, name := range map[uuid.UUID]string{base: "Base", suite: "Suite", addon: "Addon"} {
		data.Products = append(data.Products, tenantgraph.Product{ID: key, SkuPartNumber: strings.ToUpper(name), DisplayName: name, DisplayNameKey: strings.ToLower(name)})
	}
	for key, name := range map[uuid.UUID]string{mail: "Mail", talk: "Talk", drive: "Drive", note: "Note", extra: "Extra"} {
		data.Plans = append(data.Plans, tenantgraph.Plan{ID: key, ServicePlanName: strings.ToUpper(name), DisplayName: name, DisplayNameKey: strings.ToLower(name)})
	}
	data.Exclusions = []tenantgraph.Exclusion{{Name: "Rivals", Plans: []uuid.UUID{talk, drive}}}
	if adapt != nil {
		adapt(&data)
	}
	_, err := o.service.ChangeCatalog(o.Context(), false, nil, func(context.Context, *database.Tx, tenantgraph.CatalogData) (*licensing.CatalogPlan, error) {
		return &licensing.CatalogPlan{After: &data, Write: func(ctx context.Context, tx *database.Tx) error { return writeCatalogue(ctx, tx, data) }}, nil
	})
	if err != nil {
		o.Fatal(err)
	}
}

// do carries out a change of the directory.
func (o *office) do(plan func(d *licensing.Draft) error) *licensing.Outcome {
	o.Helper()
	o.clock.Advance(time.Minute)
	return o.change(o.T, plan)
}

func (o *office) join(group uuid.UUID, users ...uuid.UUID) {
	o.Helper()
	o.do(func(d *licensing.Draft) error {
		for _, u := range users {
			d.AddMember(group, u)
		}
		return nil
	})
}

func user(key uuid.UUID) licensing.PrincipalRef {
	return licensing.PrincipalRef{Kind: id.User, ID: key}
}
func group(key uuid.UUID) licensing.PrincipalRef {
	return licensing.PrincipalRef{Kind: id.Group, ID: key}
}

func give(products ...uuid.UUID) []licensing.LicenseInput {
	var add []licensing.LicenseInput
	for _, p := range products {
		add = append(add, licensing.LicenseInput{Product: p})
	}
	return add
}

func only(product uuid.UUID, plans ...uuid.UUID) []licensing.LicenseInput {
	return []licensing.LicenseInput{{Product: product, Plans: &licensing.SelectionInput{Mode: tenantgraph.Only, Plans: plans}}}
}

// assign gives products to one principal and takes others away; wants the answer to bear a code,
// or none where it is empty.
func (o *office) assign(ref licensing.PrincipalRef, add []licensing.LicenseInput, remove []uuid.UUID, want fault.Code) *licensing.AssignOutcome {
	o.Helper()
	o.clock.Advance(time.Minute)
	out, err := o.service.Assign(o.Context(), o.tenant, licensing.AssignInput{Principals: []licensing.PrincipalRef{ref}, Add: add, Remove: remove})
	if err != nil {
		o.Fatal(err)
	}
	code := fault.Code("")
	if errs := out.Results[0].Errors; len(errs) > 0 {
		code = errs[0].Code
	}
	if code != want {
		o.Errorf("the answer bears the code %q, want %q", code, want)
	}
	return out
}

// buy makes a subscription of some seats, unlimited where negative.
func (o *office) buy(product uuid.UUID, seats int) *licensing.Subscription {
	o.Helper()
	o.clock.Advance(time.Minute)
	in := licensing.CreateSubscriptionInput{Product: product}
	if seats >= 0 {
		in.Seats = &seats
	}
	out, err := o.service.CreateSubscription(o.Context(), o.tenant, in)
	if err != nil {
		o.Fatal(err)
	}
	return out.Subscription
}

func (o *office) resize(sub *licensing.Subscription, seats int) {
	o.Helper()
	o.clock.Advance(time.Minute)
	_, err := o.service.UpdateSubscription(o.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(seats), AllowOverAllocation: true})
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) view(key uuid.UUID) *licensing.UserView {
	o.Helper()
	views, err := o.service.ReadUsers(o.Context(), o.tenant, []uuid.UUID{key})
	if err != nil || views[0] == nil {
		o.Fatalf("user %s: %v", key, err)
	}
	return views[0]
}

// holds checks which products a user holds.
func (o *office) holds(key uuid.UUID, want ...uuid.UUID) {
	o.Helper()
	var got []uuid.UUID
	for _, l := range o.view(key).Licenses() {
		if l.ConsumesSeat {
			got = append(got, l.Product.ID)
		}
	}
	order := func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		o.Errorf("%s holds %v, want %v", o.view(key).User.DisplayName, got, want)
	}
}

func (o *office) seats(product uuid.UUID) licensing.SeatCounts {
	o.Helper()
	all, err := o.service.SubscribedProductsByID(o.Context(), o.tenant, []uuid.UUID{product})
	if err != nil || all[0] == nil {
		o.Fatalf("seats of %s: %v", product, err)
	}
	return all[0].Seats
}

// events reads the tenant's audit log, oldest first.
func (o *office) events() []*audit.Event {
	o.Helper()
	page, err := audit.NewLog(o.db).Page(o.Context(), o.tenant, paging.Args{First: ptr(100)})
	if err != nil {
		o.Fatal(err)
	}
	slices.Reverse(page.Items)
	return page.Items
}

func ptr[T any](v T) *T { return &v }

// refused wants a call to be refused for a code, and returns the refusal.
func (o *office) refused(err error, want fault.Code) *fault.Error {
	o.Helper()
	f, ok := fault.As(err)
	if !ok || f.Code != want {
		o.Fatalf("refused for %v, want %s", err, want)
	}
	return f
}

// dump is everything that the database holds.
func (o *office) dump() []string {
	o.Helper()
	tables := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`
	if o.db.Dialect() == database.SQLite {
		tables = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1`
	}
	var lines []string
	for _, table := range o.query(tables) {
		for _, row := range o.query(`SELECT * FROM ` + table) {
			lines = append(lines, table+": "+row)
		}
	}
	slices.Sort(lines)
	if len(lines) < 10 {
		o.Fatalf("the database holds %d rows only", len(lines))
	}
	return lines
}

// query returns rows as text.
func (o *office) query(query string, args ...any) []string {
	o.Helper()
	rows, err := o.db.Reader().QueryContext(o.Context(), query, args...)
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		o.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			o.Fatal(err)
		}
		texts := make([]string, len(values))
		for i, v := range values {
			if b, is := v.([]byte); is {
				v = string(b)
			}
			texts[i] = fmt.Sprint(v)
		}
		all = append(all, strings.Join(texts, " | "))
	}
	if err := rows.Err(); err != nil {
		o.Fatal(err)
	}
	return all
}

// unchanged wants that a call stores nothing.
func (o *office) unchanged(call func()) {
	o.Helper()
	before := o.dump()
	call()
	if after := o.dump(); !slices.Equal(before, after) {
		for _, line := range after {
			if !slices.Contains(before, line) {
				o.Errorf("it left %s", line)
			}
		}
		for _, line := range before {
			if !slices.Contains(after, line) {
				o.Errorf("it took %s", line)
			}
		}
	}
}

// A call that changes nothing says so, and nothing of it is left: no event, no instant, no
// revision.
func TestCallThatChangesNothingLeavesNothingR24(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub, ended := o.buy(base, 5), o.buy(suite, 5)
		o.join(sales, ann)
		o.assign(group(sales), give(base), nil, "")
		o.assign(user(bob), only(base, mail), nil, "")
		if _, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: ended.ID}); err != nil {
			t.Fatal(err)
		}
		assign := func(in licensing.AssignInput) func() (*licensing.Outcome, error) {
			return func() (*licensing.Outcome, error) {
				out, err := o.service.Assign(t.Context(), o.tenant, in)
				if err != nil {
					return nil, err
				}
				for _, r := range out.Results {
					if r.Changed || len(r.Errors) > 0 {
						t.Errorf("the result of %s is changed %v, errors %v", r.Principal.ID, r.Changed, r.Errors)
					}
				}
				return out.Outcome, nil
			}
		}
		for name, call := range map[string]func() (*licensing.Outcome, error){
			"an identical assignment to a group": assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{group(sales)}, Add: give(base)}),
			"the same plans in another order": assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(bob)}, Add: []licensing.LicenseInput{
				{Product: base, Plans: &licensing.SelectionInput{Mode: tenantgraph.Only, Plans: []uuid.UUID{mail, mail}}}}}),
			"plans left out keep what is selected": assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(bob)}, Add: give(base)}),
			"removing what is not there":           assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(cid), group(all)}, Remove: []uuid.UUID{base, base}}),
			"nothing to do":                        assign(licensing.AssignInput{Principals: []licensing.PrincipalRef{user(ann), user(ann)}}),
			"nobody":                               assign(licensing.AssignInput{Add: give(base)}),
			"the seats there are": func() (*licensing.Outcome, error) {
				out, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(5)})
				return outcomeOf(out), err
			},
			"no seats given": func() (*licensing.Outcome, error) {
				out, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID})
				return outcomeOf(out), err
			},
			"cancelling once more": func() (*licensing.Outcome, error) {
				out, err := o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: ended.ID})
				return outcomeOf(out), err
			},
			"reprocessing": func() (*licensing.Outcome, error) {
				return o.service.Reprocess(t.Context(), o.tenant, []licensing.PrincipalRef{user(ann), group(sales)}, false)
			},
			"a draft of nothing": func() (*licensing.Outcome, error) {
				return o.service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.UserUpdate}, func(context.Context, *licensing.Draft) error { return nil })
			},
			"a member that comes and goes": func() (*licensing.Outcome, error) {
				return o.service.Change(t.Context(), o.tenant, licensing.Options{Action: audit.GroupMembersChange}, func(_ context.Context, d *licensing.Draft) error {
					d.AddMember(sales, dot)
					d.RemoveMember(sales, dot)
					return nil
				})
			},
		} {
			t.Run(name, func(t *testing.T) {
				o.clock.Advance(time.Minute)
				o.in(t).unchanged(func() {
					out, err := call()
					if err != nil {
						t.Fatal(err)
					}
					if out.Changed || out.EventID != uuid.Nil || out.Impact.ChangeCount() != 0 || len(out.Impact.Products) != 0 {
						t.Errorf("changed %v, event %s, %d changes of %d products", out.Changed, out.EventID, out.Impact.ChangeCount(), len(out.Impact.Products))
					}
				})
			})
		}
	})
}

func outcomeOf(out *licensing.SubscriptionOutcome) *licensing.Outcome {
	if out == nil {
		return nil
	}
	return out.Outcome
}

// A product that has left the catalogue is refused anew, to users and groups, while existing
// assignments can be edited, kept and removed.
func TestRetiredProductGoesOnWhereItIsAssignedR22(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 5)
		o.join(sales, ann)
		o.assign(group(sales), give(base), nil, "")
		o.assign(user(bob), give(base), nil, "")
		retired := o.clock.Now()
		o.exec(t, `UPDATE products SET retired_at = $1 WHERE id = $2`, retired, base)
		o.exec(t, `UPDATE catalog SET revision = revision + 1`)

		for _, ref := range []licensing.PrincipalRef{user(cid), group(all)} {
			out := o.assign(ref, give(base), nil, fault.ProductRetired)
			if path := out.Results[0].Errors[0].Path; !slices.Equal(path, []string{"add", "0"}) {
				t.Errorf("the error is at %v", path)
			}
		}
		_, err := o.service.CreateSubscription(t.Context(), o.tenant, licensing.CreateSubscriptionInput{Product: base})
		o.refused(err, fault.ProductRetired)

		o.holds(ann, base)
		if out := o.assign(user(bob), only(base, mail), nil, ""); !out.Changed {
			t.Error("an edit changes nothing")
		}
		if out := o.assign(group(sales), only(base, talk), nil, ""); !out.Changed {
			t.Error("an edit of a group's changes nothing")
		}
		o.resize(sub, 7)
		o.join(sales, dot) // a member is no new assignment
		o.holds(dot, base)
		o.assign(user(bob), nil, []uuid.UUID{base}, "")
		o.assign(group(sales), nil, []uuid.UUID{base}, "")
		o.holds(bob)
		o.assign(user(bob), give(base), nil, fault.ProductRetired)
		o.verify(t)
	})
}

// versions reads the versions and the instants of the last change.
func (o *office) versions(table string, key uuid.UUID) (version int, updated clock.Instant) {
	o.Helper()
	err := o.db.Reader().QueryRowContext(o.Context(), `SELECT version, updated_at FROM `+table+` WHERE id = $1`, key).Scan(&version, &updated)
	if err != nil {
		o.Fatal(err)
	}
	return version, updated
}

// Versions rise with an object's own fields, assignments and nestings; members and what is
// derived never move them.
func TestVersionsRiseWithWhatIsAnObjectsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 1)
		moves := func(name string, table string, key uuid.UUID, by int, call func()) {
			t.Helper()
			version, updated := o.versions(table, key)
			call()
			is, at := o.versions(table, key)
			if is != version+by || (at != updated) != (by > 0) {
				t.Errorf("%s: version %d since %d, was %d since %d", name, is, at, version, updated)
			}
		}
		moves("a member that joins, for the group", "groups", sales, 0, func() { o.join(sales, ann) })
		moves("joining, for the user", "users", bob, 0, func() { o.join(sales, bob) })
		moves("a group's assignment", "groups", sales, 1, func() { o.assign(group(sales), give(base), nil, "") })
		moves("an edit of it", "groups", sales, 1, func() { o.assign(group(sales), only(base, mail), nil, "") })
		moves("an edit of it, for the user", "users", ann, 0, func() { o.assign(group(sales), give(base), nil, "") })
		moves("an assignment to a parent", "groups", sales, 0, func() { o.assign(group(all), give(base), nil, "") })
		moves("a user's own assignment", "users", ann, 1, func() { o.assign(user(ann), give(base), nil, "") })
		moves("a refused one", "users", cid, 0, func() { o.assign(user(cid), give(base), nil, fault.CountViolation) })
		moves("an identical one", "users", ann, 0, func() { o.assign(user(ann), give(base), nil, "") })
		moves("its removal", "users", ann, 1, func() { o.assign(user(ann), nil, []uuid.UUID{base}, "") })
		moves("a seat that comes free, for who waits", "users", bob, 0, func() { o.do(func(d *licensing.Draft) error { d.RemoveMember(sales, ann); return nil }) })
		o.holds(bob, base)
		for name, key := range map[string]uuid.UUID{"the parent": all, "the child": sales} {
			moves("a nesting that ends, for "+name, "groups", key, 1, func() { o.do(func(d *licensing.Draft) error { d.Unnest(all, sales); return nil }) })
			moves("a nesting, for "+name, "groups", key, 1, func() { o.do(func(d *licensing.Draft) error { d.Nest(all, sales); return nil }) })
		}
	})
}

// A change made on an outdated reading is refused, and changes nothing.
func TestExpectedVersionGuardsAgainstOutdatedReadings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		sub := o.buy(base, 5)
		assign := func(expected int, refs ...licensing.PrincipalRef) (*licensing.AssignOutcome, error) {
			return o.service.Assign(t.Context(), o.tenant, licensing.AssignInput{Principals: refs, Add: give(base), ExpectedVersion: &expected})
		}
		for _, ref := range []licensing.PrincipalRef{user(ann), group(sales)} {
			version, _ := o.versions(map[id.Kind]string{id.User: "users", id.Group: "groups"}[ref.Kind], ref.ID)
			o.unchanged(func() {
				out, err := assign(version+1, ref)
				if err != nil {
					t.Fatal(err)
				}
				if errs := out.Results[0].Errors; len(errs) != 1 || errs[0].Code != fault.VersionConflict || !slices.Equal(errs[0].Path, []string{"expectedVersion"}) {
					t.Errorf("%s: the result bears %+v", ref.Kind, errs)
				}
			})
			if out, err := assign(version, ref); err != nil || len(out.Results[0].Errors) > 0 || !out.Changed {
				t.Errorf("%s: %+v, %v", ref.Kind, out, err)
			}
		}
		_, err := assign(1, user(bob), user(cid))
		o.refused(err, fault.InvalidValue)
		if _, err := assign(1, user(bob), user(bob)); err != nil { // the same principal twice is one
			t.Error(err)
		}

		o.unchanged(func() {
			_, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(9), ExpectedVersion: ptr(2)})
			o.refused(err, fault.VersionConflict)
			_, err = o.service.CancelSubscription(t.Context(), o.tenant, licensing.CancelSubscriptionInput{ID: sub.ID, ExpectedVersion: ptr(2)})
			o.refused(err, fault.VersionConflict)
		})
		out, err := o.service.UpdateSubscription(t.Context(), o.tenant, licensing.UpdateSubscriptionInput{ID: sub.ID, Seats: optional.Of(9), ExpectedVersion: ptr(1)})
		if err != nil || out.Subscription.Version != 2 || *out.Subscription.Seats != 9 {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

// A removal of what comes through groups alone is refused, naming them; nothing of that user's
// part is stored.
func TestInheritedLicenseCannotBeRemovedOnTheUserR21(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db)
		o.buy(base, 5)
		o.buy(addon, 5)
		o.join(sales, ann)
		o.assign(group(all), give(base), nil, "")
		out := o.assign(user(ann), give(addon), []uuid.UUID{base}, fault.LicenseIsInherited)
		f := out.Results[0].Errors[0]
		if d, is := f.Details.(*licensing.InheritedDetails); !is || len(d.Groups) != 1 || d.Groups[0].ID != all || !strings.Contains(f.Message, "All") {
			t.Errorf("%s %+v", f.Message, f.Details)
		}
		if !reflect.DeepEqual(f.Path, []string{"remove", "0"}) {
			t.Errorf("the error is at %v", f.Path)
		}
		o.holds(ann, base)
		o.assign(user(ann), give(base), nil, "")
		if out := o.assign(user(ann), nil, []uuid.UUID{base}, ""); !out.Changed {
			t.Error("the direct copy cannot be removed")
		}
		o.holds(ann, base)
	})
}
