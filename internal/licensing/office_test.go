package licensing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
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
			d.CreateUser(&principal.User{ID: key, DisplayName: name, UserPrincipalName: strings.ToLower(name) + "@example.com", UsageLocation: ptr("NL"),
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
	_, err := o.service.ChangeCatalog(o.Context(), licensing.CatalogOptions{}, func(context.Context, *database.Tx, tenantgraph.CatalogData) (*licensing.CatalogPlan, error) {
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
	page, err := audit.NewLog(o.db).Page(o.Context(), o.tenant, audit.Filter{}, paging.Args{First: ptr(100)})
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

// versions reads the versions and the instants of the last change.
func (o *office) versions(table string, key uuid.UUID) (version int, updated clock.Instant) {
	o.Helper()
	err := o.db.Reader().QueryRowContext(o.Context(), `SELECT version, updated_at FROM `+table+` WHERE id = $1`, key).Scan(&version, &updated)
	if err != nil {
		o.Fatal(err)
	}
	return version, updated
}
