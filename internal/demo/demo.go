// Package demo builds a sample organisation: people in departments and countries, nested
// groups, products under their real names, and an example of everything that can happen to a
// license. It uses the same services as the API, so that nothing in it could not have come
// about in use, and always builds the same: names, ids and instants, tokens excepted.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/catalog"
	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/directory"
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// seed makes every demo the same.
const seed = 20260112

// begin is when the organisation's story begins; it ends within the same year.
var begin = time.Date(2026, time.January, 12, 8, 0, 0, 0, time.UTC)

// Build fills a migrated database that holds no organisation. progress, which may be nil, is
// told what is being done, often.
//
// Errors: those of the services.
func Build(ctx context.Context, db *database.DB, progress func(what string)) (*Organisation, error) {
	now := clock.NewManual(begin)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // sample data, not secrets
	newID := id.Seeded(now.Time, random)
	licenses, err := licensing.New(licensing.Config{DB: db, Clock: now, NewID: newID})
	if err != nil {
		return nil, err
	}
	people, err := directory.New(directory.Config{DB: db, Licensing: licenses})
	if err != nil {
		return nil, err
	}
	tenants, err := tenant.New(tenant.Config{DB: db, Clock: now, NewID: newID})
	if err != nil {
		return nil, err
	}
	importer, err := catalog.NewImporter(catalog.Config{Licensing: licenses, Clock: now, NewID: newID})
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	b := &builder{
		clock: now, random: random, tenants: tenants, directory: people, licensing: licenses, importer: importer, progress: progress,
		names: map[string]bool{}, users: map[string]uuid.UUID{}, members: map[string][]string{}, groups: map[string]uuid.UUID{},
		subscriptions: map[string]uuid.UUID{},
	}
	if err := b.build(audit.WithActor(ctx, audit.Actor{Kind: audit.ActorCommand, Name: "demo"})); err != nil {
		return nil, fmt.Errorf("build the sample organisation: %w", err)
	}
	return Find(ctx, db)
}

// builder builds the organisation, step by step, on a clock of its own.
type builder struct {
	clock     *clock.Manual
	random    *rand.Rand
	tenants   *tenant.Tenants
	directory *directory.Service
	licensing *licensing.Service
	importer  *catalog.Importer
	progress  func(string)

	tenant        uuid.UUID
	names         map[string]bool        // of users, taken
	users         map[string]uuid.UUID   // by name
	members       map[string][]string    // TypeIDs of direct members by group
	groups        map[string]uuid.UUID   // by name
	products      map[string]uuid.UUID   // by part number
	plans         map[string][]uuid.UUID // by service plan name
	subscriptions map[string]uuid.UUID   // by part number, the first one of each
}

func (b *builder) build(ctx context.Context) error {
	t, err := b.tenants.Create(ctx, companyName, country)
	if err != nil {
		return err
	}
	b.tenant = t.ID
	for _, step := range []func(context.Context) error{b.importCatalogue, b.hire, b.organise, b.license} {
		b.clock.Advance(24 * time.Hour)
		if err := step(ctx); err != nil {
			return err
		}
	}
	// The story lies in the past: whoever serves it would remove for good who left in it.
	forever := licensing.MaxTerm
	_, err = b.licensing.UpdateTenant(ctx, b.tenant, licensing.UpdateTenantInput{DeletedUserRetention: &forever})
	return err
}

// importCatalogue imports the products and the rules of their plans.
func (b *builder) importCatalogue(ctx context.Context) error {
	b.progress("products and plans")
	products, err := productFile()
	if err != nil {
		return err
	}
	in := catalog.Input{Products: catalog.File{Name: "products.csv", Content: products}}
	for _, kind := range []struct {
		name string
		make func() (*bytes.Buffer, error)
		into **catalog.File
	}{
		{"exclusions.csv", exclusionFile, &in.Exclusions},
		{"dependencies.csv", dependencyFile, &in.Dependencies},
		{"locations.csv", locationFile, &in.Locations},
		{"automatic.csv", automaticFile, &in.Automatic},
	} {
		content, err := kind.make()
		if err != nil {
			return err
		}
		*kind.into = &catalog.File{Name: kind.name, Content: content}
	}
	if _, err := b.importer.Import(ctx, in); err != nil {
		return err
	}
	g, err := b.licensing.Graph(ctx, b.tenant)
	if err != nil {
		return err
	}
	b.products, b.plans = map[string]uuid.UUID{}, map[string][]uuid.UUID{}
	for _, p := range g.Products {
		b.products[p.SkuPartNumber] = p.ID
	}
	for _, p := range g.Plans {
		b.plans[p.ServicePlanName] = []uuid.UUID{p.ID}
	}
	return nil
}

// Organisation is the sample organisation, as found in a database.
type Organisation struct {
	Tenant   *tenant.Tenant
	Users    int // undeleted
	Groups   int
	Products int // with a subscription, live or not

	waiting string // TypeID of a user who waits for a seat
	seats   string // TypeID of the subscription that is short of seats
}

// Holds tells whether a database, be it at an older version, holds the sample organisation.
// With an error it does not, or cannot be read.
func Holds(ctx context.Context, db *database.DB) (bool, error) {
	t, err := find(ctx, db)
	return t != nil, err
}

// Find looks the sample organisation up in a database that holds it.
//
// Errors: NOT_FOUND where it does not.
func Find(ctx context.Context, db *database.DB) (*Organisation, error) {
	t, err := find(ctx, db)
	if err != nil {
		return nil, err
	}
	licenses, err := licensing.New(licensing.Config{DB: db, Clock: clock.Wall{}, NewID: id.NewV7})
	if err != nil {
		return nil, err
	}
	people, err := directory.New(directory.Config{DB: db, Licensing: licenses})
	if err != nil {
		return nil, err
	}
	o := &Organisation{Tenant: t}
	return o, errors.Join(o.count(ctx, licenses, people), o.lookUp(ctx, licenses, people))
}

func find(ctx context.Context, db *database.DB) (*tenant.Tenant, error) {
	tenants, err := tenant.New(tenant.Config{DB: db, Clock: clock.Wall{}, NewID: id.NewV7})
	if err != nil {
		return nil, err
	}
	return tenants.ByName(ctx, companyName)
}
