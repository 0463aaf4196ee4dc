package demo_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/demo"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/principal"
)

// house is the sample organisation with what a test looks at it through.
type house struct {
	*demo.Organisation
	licensing *licensing.Service
	directory *directory.Service
}

func build(t *testing.T, d database.Dialect) house {
	t.Helper()
	db := dbtest.Open(t, d, database.Options{})
	o, err := demo.Build(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := licensing.New(licensing.Config{DB: db, Clock: clock.Wall{}, NewID: id.NewV7})
	if err != nil {
		t.Fatal(err)
	}
	p, err := directory.New(directory.Config{DB: db, Licensing: l})
	if err != nil {
		t.Fatal(err)
	}
	return house{o, l, p}
}

func TestTheSampleOrganisationHoldsOnBothDatabasesR17(t *testing.T) {
	for _, d := range []database.Dialect{database.SQLite, database.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			h := build(t, d)
			v, err := h.licensing.Verify(t.Context(), h.Tenant.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range v.Problems {
				t.Errorf("%s: %s", p.Rule, p.Message)
			}
			if v.UsersChecked < 240 || v.UsersChecked > 270 {
				t.Errorf("%d users, want about 250", v.UsersChecked)
			}
		})
	}
}

// The server carries out what is due, and the story lies in the past: nothing in it is due, for
// many years, so that what the demo promises to show stays there.
func TestNothingOfTheStoryFallsDueR16R19(t *testing.T) {
	db := dbtest.Open(t, database.SQLite, database.Options{})
	if _, err := demo.Build(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	later, err := licensing.New(licensing.Config{DB: db, Clock: clock.NewManual(time.Date(2066, 1, 1, 0, 0, 0, 0, time.UTC)), NewID: id.NewV7})
	if err != nil {
		t.Fatal(err)
	}
	if due, err := later.ApplyDue(t.Context()); err != nil || due.Applied != 0 || len(due.Failed) > 0 {
		t.Errorf("%+v, %v", due, err)
	}
}

func TestSampleOrganisationIsTheSameEveryTime(t *testing.T) {
	a, b := build(t, database.SQLite), build(t, database.Postgres)
	if a.Tenant.NodeID() != b.Tenant.NodeID() {
		t.Errorf("the tenant's id differs: %s and %s", a.Tenant.NodeID(), b.Tenant.NodeID())
	}
	if x, y := a.portrait(t), b.portrait(t); x != y {
		t.Errorf("two builds differ:\n%s\n%s", x, y)
	}
	for i, e := range a.Examples() {
		if e != b.Examples()[i] {
			t.Errorf("an example differs: %s and %s", e.Query, b.Examples()[i].Query)
		}
	}
}

// portrait is every user with all licenses, sources and errors, as text.
func (h house) portrait(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, v := range h.everybody(t) {
		out.WriteString(v.User.NodeID() + " " + v.User.UserPrincipalName + " " + v.User.CreatedAt.String() + "\n")
		for _, l := range v.Licenses() {
			out.WriteString("  " + l.Product.DisplayName + " " + string(l.Status) + " " + l.Since.String() + "\n")
			for _, s := range l.Sources {
				out.WriteString("    " + s.Assignment.NodeID() + " " + string(s.State) + " " + s.Since.String() + "\n")
			}
		}
	}
	return out.String()
}

func (h house) everybody(t *testing.T) []*licensing.UserView {
	t.Helper()
	var ids []uuid.UUID
	var args paging.Args
	for {
		page, err := h.directory.ListUsers(t.Context(), h.Tenant.ID, directory.UserQuery{}, args)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Items {
			ids = append(ids, u.ID)
		}
		if !page.HasNext {
			break
		}
		args.After = &page.Cursors[len(page.Cursors)-1]
	}
	views, err := h.licensing.ReadUsers(t.Context(), h.Tenant.ID, ids)
	if err != nil {
		t.Fatal(err)
	}
	return views
}

func (h house) person(t *testing.T, name string) *licensing.UserView {
	t.Helper()
	for _, v := range h.everybody(t) {
		if v.User.DisplayName == name {
			return v
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func (h house) license(t *testing.T, name, product string) *licensing.EffectiveLicense {
	t.Helper()
	for _, l := range h.person(t, name).Licenses() {
		if l.Product.DisplayName == product {
			return l
		}
	}
	t.Fatalf("%s has nothing to do with %s", name, product)
	return nil
}

func TestEveryPromisedExampleIsThere(t *testing.T) {
	h := build(t, database.SQLite)
	products, err := h.licensing.SubscribedProducts(t.Context(), h.Tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	seats := map[string]licensing.SeatCounts{}
	for _, p := range products {
		seats[p.Product.DisplayName] = p.Seats
	}

	t.Run("a dozen products", func(t *testing.T) {
		if n := len(products); n < 12 || n > 15 {
			t.Errorf("%d products", n)
		}
	})
	t.Run("names from many countries, all different", func(t *testing.T) {
		names, places, departments := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, v := range h.everybody(t) {
			names[v.User.DisplayName] = true
			if v.User.UsageLocation != nil {
				places[*v.User.UsageLocation] = true
			}
			if v.User.Department != nil {
				departments[*v.User.Department] = true
			}
		}
		if len(names) != h.Users || len(places) < 10 || len(departments) < 10 {
			t.Errorf("%d names of %d users, %d countries, %d departments", len(names), h.Users, len(places), len(departments))
		}
	})
	t.Run("short of seats, with people waiting", func(t *testing.T) {
		s := seats["Visio Plan 2"]
		if s.Available == nil || *s.Available != 0 || s.Waiting == 0 {
			t.Errorf("Visio: %+v", s)
		}
		if s := h.license(t, "Yuki Tanabe", "Visio Plan 2").Sources[0]; len(s.Errors) != 1 || s.Errors[0].Code != fault.CountViolation {
			t.Errorf("Yuki's source: %+v", s)
		}
	})
	t.Run("over-allocated", func(t *testing.T) {
		if s := seats["Microsoft Copilot for Microsoft 365"]; s.Available == nil || *s.Available >= 0 {
			t.Errorf("Copilot: %+v", s)
		}
	})
	t.Run("unlimited", func(t *testing.T) {
		if s := seats["Power BI Pro"]; s.Total != nil || s.Consumed < 200 {
			t.Errorf("Power BI: %+v", s)
		}
	})
	t.Run("a conflict between two products", func(t *testing.T) {
		found := 0
		for _, v := range h.everybody(t) {
			for _, l := range v.Licenses() {
				if l.Product.DisplayName == "Microsoft 365 E3" && l.Status == licensing.StatusError {
					if got := l.Sources[0].Errors[0].Code; got != fault.MutuallyExclusiveViolation {
						t.Errorf("%s: %s", v.User.DisplayName, got)
					}
					found++
				}
			}
		}
		if found < 3 {
			t.Errorf("%d conflicts", found)
		}
	})
	t.Run("a withheld plan", func(t *testing.T) {
		for _, name := range []string{"Ingrid Solberg", "Piotr Zieliński"} {
			l := h.license(t, name, "Planner and Project Plan 3")
			if l.Status != licensing.StatusActiveWithError || l.Sources[0].Errors[0].Plan.ServicePlanName != "SHAREPOINTENTERPRISE" {
				t.Errorf("%s: %+v", name, l)
			}
		}
	})
	t.Run("no subscription any more", func(t *testing.T) {
		for _, v := range h.everybody(t) {
			for _, l := range v.Licenses() {
				if l.Product.DisplayName == "Clipchamp Premium" {
					if got := l.Sources[0].Errors[0].Code; got != fault.NoSubscription {
						t.Errorf("%s: %s", v.User.DisplayName, got)
					}
					return
				}
			}
		}
		t.Error("nobody was assigned the cancelled product")
	})
	t.Run("a plan that lacks what it needs", func(t *testing.T) {
		l := h.license(t, "Piotr Zieliński", "Microsoft Copilot for Microsoft 365")
		if e := l.Sources[0].Errors[0]; l.Status != licensing.StatusError || e.Code != fault.DependencyViolation {
			t.Errorf("Copilot is %s: %s", l.Status, e.Code)
		}
	})
	t.Run("a plan that may not be used where somebody is, and everybody has a place", func(t *testing.T) {
		found := 0
		for _, v := range h.everybody(t) {
			if v.User.UsageLocation == nil {
				t.Errorf("%s has no usage location", v.User.DisplayName)
			}
			for _, e := range v.Errors() {
				if e.Code == fault.LocationViolation {
					found++
					if *v.User.UsageLocation != "IN" || e.Product.DisplayName != "Microsoft Teams Phone Standard" {
						t.Errorf("%s in %s: %s", v.User.DisplayName, *v.User.UsageLocation, e.Product.DisplayName)
					}
				}
			}
		}
		if found < 3 {
			t.Errorf("%d are in the wrong place", found)
		}
	})
	t.Run("a plan that comes to everybody", func(t *testing.T) {
		for _, name := range []string{"Lucas Ferrand", "Ingrid Solberg"} {
			i := slices.IndexFunc(h.person(t, name).Plans(), func(p *licensing.EffectivePlan) bool { return p.Plan.ServicePlanName == "SWAY" })
			if i < 0 || h.person(t, name).Plans()[i].EnabledBy[0].Kind != licensing.SourceAutomatic {
				t.Errorf("%s has no Sway", name)
			}
		}
	})
	t.Run("subscriptions in warning, suspended and scheduled, whose holders keep what they have", func(t *testing.T) {
		for name, want := range map[string]licensing.Capability{
			"Power Automate Premium": licensing.CapabilityWarning, "Dynamics 365 for Team Members Enterprise Edition": licensing.CapabilitySuspended,
			"Microsoft 365 E5": licensing.CapabilityEnabled, "Clipchamp Premium": licensing.CapabilityNone,
		} {
			i := slices.IndexFunc(products, func(p *licensing.SubscribedProduct) bool { return p.Product.DisplayName == name })
			if p := products[i]; p.Capability != want || (p.Seats.Consumed == 0) != (want == licensing.CapabilityNone) {
				t.Errorf("%s: %s, %+v", name, p.Capability, p.Seats)
			}
			if name == "Microsoft 365 E5" && !slices.ContainsFunc(products[i].Subscriptions, func(s *licensing.Subscription) bool {
				return s.Status == licensing.SubscriptionScheduled
			}) {
				t.Error("nothing is scheduled")
			}
		}
	})
	t.Run("a direct copy of an inherited license", func(t *testing.T) {
		l := h.license(t, "Kofi Mensah", "Power BI Pro")
		kinds := []licensing.SourceKind{}
		for _, s := range l.Sources {
			kinds = append(kinds, s.Kind)
		}
		slices.Sort(kinds)
		if !slices.Equal(kinds, []licensing.SourceKind{licensing.SourceDirect, licensing.SourceGroup}) {
			t.Errorf("sources: %v", kinds)
		}
	})
	t.Run("nesting four groups deep, and a diamond that counts once", func(t *testing.T) {
		l := h.license(t, "Tomás Herrera", "Power BI Pro")
		if len(l.Sources) != 1 {
			t.Fatalf("%d sources", len(l.Sources))
		}
		path := []string{}
		for _, g := range l.Sources[0].Path {
			path = append(path, g.DisplayName)
		}
		if want := []string{"Everyone", "Office Staff", "Engineering", "Site Reliability"}; !slices.Equal(path, want) {
			t.Errorf("path: %v", path)
		}
	})
	t.Run("a disabled account that keeps its seat", func(t *testing.T) {
		v := h.person(t, "Dewi Pranoto")
		l := h.license(t, "Dewi Pranoto", "Microsoft 365 E3")
		if v.User.AccountEnabled || !l.ConsumesSeat {
			t.Errorf("enabled %t, seat %t", v.User.AccountEnabled, l.ConsumesSeat)
		}
	})
	t.Run("a guest", func(t *testing.T) {
		if got := h.person(t, "Lucas Ferrand").User.UserType; got != principal.Guest {
			t.Errorf("%s", got)
		}
	})
	t.Run("a deleted user", func(t *testing.T) {
		gone, err := h.directory.ListUsers(t.Context(), h.Tenant.ID, directory.UserQuery{Filter: directory.UserFilter{Deleted: true}}, paging.Args{})
		if err != nil || len(gone.Items) != 1 {
			t.Errorf("%d deleted users, %v", len(gone.Items), err)
		}
	})
	t.Run("plan selections of every form, and one of first-level members only", func(t *testing.T) {
		forms := map[string]bool{}
		for _, p := range products {
			page, err := h.licensing.Assignments(t.Context(), h.Tenant.ID, p.Product.ID, nil, paging.Args{})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Items {
				form := string(a.Selection.Mode)
				if len(a.Selection.Plans()) == 0 {
					form += " of none"
				}
				forms[form] = true
				if !a.IncludeNested {
					forms["first level"] = true
				}
			}
		}
		for _, want := range []string{"ALL of none", "EXCEPT", "ONLY", "ONLY of none", "first level"} {
			if !forms[want] {
				t.Errorf("no selection %s among %v", want, forms)
			}
		}
	})
}
