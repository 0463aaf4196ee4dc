// Package database opens the store (SQLite or PostgreSQL), migrates it, and runs the
// transactions in which facts change. Everything above it works on both databases with one
// text of SQL; where their dialects differ, Dialect's methods write the difference.
package database

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"time"

	"github.com/rs/zerolog"

	"github.com/licensegraph/licensegraph/ent"
)

// Dialect is one of the two databases.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DefaultMaxConns is the number of connections to PostgreSQL where Options do not say.
const DefaultMaxConns = 20

// Options of Open. The zero value is useful.
type Options struct {
	// MaxConns bounds the connections to PostgreSQL; DefaultMaxConns where it is 0. Half of
	// them, but at least one, serve transactions that write; the rest serve reads, so that a
	// read never waits for writers that queue for a tenant's lock. One of those for reading, where
	// there are several, is for what is noted beside (Aside). SQLite ignores it.
	MaxConns int
	// Log gets a line for each transaction that is run again.
	Log zerolog.Logger
	// Observe is called with each statement before it runs, those of ent and those within
	// transactions included, BEGIN and COMMIT not. It must be safe for concurrent use.
	// Tests count statements with it.
	Observe func(query string)
}

// DB is an open database: a pool for reading and one for writing.
type DB struct {
	dialect Dialect
	url     string
	opts    Options
	read    *sql.DB
	write   *sql.DB
	aside   *sql.DB // PostgreSQL only
	reader  Querier
	writes  *prepared // of write
	ent     *ent.Client
}

// Open opens the database at a URL, sqlite:PATH or postgres://…, and checks that it answers.
// It does not migrate: see RequireHead and Migrate.
//
// The error of a wrong URL names both forms. No error holds a password.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	if opts.MaxConns <= 0 {
		opts.MaxConns = DefaultMaxConns
	}
	target, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: target.dialect, url: url, opts: opts}
	if db.write, err = target.open(ctx, forWriting); err != nil {
		return nil, err
	}
	if db.read, err = target.open(ctx, forReading); err != nil {
		return nil, errors.Join(err, db.write.Close())
	}
	if db.dialect == Postgres {
		if db.aside, err = target.postgresPool(forWriting); err != nil {
			return nil, errors.Join(err, db.write.Close(), db.read.Close())
		}
	}
	db.size()
	db.writes = newPrepared(db.write)
	db.reader = observed(newPrepared(db.read), opts.Observe)
	db.ent = entClient(db.dialect, db.reader)
	return db, nil
}

// size bounds the pools. SQLite has one writer: with more, they would fail with SQLITE_BUSY
// instead of queueing.
func (db *DB) size() {
	writers, readers := 1, max(4, 2*runtime.GOMAXPROCS(0))
	if db.dialect == Postgres {
		writers = max(1, db.opts.MaxConns/2)
		readers = max(1, db.opts.MaxConns-writers-1)
		db.aside.SetMaxOpenConns(1)
		db.aside.SetConnMaxIdleTime(time.Minute)
	}
	db.write.SetMaxOpenConns(writers)
	db.write.SetMaxIdleConns(writers)
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
}

// Dialect tells which database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// Reader runs plain reads, each on the state committed before it. It never waits for a
// writer, and it cannot write.
func (db *DB) Reader() Querier { return db.reader }

// Ent is the generated client on the reader's connections. It cannot write and opens no
// transaction: see Write.
func (db *DB) Ent() *ent.Client { return db.ent }

// Writers is how many transactions of Write can be open at once.
func (db *DB) Writers() int { return db.write.Stats().MaxOpenConnections }

// Close closes all connections.
func (db *DB) Close() error {
	err := errors.Join(db.read.Close(), db.write.Close())
	if db.aside != nil {
		err = errors.Join(err, db.aside.Close())
	}
	return err
}
