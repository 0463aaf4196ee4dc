// Package cli holds the commands of the program: each is a struct that kong fills from flags
// and environment, with a Run that prints what it did.
package cli

import (
	"context"
	"errors"
	"io"

	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Env is what commands act on.
type Env struct {
	Stdout io.Writer // what the operator asked for
	Stderr io.Writer // progress and errors
	Log    zerolog.Logger
	// Terminal tells whether Stderr is a terminal: only then may progress be drawn on it.
	Terminal bool
	// URL is that of the database that the flags name. It may hold a password.
	URL string
	// Open opens the database that the flags name, and requires its migrations to be at head.
	// The caller closes it.
	Open func(ctx context.Context) (*database.DB, error)
	// Connect opens the database that the flags name, whatever version it is at. The caller
	// closes it.
	Connect func(ctx context.Context, o database.Options) (*database.DB, error)
	Clock   clock.Clock
	NewID   id.Source
	Version string // of the program
}

// openWith is Open with options.
func (e *Env) openWith(ctx context.Context, o database.Options) (*database.DB, error) {
	db, err := e.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := database.RequireHead(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
