package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// Filter says which events are wanted: those for which all of it holds. The zero value wants all.
type Filter struct {
	Actor     *string // the name of a token or command, as the event has it
	ActorKind *ActorKind
	Named     []string       // TypeIDs, all of which the event named
	Actions   []Action       // any of them; nil for all, empty for none
	Since     *clock.Instant // at or after it
	Until     *clock.Instant // before it
}

// None tells whether no event can be found.
func (f *Filter) None() bool { return f.Actions != nil && len(f.Actions) == 0 }

func (f *Filter) all() bool {
	return f.Actor == nil && f.ActorKind == nil && len(f.Named) == 0 && f.Actions == nil && f.Since == nil && f.Until == nil
}

// ErrUnknownAction is returned for an action that is not in the list.
var ErrUnknownAction = errors.New("audit: unknown action")

// ParseAction reads an action.
//
// Errors: ErrUnknownAction.
func ParseAction(text string) (Action, error) {
	if a := Action(text); slices.Contains(Actions, a) {
		return a, nil
	}
	return "", ErrUnknownAction
}

// query is the list of events that a filter finds, and how they are counted without being read.
type query struct {
	from     string
	sequence string // the column of the number, in the index that the list is read from
	where    *paging.Where
	counted  string // what is counted: from, or less where that tells as much
}

// query reads from where the fewest are: what named something from audit_mentions, whose index has
// the numbers in order, everything else from audit_events. For a page events of several actions are
// read apart, each from the index of its own, and merged: neither database finds by itself that rare
// ones lie far from the end.
func (l *Log) query(tenant uuid.UUID, f *Filter, apart bool) query {
	w := &paging.Where{}
	q := query{from: "audit_events e", sequence: "e.sequence", where: w}
	own := w.Arg(tenant)
	if len(f.Named) > 0 {
		q.from = "audit_mentions m JOIN audit_events e ON e.tenant_id = m.tenant_id AND e.sequence = m.sequence"
		q.sequence, q.counted = "m.sequence", "audit_mentions m"
		w.And("m.tenant_id = " + own)
		w.And("m.node = " + w.Arg(f.Named[0]))
		for _, other := range f.Named[1:] { // looked up one by one: PostgreSQL would read all that EXISTS speaks of
			w.And("(SELECT o.sequence FROM audit_mentions o WHERE o.tenant_id = " + own + " AND o.node = " + w.Arg(other) + " AND o.sequence = m.sequence) IS NOT NULL")
		}
	} else {
		w.And("e.tenant_id = " + own)
	}
	if f.Actor != nil || f.ActorKind != nil || f.Actions != nil || q.counted == "" {
		q.counted = q.from
	}
	if f.Actor != nil {
		w.And("e.actor = " + w.Arg(*f.Actor))
	}
	if f.ActorKind != nil {
		w.And("e.actor_kind = " + w.Arg(string(*f.ActorKind)))
		if *f.ActorKind != ActorToken {
			w.And("e.actor_kind <> 'TOKEN'") // the condition of the index, which SQLite wants to read
		}
	}
	names := make([]string, len(f.Actions))
	for i, a := range f.Actions {
		names[i] = string(a)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 1:
		w.And("e.action = " + w.Arg(names[0]))
	case len(names) > 1 && apart && len(f.Named) == 0:
		parts := make([]string, len(names))
		for i, name := range names {
			parts[i] = "SELECT a.* FROM audit_events a WHERE a.tenant_id = " + own + " AND a.action = " + w.Arg(name)
		}
		q.from = "(" + strings.Join(parts, " UNION ALL ") + ") e"
		q.counted = q.from
	case f.Actions != nil:
		w.And(l.db.Dialect().InText("e.action", w.Args(l.db.Dialect().TextArray(names))))
	}
	// Instants rise with the numbers: a time is a range of numbers.
	if f.Since != nil {
		w.And(q.sequence + " >= (SELECT t.sequence FROM audit_events t WHERE t.tenant_id = " + own + " AND t.occurred_at >= " + w.Arg(*f.Since) +
			" ORDER BY t.occurred_at LIMIT 1)")
	}
	if f.Until != nil {
		w.And(q.sequence + " <= (SELECT t.sequence FROM audit_events t WHERE t.tenant_id = " + own + " AND t.occurred_at < " + w.Arg(*f.Until) +
			" ORDER BY t.occurred_at DESC LIMIT 1)")
	}
	return q
}

// Count returns the number of a tenant's events that a filter finds. All of them are not counted:
// they are numbered without a gap.
func (l *Log) Count(ctx context.Context, tenant uuid.UUID, f Filter) (int, error) {
	if f.None() {
		return 0, nil
	}
	statement, args := `SELECT t.audit_sequence - coalesce((SELECT max(c.sequence) FROM audit_checkpoints c WHERE c.tenant_id = $1), 0)
		FROM tenants t WHERE t.id = $1`, []any{tenant}
	if !f.all() {
		q := l.query(tenant, &f, true)
		statement, args = "SELECT count(*) FROM "+q.counted+q.where.SQL(), q.where.Values()
	}
	var n int64
	if err := orNone(l.db.Reader().QueryRowContext(ctx, statement, args...).Scan(&n)); err != nil {
		return 0, fmt.Errorf("count audit events: %w", err)
	}
	return paging.Count(n), nil
}
