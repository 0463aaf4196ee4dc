package catalog_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/principal"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// world is a deployment whose catalogue is imported and used.
type world struct {
	*testing.T
	db       *database.DB
	clock    *clock.Manual
	service  *licensing.Service
	importer *catalog.Importer
	tenants  *tenant.Tenants
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{T: t, db: db, clock: clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))}
	var err error
	if w.service, err = licensing.New(licensing.Config{DB: db, Clock: w.clock, NewID: id.NewV7, Log: zerolog.Nop()}); err != nil {
		t.Fatal(err)
	}
	if w.importer, err = catalog.NewImporter(catalog.Config{Licensing: w.service, Clock: w.clock, NewID: id.NewV7}); err != nil {
		t.Fatal(err)
	}
	if w.tenants, err = tenant.New(tenant.Config{DB: db, Clock: w.clock, NewID: id.NewV7}); err != nil {
		t.Fatal(err)
	}
	return w
}

// sheet is a file of products: the plans of each, by number.
type sheet map[int][]int

func (s sheet) csv() string {
	var b strings.Builder
	b.WriteString("Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names\n")
	for _, p := range slices.Sorted(maps.Keys(s)) {
		if len(s[p]) == 0 {
			fmt.Fprintf(&b, "Product %02d,PRODUCT_%02d,%s,,,\n", p, p, sku(p))
		}
		for _, l := range s[p] {
			fmt.Fprintf(&b, "Product %02d,PRODUCT_%02d,%s,PLAN_%02d,%s,Plan %02d\n", p, p, sku(p), l, plan(l), l)
		}
	}
	return b.String()
}

// sets is a file of exclusion sets: the plans of each, by number.
type sets map[string][]int

func (s sets) csv() string {
	var b strings.Builder
	b.WriteString("Exclusion_Set,Service_Plan_Name,Service_Plan_Id\n")
	for _, name := range slices.Sorted(maps.Keys(s)) {
		for _, l := range s[name] {
			fmt.Fprintf(&b, "%s,PLAN_%02d,%s\n", name, l, plan(l))
		}
	}
	return b.String()
}

// needs is a file of prerequisites: for each plan those of which it needs any one, by number.
type needs map[int][]int

func (n needs) csv() string {
	var b strings.Builder
	b.WriteString("Service_Plan_Id,Requires_Any_Of\n")
	for _, p := range slices.Sorted(maps.Keys(n)) {
		var others []string
		for _, l := range n[p] {
			others = append(others, plan(l).String())
		}
		fmt.Fprintf(&b, "%s,%s\n", plan(p), strings.Join(others, ";"))
	}
	return b.String()
}

// places is a file of location rules: by plan, "NL;DE" where it is allowed, "!NL" where not.
type places map[int]string

func (l places) csv() string {
	var b strings.Builder
	b.WriteString("Service_Plan_Id,Allowed,Prohibited\n")
	for _, p := range slices.Sorted(maps.Keys(l)) {
		allowed, prohibited, _ := strings.Cut(l[p], "!")
		fmt.Fprintf(&b, "%s,%s,%s\n", plan(p), allowed, prohibited)
	}
	return b.String()
}

// marks is a file of automatic plans, by number.
type marks []int

func (m marks) csv() string {
	text := "Service_Plan_Id\n"
	for _, p := range m {
		text += plan(p).String() + "\n"
	}
	return text
}

// with adds files of rules, each of which knows its own kind, to those of an input.
func with(in catalog.Input, rules ...interface{ csv() string }) catalog.Input {
	for _, r := range rules {
		f := &catalog.File{Content: strings.NewReader(r.csv())}
		switch r.(type) {
		case sets:
			f.Name, in.Exclusions = "exclusions.csv", f
		case needs:
			f.Name, in.Dependencies = "dependencies.csv", f
		case places:
			f.Name, in.Locations = "locations.csv", f
		case marks:
			f.Name, in.Automatic = "automatic.csv", f
		}
	}
	return in
}

func input(products sheet, exclusions sets) catalog.Input {
	in := catalog.Input{Products: catalog.File{Name: "products.csv", Content: strings.NewReader(products.csv())}}
	if exclusions != nil {
		in.Exclusions = &catalog.File{Name: "exclusions.csv", Content: strings.NewReader(exclusions.csv())}
	}
	return in
}

// fixture is the files of testdata whose names begin so.
func fixture(t *testing.T, name string) catalog.Input {
	t.Helper()
	return catalog.Input{
		Products:   catalog.File{Name: name + "-products.csv", Content: open(t, name+"-products.csv")},
		Exclusions: &catalog.File{Name: name + "-exclusions.csv", Content: open(t, name+"-exclusions.csv")},
	}
}

// load imports, a minute after whatever was before.
func (w *world) load(in catalog.Input) *catalog.Result {
	w.Helper()
	w.clock.Advance(time.Minute)
	r, err := w.importer.Import(w.Context(), in)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) tenant(name string) uuid.UUID {
	w.Helper()
	t, err := w.tenants.Create(w.Context(), name, "NL")
	if err != nil {
		w.Fatal(err)
	}
	return t.ID
}

func (w *world) subscribe(tenant uuid.UUID, products ...int) {
	w.Helper()
	for _, p := range products {
		seats := 10
		if _, err := w.service.CreateSubscription(w.Context(), tenant, licensing.CreateSubscriptionInput{Product: sku(p), Seats: &seats}); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *world) user(tenant uuid.UUID, name string) uuid.UUID {
	w.Helper()
	return w.userAt(tenant, name, "NL")
}

// userAt is user with a location, or none where it is empty.
func (w *world) userAt(tenant uuid.UUID, name, country string) uuid.UUID {
	w.Helper()
	key := uuid.New()
	var location *string
	if country != "" {
		location = &country
	}
	w.change(tenant, audit.UserCreate, func(d *licensing.Draft) {
		d.CreateUser(&principal.User{ID: key, DisplayName: name, UserPrincipalName: name + "@example.com", UserType: principal.Member,
			UsageLocation: location, AccountEnabled: true, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
	})
	return key
}

func (w *world) group(tenant uuid.UUID, name string, members ...uuid.UUID) uuid.UUID {
	w.Helper()
	key := uuid.New()
	w.change(tenant, audit.GroupCreate, func(d *licensing.Draft) {
		d.CreateGroup(&principal.Group{ID: key, DisplayName: name, CreatedAt: d.Now, UpdatedAt: d.Now, Version: 1})
		for _, m := range members {
			d.AddMember(key, m)
		}
	})
	return key
}

func (w *world) change(tenant uuid.UUID, action audit.Action, plan func(d *licensing.Draft)) {
	w.Helper()
	_, err := w.service.Change(w.Context(), tenant, licensing.Options{Action: action}, func(_ context.Context, d *licensing.Draft) error {
		plan(d)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

// selection is a selection of plans, by number.
func selection(mode tenantgraph.Mode, plans ...int) *licensing.SelectionInput {
	s := &licensing.SelectionInput{Mode: mode}
	for _, l := range plans {
		s.Plans = append(s.Plans, plan(l))
	}
	return s
}

func (w *world) try(tenant uuid.UUID, kind id.Kind, principal uuid.UUID, product int, s *licensing.SelectionInput) error {
	w.Helper()
	out, err := w.service.Assign(w.Context(), tenant, licensing.AssignInput{
		Principals: []licensing.PrincipalRef{{Kind: kind, ID: principal}}, Add: []licensing.LicenseInput{{Product: sku(product), Plans: s}},
	})
	if err != nil {
		return err
	}
	for _, refusal := range out.Results[0].Errors {
		return refusal
	}
	return nil
}

func (w *world) assign(tenant uuid.UUID, kind id.Kind, principal uuid.UUID, product int, s *licensing.SelectionInput) {
	w.Helper()
	if err := w.try(tenant, kind, principal, product, s); err != nil {
		w.Fatal(err)
	}
}

// cyclic is a change of the catalogue after which plans 1 and 2 need each other.
func cyclic(_ context.Context, _ *database.Tx, data tenantgraph.CatalogData) (*licensing.CatalogPlan, error) {
	data.Requires = map[uuid.UUID][]uuid.UUID{plan(1): {plan(2)}, plan(2): {plan(1)}}
	return &licensing.CatalogPlan{After: &data, Write: func(context.Context, *database.Tx) error { return nil }}, nil
}

// holdings tells what a user has: for each product held the plans that are on, and each error.
func (w *world) holdings(tenant, user uuid.UUID) string {
	w.Helper()
	views, err := w.service.ReadUsers(w.Context(), tenant, []uuid.UUID{user})
	if err != nil {
		w.Fatal(err)
	}
	var parts []string
	for _, l := range views[0].Licenses() {
		if l.ConsumesSeat {
			on := l.Product.SkuPartNumber + ":"
			for _, p := range l.Plans() {
				if p.Enabled {
					on += " " + p.Plan.ServicePlanName
				}
			}
			parts = append(parts, on)
		}
		for _, s := range l.Sources {
			for _, e := range s.Errors {
				what := l.Product.SkuPartNumber
				if e.Plan != nil {
					what = e.Plan.ServicePlanName
				}
				parts = append(parts, fmt.Sprintf("%s %s", what, e.Code))
			}
		}
	}
	return strings.Join(parts, "; ")
}

func (w *world) has(tenant, user uuid.UUID, want string) {
	w.Helper()
	if got := w.holdings(tenant, user); got != want {
		w.Errorf("the user has %q, want %q", got, want)
	}
}

// verify holds the stored state to R17.
func (w *world) verify(tenants ...uuid.UUID) {
	w.Helper()
	for _, t := range tenants {
		v, err := w.service.Verify(w.Context(), t, nil)
		if err != nil {
			w.Fatal(err)
		}
		for _, p := range v.Problems {
			w.Errorf("verify: %s: %s", p.Rule, p.Message)
		}
	}
}

// stored is the stored catalogue as text.
func (w *world) stored() string {
	w.Helper()
	rows, err := licensing.LoadCatalog(w.Context(), w.db.Reader())
	if err != nil {
		w.Fatal(err)
	}
	var lines []string
	for _, p := range rows.Products {
		plans := slices.SortedFunc(slices.Values(rows.ProductPlans[p.ID]), compareIDs)
		lines = append(lines, fmt.Sprintf("product %s %q %q %q %v %v", p.ID, p.SkuPartNumber, p.DisplayName, p.DisplayNameKey, since(p.RetiredAt), plans))
	}
	for _, p := range rows.Plans {
		lines = append(lines, fmt.Sprintf("plan %s %q %q %q %v", p.ID, p.ServicePlanName, p.DisplayName, p.DisplayNameKey, since(p.RetiredAt)))
		if any := rows.Requires[p.ID]; len(any) > 0 {
			lines = append(lines, fmt.Sprintf("prerequisites of %s %v", p.ID, slices.SortedFunc(slices.Values(any), compareIDs)))
		}
		if l := p.Location; len(l.Allowed)+len(l.Prohibited) > 0 {
			lines = append(lines, fmt.Sprintf("location of %s allowed %v prohibited %v", p.ID, l.Allowed, l.Prohibited))
		}
		if p.AutoAssigned {
			lines = append(lines, fmt.Sprintf("automatic %s", p.ID))
		}
	}
	for _, s := range rows.Exclusions {
		lines = append(lines, fmt.Sprintf("set %q %v", s.Name, s.Plans))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

func since(at *clock.Instant) string {
	if at == nil {
		return "current"
	}
	return "retired " + at.String()
}

// intent is what a tenant's administrators have decided, with its versions: assignments as they
// are stored, and the users' and groups' own versions.
func (w *world) intent(tenant uuid.UUID) string {
	w.Helper()
	var lines []string
	err := database.Each(w.Context(), w.db.Reader(), func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		lines = append(lines, line)
		return err
	}, `SELECT CAST(id AS text) || ' ' || mode || ' ' || CAST(plans AS text) || ' ' || CAST(version AS text) || ' ' || CAST(updated_at AS text) FROM assignments WHERE tenant_id = $1
		UNION ALL SELECT CAST(id AS text) || ' ' || CAST(version AS text) || ' ' || CAST(updated_at AS text) FROM users WHERE tenant_id = $1
		UNION ALL SELECT CAST(id AS text) || ' ' || CAST(version AS text) || ' ' || CAST(updated_at AS text) FROM groups WHERE tenant_id = $1
		ORDER BY 1`, tenant)
	if err != nil {
		w.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// keepsIntent runs imports and fails if they touch what administrators have decided.
func (w *world) keepsIntent(tenant uuid.UUID, imports func()) {
	w.Helper()
	before := w.intent(tenant)
	imports()
	if after := w.intent(tenant); after != before || before == "" {
		w.Errorf("the import made of\n%s\n\n%s", before, after)
	}
	w.verify(tenant)
}

// number reads one number.
func (w *world) number(query string, args ...any) int64 {
	w.Helper()
	var n int64
	if err := w.db.Reader().QueryRowContext(w.Context(), query, args...).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *world) revision() int64 { w.Helper(); return w.number(`SELECT revision FROM catalog`) }

// imports counts the audit events of imports that a tenant has.
func (w *world) imports(tenant uuid.UUID) int64 {
	w.Helper()
	return w.number(`SELECT count(*) FROM audit_events WHERE tenant_id = $1 AND action = $2`, tenant, string(audit.CatalogImport))
}

func refusedWith(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
}
