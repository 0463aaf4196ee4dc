package database

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/licensegraph/licensegraph/ent"
	"github.com/licensegraph/licensegraph/internal/fault"
)

// ErrRollback is returned by the function given to Write or Snapshot, wrapped or plain, to
// roll back without this being an error: Write then returns nil. Dry runs end with it.
var ErrRollback = errors.New("roll back")

// Tx is an open transaction. It ends with the function it was given to.
type Tx struct {
	Querier
	dialect  Dialect
	ent      *ent.Client
	prepared *preparedTx // nil in a Snapshot
}

// Dialect tells which database this is.
func (tx *Tx) Dialect() Dialect { return tx.dialect }

// Planned runs fn with every statement planned for its parameters, and for the settings in force,
// instead of by a plan that is kept: for statements over very many rows.
func (tx *Tx) Planned(fn func() error) error {
	if tx.prepared == nil || tx.prepared.planned {
		return fn()
	}
	tx.prepared.planned = true
	defer func() { tx.prepared.planned = false }()
	return fn()
}

// Ent is the generated client within the transaction.
func (tx *Tx) Ent() *ent.Client { return tx.ent }

const (
	attempts     = 8
	firstBackoff = 5 * time.Millisecond
	maxBackoff   = 400 * time.Millisecond
	patience     = 10 * time.Second // after it no further attempt begins
)

type withinWrite struct{}

// Write runs fn in a transaction that can write, and commits it. On SQLite writers take turns;
// on PostgreSQL the transaction is READ COMMITTED and fn locks the rows it relies on.
//
// fn may be run again, from the start and in a new transaction, where the database gave up on
// it (serialization failure, deadlock, busy, lost connection): it must have no effect outside
// the transaction that a repetition would double. fn must use the context it is given, and
// must not call Write.
//
// Errors: what fn returns, unchanged, with nothing written; UNAVAILABLE where every attempt
// failed or the context ended, with nothing written; OUTCOME_UNKNOWN where the connection was
// lost during the commit.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if ctx.Value(withinWrite{}) == db {
		return errors.New("database: Write within Write")
	}
	inner := context.WithValue(ctx, withinWrite{}, db)
	return db.retry(ctx, func() error { return db.once(inner, db.write, nil, db.writes, fn) })
}

// Aside is Write for a few words about what transactions of Write are doing, which must not wait
// until those end: on PostgreSQL it has a connection of its own. On SQLite, which has one writer,
// it is Write.
//
// Errors: as Write.
func (db *DB) Aside(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if db.aside == nil {
		return db.Write(ctx, fn)
	}
	return db.retry(ctx, func() error { return db.once(ctx, db.aside, nil, nil, fn) })
}

// Snapshot runs fn in a read-only transaction that sees one committed state throughout. It
// never waits for a writer. fn may be run again, as with Write.
//
// Errors: what fn returns, unchanged; UNAVAILABLE as with Write.
func (db *DB) Snapshot(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if db.dialect == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	return db.retry(ctx, func() error { return db.once(ctx, db.read, opts, nil, fn) })
}

// retry runs attempt until it succeeds or fails for good.
func (db *DB) retry(ctx context.Context, attempt func() error) error {
	patient, end := context.WithTimeout(ctx, patience)
	defer end()
	backoff := firstBackoff
	for n := 1; ; n++ {
		err := attempt()
		switch {
		case err == nil || errors.Is(err, ErrRollback):
			return nil
		case !temporary(err):
			return settled(ctx, err)
		case n == attempts || patient.Err() != nil && ctx.Err() == nil:
			return fault.Wrap(err, fault.Unavailable, "The database is busy or unreachable; nothing was changed.").Fix("Try again.")
		}
		db.opts.Log.Warn().Err(err).Int("attempt", n).Msg("transaction is run again")
		wait := time.NewTimer(backoff/2 + rand.N(backoff/2))
		select {
		case <-ctx.Done():
			wait.Stop()
			return settled(ctx, ctx.Err())
		case <-wait.C:
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// once runs fn in one transaction, with the statements that are kept for its pool.
//
// The transaction has a context of its own, which ends with ctx until the commit begins: a
// caller that goes away during the commit must not turn its outcome into an unknown one.
func (db *DB) once(ctx context.Context, pool *sql.DB, opts *sql.TxOptions, kept *prepared, fn func(ctx context.Context, tx *Tx) error) error {
	own, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	release := context.AfterFunc(ctx, end)
	defer release()

	if kept != nil {
		kept.prepareDue(ctx)
	}
	stx, err := pool.BeginTx(own, opts)
	if err != nil {
		return err
	}
	defer func() { _ = stx.Rollback() }() // harmless after a commit; runs when fn panics, too
	tx := &Tx{dialect: db.dialect}
	var q Querier = stx
	if kept != nil {
		tx.prepared = &preparedTx{Tx: stx, of: kept}
		q = tx.prepared
	}
	tx.Querier = observed(q, db.opts.Observe)
	tx.ent = entClient(db.dialect, tx.Querier)
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if !release() {
		return ctx.Err()
	}
	return committed(stx.Commit())
}
