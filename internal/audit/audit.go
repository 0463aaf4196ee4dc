// Package audit records every change: who, when, by which request, what it was and what
// followed (R28). Events are numbered 1, 2, 3 … per tenant without a gap, because the number
// is taken from the tenant's row, in the transaction of the change, under its lock. Each bears a
// hash over the one before and itself, and the tenant's row that of the last: what is changed or
// taken out afterwards shows (Verify).
package audit

import (
	"context"
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
	AssignmentStart    Action = "assignment.start"    // by the clock
	AssignmentEnd      Action = "assignment.end"      // by the clock
	CatalogImport      Action = "catalog.import"
	PreviewApply       Action = "preview.apply"   // several changes that were previewed together
	OperationBegin     Action = "operation.begin" // a change that runs apart from its request
	OperationEnd       Action = "operation.end"
	AuditPrune         Action = "audit.prune" // events were removed, after the tenant's retention
)

// Actions are all of them, in the order of docs/audit.md.
var Actions = []Action{
	TenantCreate, TenantUpdate, TokenCreate, UserCreate, UserUpdate, UserDelete, UserRestore, GroupCreate, GroupUpdate, GroupDelete,
	GroupMembersChange, LicensesAssign, UserRemove, SubscriptionCreate, SubscriptionUpdate, SubscriptionStatus, SubscriptionCancel,
	CatalogImport, OperationBegin, OperationEnd, AuditPrune,
}

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

type (
	actorKey struct{}
	causeKey struct{}
)

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

// WithCause says which event brings about the changes made with a context.
func WithCause(ctx context.Context, event uuid.UUID) context.Context {
	return context.WithValue(ctx, causeKey{}, event)
}

// CauseFrom tells which event brings about the changes made with a context; nil where none does.
func CauseFrom(ctx context.Context) *uuid.UUID {
	if event, ok := ctx.Value(causeKey{}).(uuid.UUID); ok {
		return &event
	}
	return nil
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
	Hash       Hash // of the chain; zero for one from before there was a chain
}

// NodeID is the event's TypeID.
func (e *Event) NodeID() string { return id.Format(id.Audit, e.ID) }

// Subject is something that the change was made to.
type Subject struct {
	ID        string `json:"id"` // TypeID
	Name      string `json:"name"`
	ProductID string `json:"productId,omitempty"` // TypeID of the product of a subscription
}

// FieldChange is a fact before and after; nil is not set.
type FieldChange struct {
	Field     string  `json:"field"`
	Before    *string `json:"before"`
	After     *string `json:"after"`
	ProductID string  `json:"productId,omitempty"` // TypeID of the product of an assignment
}

// ProductImpact counts what the change did to the users of one product.
type ProductImpact struct {
	ProductID    string `json:"productId"` // TypeID
	ProductName  string `json:"productName"`
	UsersGaining int    `json:"usersGaining"`
	UsersLosing  int    `json:"usersLosing"`
	UsersInError int    `json:"usersInError"`
}

// Append writes an event under the tenant's lock, as the next one of its chain.
func Append(ctx context.Context, tx *database.Tx, tenant uuid.UUID, e *Event) error {
	var head Head
	err := tx.QueryRowContext(ctx, `SELECT `+HeadColumns+` FROM tenants t WHERE t.id = $1`+tx.Dialect().ForUpdate(), tenant).Scan(head.Dest()...)
	if err != nil {
		return fmt.Errorf("read the end of the audit log: %w", err)
	}
	sealed, err := Seal(tenant, head, e)
	if err != nil {
		return err
	}
	const next = `UPDATE tenants SET audit_sequence = $2, audit_hash = $3 WHERE id = $1`
	hash := sealed.Hash()
	if _, err := tx.ExecContext(ctx, next, tenant, sealed.Sequence(), hash[:]); err != nil {
		return fmt.Errorf("number the audit event: %w", err)
	}
	return sealed.Insert(ctx, tx)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
