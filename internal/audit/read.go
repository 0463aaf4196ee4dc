package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/paging"
)

// newestFirst is the order in which events are listed: an auditor begins with what happened
// last. The number alone tells a tenant's events apart. column is where the number is read.
func newestFirst(column string) paging.Order {
	return paging.Order{Name: "auditEvents", Columns: []paging.Column{{Expr: column, Type: paging.Int}}, Descending: true}
}

const columns = `e.id, e.sequence, e.occurred_at, e.actor_kind, e.actor, coalesce(e.request_id, ''), e.action, e.summary,
	e.subjects, e.fields, e.products, e.cause_id, e.hash`

// Log reads the audit events of tenants.
type Log struct{ db *database.DB }

// NewLog returns the log kept in a database.
func NewLog(db *database.DB) *Log { return &Log{db: db} }

// Page returns a page of those of a tenant's events that a filter finds, newest first.
//
// Errors: BAD_USER_INPUT with the path of the paging argument; those of the database.
func (l *Log) Page(ctx context.Context, tenant uuid.UUID, f Filter, args paging.Args) (paging.Page[*Event], error) {
	q := l.query(tenant, &f, true)
	list := paging.Keyset[*Event]{Order: newestFirst(q.sequence), Select: columns, From: q.from, Where: q.where, Scan: scan}
	return list.Page(ctx, l.db.Reader(), args)
}

// orNone takes it for nothing wrong that there is no row.
func orNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
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

// LastOf returns the id of the last event of a tenant that did one of some actions to what has the
// TypeID, and that changed a field for which is holds; nil where there is none, or none any more.
func LastOf(ctx context.Context, tx *database.Tx, tenant uuid.UUID, node string, is func(FieldChange) bool, actions ...Action) (*uuid.UUID, error) {
	names := make([]string, len(actions))
	for i, a := range actions {
		names[i] = string(a)
	}
	var found *uuid.UUID
	enough := errors.New("found")
	err := database.Each(ctx, tx, func(scan func(...any) error) error {
		var event uuid.UUID
		var text string
		var fields []FieldChange
		err := scan(&event, &text)
		if err == nil {
			err = json.Unmarshal([]byte(text), &fields)
		}
		if err == nil && slices.ContainsFunc(fields, is) {
			found, err = &event, enough
		}
		return err
	}, `SELECT e.id, e.fields FROM audit_mentions m JOIN audit_events e ON e.tenant_id = m.tenant_id AND e.sequence = m.sequence
		WHERE m.tenant_id = $1 AND m.node = $2 AND `+tx.Dialect().InText("e.action", 3)+` ORDER BY m.sequence DESC`,
		tenant, node, tx.Dialect().TextArray(names))
	if err != nil && !errors.Is(err, enough) {
		return nil, fmt.Errorf("look for the event before: %w", err)
	}
	return found, nil
}

// Named holds for the field of a name of what has the TypeID, in the event of one change and in that of
// several (FieldOf).
func Named(field, node string) func(FieldChange) bool {
	return func(f FieldChange) bool { return f.Field == field || f.Field == FieldOf(field, node) }
}

// FieldOf is what a field is called where the event is about several changes: it says whose it is.
func FieldOf(field, node string) string { return field + " of " + node }

func scan(scan func(...any) error) (*Event, error) {
	var e Event
	var occurred int64
	var kind, action string
	var subjects, fields, products string
	err := scan(&e.ID, &e.Sequence, &occurred, &kind, &e.Actor.Name, &e.Actor.RequestID, &action, &e.Summary,
		&subjects, &fields, &products, &e.CauseID, &e.Hash)
	if err != nil {
		return nil, err
	}
	e.OccurredAt, e.Actor.Kind, e.Action = clock.Instant(occurred), ActorKind(kind), Action(action)
	if err := e.unmarshal(subjects, fields, products); err != nil {
		return nil, fmt.Errorf("audit event %d: %w", e.Sequence, err)
	}
	return &e, nil
}
