package bench

import (
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
	"github.com/licensegraph/licensegraph/internal/id"
	"github.com/licensegraph/licensegraph/internal/licensing"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// MinUsers is the smallest tenant that has everything that is measured.
const MinUsers = 1_000

// Tenant is a tenant to measure.
type Tenant struct {
	*layout
	ID   uuid.UUID
	load uuid.UUID // the tenant whose graph is loaded
}

// Options say what to generate.
type Options struct {
	Users      int    // MinUsers or more
	Seed       uint64 // the same one makes the same tenant, ids and all
	SkipVerify bool   // leaves out the verification of R17 at the end
	Progress   Progress
}

// Generate fills a migrated database that holds no catalogue and no tenant; it is to be opened anew
// for measuring. Users, groups and
// memberships are written as rows, in chunks; subscriptions and assignments by the licensing
// service, and so is everything that follows from them.
//
// Errors: those of the services; one that names what does not hold of R17.
func Generate(ctx context.Context, db *database.DB, o Options) (*Tenant, error) {
	if o.Users < MinUsers {
		return nil, fmt.Errorf("bench: %d users are too few: it takes %d", o.Users, MinUsers)
	}
	now := clock.NewManual(begin)
	newID := id.Seeded(now.Time, rand.New(rand.NewPCG(o.Seed, 3))) //nolint:gosec // sample data, not secrets
	licenses, err := licensing.New(licensing.Config{DB: db, Clock: now, NewID: newID})
	if err != nil {
		return nil, err
	}
	g := &generator{
		db: db, clock: now, newID: newID, licensing: licenses, progress: o.Progress,
		tenant: &Tenant{layout: newLayout(o.Users, o.Seed)},
	}
	ctx = audit.WithActor(ctx, audit.Actor{Kind: audit.ActorCommand, Name: "bench"})
	ctx = licensing.WithChangeList(ctx, licensing.ChangeList{Skip: true})
	for _, step := range []func(context.Context) error{
		g.prepare, g.begin, g.subscribe, g.users, g.groups, g.memberships, g.analyze, g.license, g.loadTenant, g.analyze,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("make a tenant of %d users: %w", o.Users, err)
		}
	}
	if o.SkipVerify {
		return g.tenant, nil
	}
	problems, err := verified(ctx, licenses, g.tenant, o.Progress)
	if err == nil && problems > 0 {
		err = fmt.Errorf("the tenant that was made does not hold R17: %d problems", problems)
	}
	return g.tenant, err
}

// Find returns the tenant that Generate made of a database before.
//
// Errors: NOT_FOUND where there is none of this size and seed.
func Find(ctx context.Context, db *database.DB, users int, seed uint64) (*Tenant, error) {
	tenants, err := tenant.New(tenant.Config{DB: db, Clock: clock.Wall{}, NewID: id.NewV7})
	if err != nil {
		return nil, err
	}
	t := &Tenant{layout: newLayout(users, seed)}
	for name, into := range map[string]*uuid.UUID{t.name(): &t.ID, t.loadName(): &t.load} {
		found, err := tenants.ByName(ctx, name)
		if err != nil {
			return nil, err
		}
		*into = found.ID
	}
	return t, nil
}

// verified is how many problems there are with R17.
func verified(ctx context.Context, licenses *licensing.Service, t *Tenant, progress Progress) (int, error) {
	v, err := licenses.Verify(ctx, t.ID, func(users, _ int) { progress.say("verify", users, t.Users) })
	if err != nil {
		return 0, fmt.Errorf("verify: %w", err)
	}
	return len(v.Problems), nil
}

type generator struct {
	db        *database.DB
	clock     *clock.Manual
	newID     id.Source
	licensing *licensing.Service
	progress  Progress
	tenant    *Tenant
	superuser bool
}

// begin imports the catalogue and creates the tenants.
func (g *generator) begin(ctx context.Context) error {
	tenants, err := tenant.New(tenant.Config{DB: g.db, Clock: g.clock, NewID: g.newID})
	if err != nil {
		return err
	}
	for _, t := range []struct {
		name string
		into *uuid.UUID
	}{{g.tenant.name(), &g.tenant.ID}, {g.tenant.loadName(), &g.tenant.load}} {
		made, err := tenants.Create(ctx, t.name, tenantCountry)
		if err != nil {
			return err
		}
		*t.into = made.ID
	}
	importer, err := catalog.NewImporter(catalog.Config{Licensing: g.licensing, Clock: g.clock, NewID: g.newID})
	if err != nil {
		return err
	}
	in, err := g.tenant.catalogue()
	if err != nil {
		return err
	}
	_, err = importer.Import(ctx, in)
	return err
}

func (g *generator) users(ctx context.Context) error {
	return g.withoutIndexes(ctx, "user_words", func(ctx context.Context) error {
		for u := 0; u < g.tenant.Users; u += userChunk {
			g.progress.say("users", u, g.tenant.Users)
			if err := g.insertUsers(ctx, u, min(u+userChunk, g.tenant.Users)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *generator) groups(ctx context.Context) error {
	return g.insertGroups(ctx, g.tenant.ID, groupID, g.tenant.parents, g.tenant.sizes)
}

func (g *generator) memberships(ctx context.Context) error {
	all := 0
	for _, size := range g.tenant.sizes {
		all += size
	}
	return g.withoutIndexes(ctx, "memberships", func(ctx context.Context) error {
		return g.insertMemberships(ctx, func(done int) { g.progress.say("memberships", done, all) })
	})
}

// analyze has the database look at what it holds.
func (g *generator) analyze(ctx context.Context) error {
	g.progress.say("analyze", 0, 0)
	return g.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, `ANALYZE`)
		return err
	})
}

// assign assigns one product, and fails where it is refused.
func (g *generator) assign(ctx context.Context, tenant uuid.UUID, to []licensing.PrincipalRef, add ...licensing.LicenseInput) error {
	g.clock.Advance(time.Minute)
	out, err := g.licensing.Assign(ctx, tenant, licensing.AssignInput{Principals: to, Add: add, Atomic: true})
	if err != nil {
		return err
	}
	for _, r := range out.Results {
		for _, refusal := range r.Errors {
			err = errors.Join(err, refusal)
		}
	}
	return err
}
