package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/licensegraph/licensegraph/internal/audit"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/tenant"
)

// TenantCmd are the commands of organisations.
type TenantCmd struct {
	Create TenantCreateCmd `cmd:"" help:"Create an organisation and print its id."`
	List   TenantListCmd   `cmd:"" help:"List the organisations by name."`
}

// TenantCreateCmd creates an organisation.
type TenantCreateCmd struct {
	Name    string `arg:"" help:"Its name, which no other organisation may have; letter case makes no difference."`
	Country string `required:"" placeholder:"CC" help:"The country, as ISO 3166-1 alpha-2 (NL, US), where users are taken to be who have no location of their own."`
}

// Help is what --help adds to the flags.
func (TenantCreateCmd) Help() string {
	return `Nothing crosses the border between two organisations (tenants) but the catalogue. The id stands alone on stdout.

    licensegraph tenant create "Example Ltd" --country NL`
}

// Run creates the tenant and prints its id.
func (c *TenantCreateCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tenants, err := env.tenants(db)
	if err != nil {
		return err
	}
	t, err := tenants.Create(acting(ctx, "tenant create"), c.Name, c.Country)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, t.NodeID())
	return err
}

// TenantListCmd lists organisations.
type TenantListCmd struct{}

// Help is what --help adds to the flags.
func (TenantListCmd) Help() string {
	return `One line for each: id, country, name. Nothing is printed where there is none.`
}

// Run lists the tenants.
func (TenantListCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tenants, err := env.tenants(db)
	if err != nil {
		return err
	}
	list, err := tenants.List(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.NodeID(), t.Country, t.Name)
	}
	return w.Flush()
}

func (e *Env) tenants(db *database.DB) (*tenant.Tenants, error) {
	return tenant.New(tenant.Config{DB: db, Clock: e.Clock, NewID: e.NewID})
}

// acting names the command as who makes the changes.
func acting(ctx context.Context, command string) context.Context {
	return audit.WithActor(ctx, audit.Actor{Kind: audit.ActorCommand, Name: command})
}
