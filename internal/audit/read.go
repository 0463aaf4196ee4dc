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
func (l *Log) ByIDs(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) (_ []*Event, err error) {
	d := l.db.Dialect()
	rows, err := l.db.Reader().QueryContext(ctx, `SELECT `+columns+` FROM audit_events e WHERE e.tenant_id = $1 AND `+d.In("e.id", 2),
		tenant, d.UUIDArray(ids))
	if err != nil {
		return nil, fmt.Errorf("read audit events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found := make(map[uuid.UUID]*Event, len(ids))
	for rows.Next() {
		e, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read audit events: %w", err)
		}
		found[e.ID] = e
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read audit events: %w", err)
	}
	events := make([]*Event, len(ids))
	for i, key := range ids {
		events[i] = found[key]
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
