// Package audit records every change: who, when, by which request, what it was and what
// followed (R28). Events are numbered 1, 2, 3 … per tenant without a gap, because the number
// is taken from the tenant's row, in the transaction of the change, under its lock.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
	"github.com/licensegraph/licensegraph/internal/database"
	"github.com/licensegraph/licensegraph/internal/id"
)

// Action is what a change was; the list is closed and documented in docs/audit.md.
type Action string

// The actions.
const (
	TenantCreate       Action = "tenant.create"
	TenantUpdate       Action = "tenant.update"
	TokenCreate        Action = "token.create"
	UserCreate         Action = "user.create"
	UserUpdate         Action = "user.update"
	UserDelete         Action = "user.delete"
	UserRestore        Action = "user.restore"
	UserRemove         Action = "user.remove" // for good, after the tenant's retention
	GroupCreate        Action = "group.create"
	GroupUpdate        Action = "group.update"
	GroupDelete        Action = "group.delete"
	GroupMembersChange Action = "group.members.change"
	LicensesAssign     Action = "licenses.assign"
	SubscriptionCreate Action = "subscription.create"
	SubscriptionUpdate Action = "subscription.update"
	SubscriptionCancel Action = "subscription.cancel"
	SubscriptionStatus Action = "subscription.status" // a due transition
	CatalogImport      Action = "catalog.import"
	PreviewApply       Action = "preview.apply" // several changes that were previewed together
)

// ActorKind is what kind of actor made a change.
type ActorKind string

// The kinds of actors.
const (
	ActorToken   ActorKind = "TOKEN"
	ActorSystem  ActorKind = "SYSTEM"
	ActorCommand ActorKind = "COMMAND"
)

// Actor is who makes a change.
type Actor struct {
	Kind      ActorKind
	Name      string
	RequestID string
}

type actorKey struct{}

// WithActor says who acts in a context.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom tells who acts; where nothing was said, the system itself does.
func ActorFrom(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: ActorSystem, Name: "licensegraph"}
}

// Event is one audit event. Names are kept as they were.
type Event struct {
	ID         uuid.UUID
	Sequence   int64
	OccurredAt clock.Instant
	Actor      Actor
	Action     Action
	Summary    string
	Subjects   []Subject
	Fields     []FieldChange
	Products   []ProductImpact
	CauseID    *uuid.UUID
}

// NodeID is the event's TypeID.
func (e *Event) NodeID() string { return id.Format(id.Audit, e.ID) }

// Subject is something that the change was made to.
type Subject struct {
	ID   string `json:"id"` // TypeID
	Name string `json:"name"`
}

// FieldChange is a fact before and after; nil is not set.
type FieldChange struct {
	Field  string  `json:"field"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// ProductImpact counts what the change did to the users of one product.
type ProductImpact struct {
	ProductID    string `json:"productId"` // TypeID
	ProductName  string `json:"productName"`
	UsersGaining int    `json:"usersGaining"`
	UsersLosing  int    `json:"usersLosing"`
	UsersInError int    `json:"usersInError"`
}

// Append writes an event under the tenant's lock and gives it the next number.
func Append(ctx context.Context, tx *database.Tx, tenant uuid.UUID, e *Event) error {
	const next = `UPDATE tenants SET audit_sequence = audit_sequence + 1 WHERE id = $1 RETURNING audit_sequence`
	if err := tx.QueryRowContext(ctx, next, tenant).Scan(&e.Sequence); err != nil {
		return fmt.Errorf("number the audit event: %w", err)
	}
	return Insert(ctx, tx, tenant, e)
}

// Insert writes an event that has its number: the tenant's audit_sequence, which the caller has
// raised by one under the tenant's lock.
func Insert(ctx context.Context, tx *database.Tx, tenant uuid.UUID, e *Event) error {
	var texts [3]string
	for i, v := range []any{orEmpty(e.Subjects), orEmpty(e.Fields), orEmpty(e.Products)} {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write the audit event: %w", err)
		}
		texts[i] = string(b)
	}
	create := tx.Ent().AuditEvent.Create().
		SetID(e.ID).SetTenantID(tenant).SetSequence(e.Sequence).SetOccurredAt(e.OccurredAt).
		SetActorKind(string(e.Actor.Kind)).SetActor(e.Actor.Name).SetAction(string(e.Action)).SetSummary(e.Summary).
		SetSubjects(texts[0]).SetFields(texts[1]).SetProducts(texts[2]).SetNillableCauseID(e.CauseID)
	if e.Actor.RequestID != "" {
		create.SetRequestID(e.Actor.RequestID)
	}
	if err := create.Exec(ctx); err != nil {
		return fmt.Errorf("write the audit event: %w", err)
	}
	return nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
