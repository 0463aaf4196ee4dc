package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// newestFirst is the order in which events are listed: an auditor begins with what happened
// last. The number alone tells a tenant's events apart.
var newestFirst = paging.Order{
	Name: "auditEvents", Columns: []paging.Column{{Expr: "e.sequence", Type: paging.Int}}, Descending: true,
}

const columns = `e.id, e.sequence, e.occurred_at, e.actor_kind, e.actor, coalesce(e.request_id, ''), e.action, e.summary,
	e.subjects, e.fields, e.products, e.cause_id`

// Log reads the audit events of tenants.
type Log struct{ db *database.DB }

// NewLog returns the log kept in a database.
func NewLog(db *database.DB) *Log { return &Log{db: db} }

// Page returns a page of a tenant's events, newest first.
//
// Errors: BAD_USER_INPUT with the path of the paging argument; those of the database.
func (l *Log) Page(ctx context.Context, tenant uuid.UUID, args paging.Args) (paging.Page[*Event], error) {
	w := &paging.Where{}
	w.And("e.tenant_id = " + w.Arg(tenant))
	list := paging.Keyset[*Event]{Order: newestFirst, Select: columns, From: "audit_events e", Where: w, Scan: scan}
	return list.Page(ctx, l.db.Reader(), args)
}

// Count returns the number of a tenant's events. They are numbered without a gap, so it is
// the last one's number.
func (l *Log) Count(ctx context.Context, tenant uuid.UUID) (int, error) {
	var n int64
	const last = `SELECT audit_sequence FROM tenants WHERE id = $1`
	if err := l.db.Reader().QueryRowContext(ctx, last, tenant).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("count audit events: %w", err)
	}
	return paging.Count(n), nil
}

// ByIDs returns the events with the given ids, in their order; nil where the tenant has no
// such event. It takes one statement.
func (l *Log) ByIDs(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) ([]*Event, error) {
	d := l.db.Dialect()
	return find(ctx, l, ids, func(e *Event) uuid.UUID { return e.ID }, d.In("e.id", 2), tenant, d.UUIDArray(ids))
}

// ByInstants returns the events of the changes that were made at some instants, in their order; nil where
// there is none. It takes one statement.
func (l *Log) ByInstants(ctx context.Context, tenant uuid.UUID, instants []clock.Instant) ([]*Event, error) {
	d := l.db.Dialect()
	return find(ctx, l, instants, func(e *Event) clock.Instant { return e.OccurredAt },
		"e.occurred_at IN (SELECT v.at FROM "+d.Unnest("v", 2, database.Column{Name: "at", Type: database.BigInt})+")",
		append([]any{tenant}, d.UnnestArgs(instants)...)...)
}

// find returns the events of keys, in their order.
func find[K comparable](ctx context.Context, l *Log, keys []K, key func(*Event) K, condition string, args ...any) ([]*Event, error) {
	found := make(map[K]*Event, len(keys))
	err := database.Each(ctx, l.db.Reader(), func(row func(...any) error) error {
		e, err := scan(row)
		if err == nil {
			found[key(e)] = e
		}
		return err
	}, `SELECT `+columns+` FROM audit_events e WHERE e.tenant_id = $1 AND `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("read audit events: %w", err)
	}
	events := make([]*Event, len(keys))
	for i, k := range keys {
		events[i] = found[k]
	}
	return events, nil
}

func scan(scan func(...any) error) (*Event, error) {
	var e Event
	var occurred int64
	var kind, action string
	var subjects, fields, products []byte
	err := scan(&e.ID, &e.Sequence, &occurred, &kind, &e.Actor.Name, &e.Actor.RequestID, &action, &e.Summary,
		&subjects, &fields, &products, &e.CauseID)
	if err != nil {
		return nil, err
	}
	e.OccurredAt, e.Actor.Kind, e.Action = clock.Instant(occurred), ActorKind(kind), Action(action)
	for _, part := range []struct {
		text []byte
		into any
	}{{subjects, &e.Subjects}, {fields, &e.Fields}, {products, &e.Products}} {
		if err := json.Unmarshal(part.text, part.into); err != nil {
			return nil, fmt.Errorf("audit event %d: %w", e.Sequence, err)
		}
	}
	return &e, nil
}
