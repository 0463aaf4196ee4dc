package licensing

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/fault"
	"github.com/licensegraph/licensegraph/internal/licensing/tenantgraph"
	"github.com/licensegraph/licensegraph/internal/optional"
)

// MinPriority and MaxPriority bound an assignment's priority; 0 is that of one that says nothing.
const (
	MinPriority = -1000
	MaxPriority = 1000
)

// checkPriority refuses what lies beyond the bounds.
//
// Errors: INVALID_VALUE.
func checkPriority(in optional.Optional[int]) *fault.Error {
	if in.Value == nil || *in.Value >= MinPriority && *in.Value <= MaxPriority {
		return nil
	}
	return fault.New(fault.InvalidValue, "The priority %d is out of range.", *in.Value).
		Fix("Pass one from %d to %d; the higher go first, and 0 is that of an assignment that says nothing.", MinPriority, MaxPriority)
}

// priorityAfter is the priority of an assignment after the call: absent keeps, null clears (R24).
func (w want) priorityAfter(before int) int { return numberAfter(w.priority, before) }

// numberAfter is a number after an input in which null is 0.
func numberAfter(in optional.Optional[int], before int) int {
	if after := in.Or(&before); after != nil {
		return *after
	}
	return 0
}

// rankOf is the copy of a priority in a violation: ascending, as the rest of WaitingOrder.
func rankOf(priority int64) int64 { return -priority }

func priorityOf(rank int64) int64 { return -rank }

// moveInLine moves those who wait through group assignments whose priority changes to their new
// places, before anything is judged: what the change frees goes to who comes first then. It gives
// nobody a seat, since nobody waits where one is free (R13), and takes none, since holders are
// never displaced (R5).
func (d *Draft) moveInLine(ctx context.Context, after map[uuid.UUID]*tenantgraph.Assignment) error {
	var moved []*tenantgraph.Assignment
	for key, a := range after {
		if before := d.Graph.Assignment(key); a != nil && before != nil && a.Priority != before.Priority {
			moved = append(moved, a)
		}
	}
	return setRanks(ctx, d.Tx, d.Tenant, d.Now, moved)
}

// ownPlaces does the same for users' own assignments, once it is known which of them stand (R12).
// Their users are part of the change, so that no line was read for them.
func (w *writer) ownPlaces() error {
	var moved []*tenantgraph.Assignment
	for _, u := range w.d.users {
		for _, dd := range u.direct {
			if dd.before != nil && dd.after != nil && dd.after.Priority != dd.before.Priority {
				moved = append(moved, dd.after)
			}
		}
	}
	return setRanks(w.ctx, w.tx, w.d.Tenant, w.d.Now, moved)
}

// setRanks copies the priorities of assignments to all violations of them, which are kept as they were until now.
func setRanks(ctx context.Context, tx *database.Tx, tenant uuid.UUID, now clock.Instant, of []*tenantgraph.Assignment) error {
	if len(of) == 0 {
		return nil
	}
	ids, ranks := make([]uuid.UUID, len(of)), make([]int64, len(of))
	for i, a := range of {
		ids[i], ranks[i] = a.ID, rankOf(int64(a.Priority))
	}
	q := tx.Dialect()
	// A cross join, so that SQLite, too, looks them up by their assignments (see namedRows).
	rows := q.Unnest("v", 2, fastColumn("a", database.UUID), fastColumn("rank", database.BigInt)) + ` CROSS JOIN license_violations t
		WHERE t.tenant_id = $1 AND t.assignment_id = v.a`
	args := append([]any{tenant}, q.UnnestArgs(ids, ranks)...)
	_, err := tx.ExecContext(ctx, database.KeepFormer("license_violations", rows, len(args)+1), append(slices.Clip(args), now)...)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE license_violations SET rank = moved.rank FROM (SELECT t.id, v.rank FROM `+rows+`) moved
			WHERE license_violations.id = moved.id`, args...)
	}
	if err != nil {
		return fmt.Errorf("move who waits to new places: %w", err)
	}
	return nil
}
