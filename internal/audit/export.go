package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Exported is an event with all that its hash is over, so that whoever reads it can check the
// chain. The texts are what is stored, byte for byte; absent ones are nil.
type Exported struct {
	TenantID         string  `json:"tenantId"` // TypeID, as are ID and CauseID
	ID               string  `json:"id"`
	Sequence         int64   `json:"sequence"`
	OccurredAt       string  `json:"occurredAt"` // RFC 3339; the hash is over OccurredAtMicros
	OccurredAtMicros int64   `json:"occurredAtMicros"`
	ActorKind        string  `json:"actorKind"`
	Actor            string  `json:"actor"`
	RequestID        *string `json:"requestId"`
	Action           string  `json:"action"`
	Summary          string  `json:"summary"`
	Subjects         string  `json:"subjects"` // JSON, as are Fields and Products
	Fields           string  `json:"fields"`
	Products         string  `json:"products"`
	CauseID          *string `json:"causeId"`
	Encoding         int64   `json:"encoding"`     // 0: from before the chain
	PreviousHash     *string `json:"previousHash"` // in hex, as is Hash; both nil from before the chain
	Hash             *string `json:"hash"`
}

// Export calls row for each of a tenant's events that a filter finds, the oldest first, up to the
// last one at the beginning. It reads them in parts, each as of its own instant: what it holds in
// memory does not grow with the log.
//
// Errors: what row returns; those of the database.
func (l *Log) Export(ctx context.Context, tenant uuid.UUID, f Filter, row func(*Exported) error) error {
	var head Head
	err := l.db.Reader().QueryRowContext(ctx, `SELECT `+HeadColumns+` FROM tenants t WHERE t.id = $1`, tenant).Scan(head.Dest()...)
	if err = orNone(err); err != nil {
		return fmt.Errorf("export the audit log: %w", err)
	}
	x := &exporting{log: l, tenant: tenant, head: head}
	for done := f.None(); !done; {
		part, err := x.next(ctx, &f)
		if err != nil {
			return fmt.Errorf("export the audit log: %w", err)
		}
		for _, r := range part {
			e, err := x.exported(ctx, r)
			if err != nil {
				return fmt.Errorf("export the audit log: %w", err)
			}
			if err := row(e); err != nil {
				return err
			}
		}
		done = len(part) == 0
	}
	return nil
}

type exporting struct {
	log    *Log
	tenant uuid.UUID
	head   Head
	last   int64 // number of the last event exported
}

// linked is a record with the hash of the one before, as that one's row has it.
type linked struct {
	record
	before sql.Null[Hash]
}

func (x *exporting) next(ctx context.Context, f *Filter) ([]*linked, error) {
	q := x.log.query(x.tenant, f, false)
	q.where.And(q.sequence + " > " + q.where.Arg(x.last))
	q.where.And(q.sequence + " <= " + q.where.Arg(x.head.Sequence))
	var part []*linked
	err := eachUpTo(ctx, x.log.db.Reader(), func(scan func(...any) error) (int, error) {
		r := &linked{record: record{Tenant: x.tenant}}
		err := scan(append(r.dest(), &r.before)...)
		part = append(part, r)
		return r.size(), err
	}, fmt.Sprintf(`SELECT %s, p.hash FROM %s LEFT JOIN audit_events p ON p.tenant_id = e.tenant_id AND p.sequence = e.sequence - 1%s ORDER BY %s LIMIT %d`,
		recordColumns, q.from, q.where.SQL(), q.sequence, eventsAtOnce), q.where.Values()...)
	if err != nil {
		return nil, err
	}
	if len(part) > 0 {
		x.last = part[len(part)-1].Sequence
	}
	return part, nil
}

func (x *exporting) exported(ctx context.Context, r *linked) (*Exported, error) {
	e := &Exported{
		Sequence: r.Sequence, OccurredAt: r.OccurredAt.String(), OccurredAtMicros: int64(r.OccurredAt), ActorKind: r.ActorKind, Actor: r.Actor,
		RequestID: r.RequestID, Action: r.Action, Summary: r.Summary, Subjects: r.Subjects, Fields: r.Fields, Products: r.Products, Encoding: r.Encoding,
	}
	for _, v := range r.values() {
		switch {
		case v.name == "tenantId":
			e.TenantID = v.text
		case v.name == "id":
			e.ID = v.text
		case v.name == "causeId" && !v.absent:
			e.CauseID = &v.text
		}
	}
	if r.Hash.IsZero() {
		return e, nil
	}
	before, err := x.before(ctx, r)
	if err != nil {
		return nil, err
	}
	was, is := before.String(), r.Hash.String()
	e.PreviousHash, e.Hash = &was, &is
	return e, nil
}

// before is the hash that an event's is over.
func (x *exporting) before(ctx context.Context, r *linked) (Hash, error) {
	if r.before.Valid && !r.before.V.IsZero() {
		return r.before.V, nil
	}
	var hash Hash
	err := x.log.db.Reader().QueryRowContext(ctx, `SELECT hash FROM audit_checkpoints WHERE tenant_id = $1 AND sequence = $2`, x.tenant, r.Sequence-1).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return genesis(x.tenant, x.head.Unchained), nil
	}
	return hash, err
}

// size is about how much memory the record's texts take.
func (r *record) size() int {
	return len(r.Summary) + len(r.Subjects) + len(r.Fields) + len(r.Products)
}
