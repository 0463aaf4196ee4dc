package licensing

import (
	"context"

	"github.com/licensegraph/licensegraph/internal/database"
)

// Phase is how far a change has come.
type Phase string

// The phases of a change, in their order. One that the database gives up on begins again.
const (
	PhaseWaiting Phase = "WAITING" // for other changes of the tenant
	PhaseReading Phase = "READING" // who is concerned, and what they have
	PhaseJudging Phase = "JUDGING" // counted or decided: who gets what
	PhaseStoring Phase = "STORING" // everything is written, and committed
)

// Progress is how far a change has come within its phase.
type Progress struct {
	Phase Phase
	Done  int64 // users, of Total
	Total int64 // 0 where it is not known
}

type progressKey struct{}

// WithProgress has a change made with the context report its progress: at the beginning of each
// phase and between batches of users. report is called by the goroutine that makes the change,
// while it holds the tenant's lock, so it must return at once.
func WithProgress(ctx context.Context, report func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

func progress(ctx context.Context, p Progress) {
	if report, ok := ctx.Value(progressKey{}).(func(Progress)); ok {
		report(p)
	}
}

// Record keeps what a change did, in the change's own transaction: what it writes is committed
// with the change or not at all. An error that it returns undoes the change.
type Record func(ctx context.Context, tx *database.Tx, out *Outcome) error

type recordKey struct{}

// WithRecord has a change made with the context recorded, last before its commit. Nothing is
// recorded of a dry run and of what changes nothing: they have no commit. It may be called again,
// where the transaction is run again.
func WithRecord(ctx context.Context, record Record) context.Context {
	return context.WithValue(ctx, recordKey{}, record)
}

func recordFrom(ctx context.Context) Record {
	if record, ok := ctx.Value(recordKey{}).(Record); ok {
		return record
	}
	return func(context.Context, *database.Tx, *Outcome) error { return nil }
}
