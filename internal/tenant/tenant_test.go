package tenant_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/database/dbtest"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/paging"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

func TestCreatedTenantsAreFoundByNameInAnyLetterCaseAndById(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tenants := newTenants(t, db)
		made := create(t, tenants, "Blåbær Group", "no")
		if made.Country != "NO" || !strings.HasPrefix(made.NodeID(), "tenant_") {
			t.Errorf("created %+v", made)
		}
		byName, err := tenants.ByName(t.Context(), "BLÅBÆR group")
		if err != nil || *byName != *made {
			t.Errorf("by name: %+v, %v; want %+v", byName, err, made)
		}
		byID, err := tenants.ByID(t.Context(), made.ID)
		if err != nil || *byID != *made {
			t.Errorf("by id: %+v, %v; want %+v", byID, err, made)
		}
	})
}

// A tenant begins with the usual terms: those that the help promises, and that a row has of which
// nobody said any.
func TestTenantsBeginWithTheUsualTermsR16R19R27(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tenants := newTenants(t, db)
		create(t, tenants, "Acme", "US")
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO tenants (id, name, name_key, country, last_instant, created_at) VALUES ($1, 'Old', 'old', 'NL', 1, 1)`, uuid.New())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := tenants.List(t.Context())
		if err != nil || len(list) != 2 {
			t.Fatalf("%d tenants, %v", len(list), err)
		}
		const day = 24 * time.Hour
		for _, one := range list {
			if want := (tenantgraph.Terms{LossThreshold: 100, Grace: 30 * day, Suspension: 90 * day, DeletedUserRetention: 30 * day}); one.Terms != want {
				t.Errorf("%s has the terms %+v", one.Name, one.Terms)
			}
		}
	})
}

func TestTenantNamesAreUniqueWhateverTheLetterCase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tenants := newTenants(t, db)
		create(t, tenants, "Straße", "DE")
		_, err := tenants.Create(t.Context(), "STRASSE", "DE")
		refused(t, err, fault.DuplicateValue, "name")
		if list, err := tenants.List(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%d tenants (%v), want 1", len(list), err)
		}
	})
}

func TestOfManyCreatingTheSameTenantAtOnceOneSucceeds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tenants := newTenants(t, db)
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = tenants.Create(t.Context(), "Acme", "US") })
		}
		all.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				refused(t, err, fault.DuplicateValue, "name")
			}
		}
		if made != 1 {
			t.Errorf("%d were created, want 1", made)
		}
	})
}

func TestWrongNamesAndCountriesAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tenants := newTenants(t, db)
		for _, c := range []struct {
			name, country string
			code          fault.Code
			path          string
		}{
			{"", "US", fault.Required, "name"},
			{" \t", "US", fault.Required, "name"},
			{" Acme", "US", fault.InvalidValue, "name"},
			{"Ac\x00me", "US", fault.InvalidValue, "name"},
			{"Ac\xffme", "US", fault.InvalidValue, "name"},
			{strings.Repeat("x", 257), "US", fault.InvalidValue, "name"},
			{"Acme", "", fault.InvalidValue, "country"},
			{"Acme", "USA", fault.InvalidValue, "country"},
			{"Acme", "UK", fault.InvalidValue, "country"},
		} {
			_, err := tenants.Create(t.Context(), c.name, c.country)
			refused(t, err, c.code, c.path)
		}
		if list, err := tenants.List(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%d tenants (%v), want none", len(list), err)
		}
	})
}

func TestAnUnknownTenantIsAnsweredWithTheOnesThatExistWhereTheyAreFew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		tenants := newTenants(t, db)
		unknown := func(name, says string) {
			t.Helper()
			_, err := tenants.ByName(t.Context(), name)
			e, ok := fault.As(err)
			if !ok || e.Code != fault.NotFound || !strings.Contains(e.Remediation, says) {
				t.Errorf("got %v with remediation %q, want NOT_FOUND saying %q", err, e.Remediation, says)
			}
		}
		unknown("Acme", "no tenants yet")
		create(t, tenants, "beta", "US")
		create(t, tenants, "Alpha", "US")
		unknown("Acme", `The tenants are: "Alpha", "beta".`)
		unknown("Ac\x00me", `"Alpha"`)
		for c := 'a'; c < 'j'; c++ {
			create(t, tenants, "more "+string(c), "US")
		}
		unknown("Acme", "Check the name")
	})
}

func TestR28CreatingATenantIsItsFirstAuditEvent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		made := create(t, newTenants(t, db), "Acme", "US")
		page, err := audit.NewLog(db).Page(t.Context(), made.ID, audit.Filter{}, paging.Args{})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%d events, %v; want 1", len(page.Items), err)
		}
		e := page.Items[0]
		if e.Sequence != 1 || e.Action != audit.TenantCreate || e.OccurredAt != made.CreatedAt ||
			!slices.Equal(e.Subjects, []audit.Subject{{ID: made.NodeID(), Name: "Acme"}}) || len(e.Fields) != 2 || *e.Fields[1].After != "US" {
			t.Errorf("the event is %+v", e)
		}
	})
}

func newTenants(t *testing.T, db *database.DB) *tenant.Tenants {
	t.Helper()
	tenants, err := tenant.New(tenant.Config{DB: db, NewID: id.NewV7, Clock: clock.NewManual(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))})
	if err != nil {
		t.Fatal(err)
	}
	return tenants
}

func create(t *testing.T, tenants *tenant.Tenants, name, country string) *tenant.Tenant {
	t.Helper()
	made, err := tenants.Create(t.Context(), name, country)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func refused(t *testing.T, err error, code fault.Code, path string) {
	t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Code != code || !slices.Equal(e.Path, []string{path}) {
		t.Errorf("got %v, want %s at %s", err, code, path)
	}
}
