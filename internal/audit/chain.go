package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Hash is a SHA-256 of the chain.
type Hash [sha256.Size]byte

// String is the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero tells whether the hash is not set.
func (h Hash) IsZero() bool { return h == Hash{} }

// Scan implements sql.Scanner. NULL is the zero Hash, and so is what is none: that no event has it
// shows in the chain.
func (h *Hash) Scan(src any) error {
	*h = Hash{}
	if b, ok := src.([]byte); ok && len(b) == len(h) {
		copy(h[:], b)
	}
	return nil
}

// encoding is the version of what hashes are over: "licensegraph-audit-1", which docs/audit.md
// describes. An event that bears another one was written by a newer program, or tampered with.
const encoding = 1

// Head is where a tenant's chain ends.
type Head struct {
	Sequence  int64 // of the last event; 0 before the first
	Unchained int64 // of the last event without a hash, from before there was a chain
	Last      Hash  // of the last event; zero where none has a hash yet
}

// HeadColumns bring the head of the chain of a tenant t into a statement; Dest are where they go.
const HeadColumns = `t.audit_sequence, t.audit_unchained, t.audit_hash`

// Dest are the destinations of HeadColumns.
func (h *Head) Dest() []any { return []any{&h.Sequence, &h.Unchained, &h.Last} }

// tip is the hash that the next event's is over.
func (h *Head) tip(tenant uuid.UUID) Hash {
	if h.Last.IsZero() {
		return genesis(tenant, h.Unchained)
	}
	return h.Last
}

// genesis is what the first hash of a tenant is over: so the number of events that have none is
// protected as well.
func genesis(tenant uuid.UUID, unchained int64) Hash {
	return sum("licensegraph-audit-genesis-1", Hash{}, value{text: id.Format(id.Tenant, tenant)}, number(unchained))
}

// record is an event as its row has it.
type record struct {
	Tenant     uuid.UUID
	ID         uuid.UUID
	Sequence   int64
	OccurredAt clock.Instant
	ActorKind  string
	Actor      string
	RequestID  *string
	Action     string
	Summary    string
	Subjects   string // JSON, as are Fields and Products
	Fields     string
	Products   string
	CauseID    *uuid.UUID
	Encoding   int64
	Hash       Hash
}

// recordColumns are those of a record, but for the tenant; they go to record.dest.
const recordColumns = `e.id, e.sequence, e.occurred_at, e.actor_kind, e.actor, e.request_id, e.action, e.summary,
	e.subjects, e.fields, e.products, e.cause_id, e.encoding, e.hash`

func (r *record) dest() []any {
	return []any{
		&r.ID, &r.Sequence, &r.OccurredAt, &r.ActorKind, &r.Actor, &r.RequestID, &r.Action, &r.Summary,
		&r.Subjects, &r.Fields, &r.Products, &r.CauseID, &r.Encoding, &r.Hash,
	}
}

// hashed is what the hash of the record has to be after one with the hash before.
func (r *record) hashed(before Hash) Hash {
	return sum("licensegraph-audit-1", before, r.values()...)
}

// value is one of the values that a hash is over, as the export shows it.
type value struct {
	name   string
	text   string
	absent bool
}

// values are what the hash of a record is over, in this order. Nothing of the row is left out but
// the version of the encoding, which the first line of what is hashed says, and the hash.
func (r *record) values() []value {
	optional := func(name string, text *string) value {
		if text == nil {
			return value{name: name, absent: true}
		}
		return value{name: name, text: *text}
	}
	var cause *string
	if r.CauseID != nil {
		text := id.Format(id.Audit, *r.CauseID)
		cause = &text
	}
	return []value{
		{name: "tenantId", text: id.Format(id.Tenant, r.Tenant)},
		{name: "id", text: id.Format(id.Audit, r.ID)},
		{name: "sequence", text: strconv.FormatInt(r.Sequence, 10)},
		{name: "occurredAtMicros", text: strconv.FormatInt(int64(r.OccurredAt), 10)},
		{name: "actorKind", text: r.ActorKind},
		{name: "actor", text: r.Actor},
		optional("requestId", r.RequestID),
		{name: "action", text: r.Action},
		{name: "summary", text: r.Summary},
		{name: "subjects", text: r.Subjects},
		{name: "fields", text: r.Fields},
		{name: "products", text: r.Products},
		optional("causeId", cause),
	}
}

// sum is SHA-256 over the domain and the hash before in hex, a line each, and the values, each with
// its length in bytes before it (netstrings), so that no two lists of values read alike.
func sum(domain string, before Hash, values ...value) Hash {
	n := len(domain) + 2*len(before) + 2
	for _, v := range values {
		n += len(v.text) + 8
	}
	b := make([]byte, 0, n)
	b = append(append(b, domain...), '\n')
	b = append(hex.AppendEncode(b, before[:]), '\n')
	for _, v := range values {
		if v.absent {
			b = append(b, "-,"...)
			continue
		}
		b = append(strconv.AppendInt(b, int64(len(v.text)), 10), ':')
		b = append(append(b, v.text...), ',')
	}
	return sha256.Sum256(b)
}

// number is a value that is a number.
func number(n int64) value { return value{text: strconv.FormatInt(n, 10)} }

// Sealed is an event that has its number and hash, and is to be written by Insert.
type Sealed struct {
	row      record
	mentions []string
}

// Sequence is the event's number.
func (s *Sealed) Sequence() int64 { return s.row.Sequence }

// Hash is the event's hash, the tenant's new head.
func (s *Sealed) Hash() Hash { return s.row.Hash }

// Seal makes an event the next one of a tenant's chain: it gives it its number and hash. The
// caller holds the tenant's lock, under which it has read the head, and writes the event's number
// and hash into the tenant's row, and the event by Insert.
func Seal(tenant uuid.UUID, head Head, e *Event) (*Sealed, error) {
	e.Sequence = head.Sequence + 1
	var texts [3]string
	for i, v := range []any{orEmpty(e.Subjects), orEmpty(e.Fields), orEmpty(e.Products)} {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("write the audit event: %w", err)
		}
		texts[i] = string(b)
	}
	s := &Sealed{mentions: e.mentions(), row: record{
		Tenant: tenant, ID: e.ID, Sequence: e.Sequence, OccurredAt: e.OccurredAt,
		ActorKind: string(e.Actor.Kind), Actor: e.Actor.Name, Action: string(e.Action), Summary: e.Summary,
		Subjects: texts[0], Fields: texts[1], Products: texts[2], CauseID: e.CauseID, Encoding: encoding,
	}}
	if e.Actor.RequestID != "" {
		s.row.RequestID = &e.Actor.RequestID
	}
	s.row.Hash = s.row.hashed(head.tip(tenant))
	e.Hash = s.row.Hash
	return s, nil
}

// Insert writes a sealed event and what it names, with one statement for either.
func (s *Sealed) Insert(ctx context.Context, tx *database.Tx) error {
	r := &s.row
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_events (id, tenant_id, sequence, occurred_at, actor_kind, actor, request_id, action, summary,
		subjects, fields, products, cause_id, encoding, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		r.ID, r.Tenant, r.Sequence, r.OccurredAt, r.ActorKind, r.Actor, r.RequestID, r.Action, r.Summary,
		r.Subjects, r.Fields, r.Products, r.CauseID, r.Encoding, r.Hash[:])
	if err != nil {
		return fmt.Errorf("write the audit event: %w", err)
	}
	return insertMentions(ctx, tx, r.Tenant, r.Sequence, s.mentions)
}
