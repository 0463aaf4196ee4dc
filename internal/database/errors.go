package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/licensegraph/licensegraph/internal/fault"
)

// temporary tells whether the same transaction may succeed when run again: the database gave
// up on it, or the connection was lost before the commit.
func temporary(err error) bool {
	if fault.CodeOf(err) == fault.OutcomeUnknown {
		return false
	}
	return contention(err) || Unreachable(err)
}

// contention: another transaction stood in the way.
func contention(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		primary := e.Code() & 0xff
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
	}
	return pq.As(err, pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected, pqerror.LockNotAvailable) != nil
}

// Unreachable tells whether an error means that there is no connection to the database, or that
// it broke. A read that failed so may be tried again.
func Unreachable(err error) bool {
	if e := pq.As(err); e != nil {
		return e.Fatal() || e.Code.Class() == "08" || e.Code == pqerror.TooManyConnections
	}
	_, network := errors.AsType[net.Error](err)
	return network && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) // pq says so of an early end, too
}

// committed classifies the answer to a commit.
func committed(err error) error {
	if err != nil && Unreachable(err) {
		return fault.Wrap(err, fault.OutcomeUnknown, "The connection to the database was lost during the commit; the change may have been made or not.").
			Fix("Read the present state before trying again.")
	}
	return err
}

// settled turns the failure of a transaction whose context has ended into UNAVAILABLE, unless
// fn refused with a code of its own.
func settled(ctx context.Context, err error) error {
	if ctx.Err() == nil || fault.CodeOf(err) != fault.Internal {
		return err
	}
	cause := errors.Join(ctx.Err(), err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Wrap(cause, fault.Unavailable, "The request took too long; nothing was changed.").
			Fix("Try again; a large change can run apart from the request, with runAsOperation: true.")
	}
	return fault.Wrap(cause, fault.Unavailable, "The request was cancelled; nothing was changed.").Fix("Try again.")
}
