package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/licensegraph/licensegraph/internal/database"
)

// MigrateCmd are the commands of the schema.
type MigrateCmd struct {
	Up     MigrateUpCmd     `cmd:"" help:"Apply the migrations that the database lacks."`
	Status MigrateStatusCmd `cmd:"" help:"List the migrations and whether they are applied."`
}

// MigrateUpCmd applies migrations.
type MigrateUpCmd struct{}

// Help is what --help adds to the flags.
func (MigrateUpCmd) Help() string {
	return `Each migration is applied whole or not at all. Several processes may migrate one database at the same time. A SQLite file that does not exist is created.

    licensegraph migrate up --database-url postgres://licensegraph:secret@db.example/licensegraph`
}

// Run migrates, with a line for each step.
func (MigrateUpCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Connect(ctx, database.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	before, err := database.Status(ctx, db)
	if err != nil {
		return err
	}
	p := progress{env: env}
	defer p.clear()
	if next := pending(before); next != nil {
		p.say("applying %s", migrationText(*next))
	}
	applied := 0
	err = database.Migrate(ctx, db, func(m database.Migration) {
		p.clear()
		applied++
		fmt.Fprintf(env.Stdout, "applied %s\n", migrationText(m))
	})
	if err != nil {
		return err
	}
	if err := database.RequireHead(ctx, db); err != nil { // it may be newer than this program
		return err
	}
	if applied == 0 {
		fmt.Fprintln(env.Stdout, "nothing to do: the database is at this program's version")
	}
	return nil
}

// MigrateStatusCmd lists migrations.
type MigrateStatusCmd struct{}

// Help is what --help adds to the flags.
func (MigrateStatusCmd) Help() string {
	return `One line for each migration that this program knows: "applied" or "pending", its number and its name. Nothing is changed.`
}

// Run lists the migrations.
func (MigrateStatusCmd) Run(ctx context.Context, env *Env) (err error) {
	db, err := env.Connect(ctx, database.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := database.Status(ctx, db)
	if err != nil {
		return err
	}
	for _, m := range list {
		state := "pending"
		if m.Applied {
			state = "applied"
		}
		fmt.Fprintf(env.Stdout, "%s %s\n", state, migrationText(m))
	}
	return nil
}

func pending(list []database.Migration) *database.Migration {
	for _, m := range list {
		if !m.Applied {
			return &m
		}
	}
	return nil
}

func migrationText(m database.Migration) string { return fmt.Sprintf("%05d %s", m.Version, m.Name) }
