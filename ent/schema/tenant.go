package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// Tenant is one organisation. Its row is the lock under which its facts change.
type Tenant struct{ ent.Schema }

// Fields of Tenant.
func (Tenant) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("name"),
		field.String("name_key").Unique(),
		field.String("country").MaxLen(2).Comment("ISO 3166-1 alpha-2"),
		field.Int("loss_threshold").Default(100).Comment("users that a change may take a product from unasked (R27)"),
		duration("grace_period", 30*24*time.Hour, "from the end of a subscription to its suspension (R16)"),
		duration("suspension_period", 90*24*time.Hour, "from the suspension of a subscription to its lock-out (R16)"),
		duration("deleted_user_retention", 30*24*time.Hour, "from the deletion of a user to the removal for good (R19)"),
		duration("history_retention", 0, "for which the past can be asked for; 0: without end"),
		field.Int64("history_since").GoType(clock.Instant(0)).Default(0).Comment("the first instant that can be asked for"),
		field.Int64("graph_revision").Default(0).Comment("rises with every change of a fact held in the tenant graph"),
		duration("audit_retention", 0, "from an audit event to its removal; 0 keeps it for ever"),
		field.Int64("audit_sequence").Default(0).Comment("number of the last audit event"),
		field.Bytes("audit_hash").Optional().Nillable().Comment("hash of the last audit event; not set before the first one with a hash"),
		field.Int64("audit_unchained").Default(0).Comment("number of the last audit event without a hash"),
		instant("last_instant", "instant of the last change; the next one is later"),
		instant("created_at"),
	}
}

// Annotations of Tenant.
func (Tenant) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "tenants"}}
}

// APIToken is a bearer token. Only the SHA-256 of it is kept.
type APIToken struct{ ent.Schema }

// Mixin of APIToken.
func (APIToken) Mixin() []ent.Mixin { return []ent.Mixin{entity{}} }

// Fields of APIToken.
func (APIToken) Fields() []ent.Field {
	return []ent.Field{
		field.String("name"),
		field.String("role"),
		field.Bytes("hash").Unique().Sensitive(),
		instant("created_at"),
		optionalInstant("expires_at"),
		optionalInstant("revoked_at"),
	}
}

// Annotations of APIToken.
func (APIToken) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "api_tokens"}}
}

// AuditEvent records one change: who, when, what, and what followed. Names are kept as text.
type AuditEvent struct{ ent.Schema }

// Mixin of AuditEvent.
func (AuditEvent) Mixin() []ent.Mixin { return []ent.Mixin{entity{}} }

// Fields of AuditEvent.
func (AuditEvent) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("sequence").Comment("1, 2, 3 … without a gap within the tenant"),
		instant("occurred_at"),
		field.String("actor_kind"),
		field.String("actor"),
		field.String("request_id").Optional(),
		field.String("action"),
		field.String("summary"),
		field.Text("subjects").Comment("JSON"),
		field.Text("fields").Comment("JSON"),
		field.Text("products").Comment("JSON"),
		field.UUID("cause_id", uuid.UUID{}).Optional().Nillable(),
		field.Int64("encoding").Default(0).Comment("what the hash is over; 0: the event has none"),
		field.Bytes("hash").Optional().Nillable().Comment("SHA-256 over the hash before and this event"),
	}
}

// Indexes of AuditEvent.
func (AuditEvent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "sequence").Unique(),
		index.Fields("tenant_id", "occurred_at"),
		index.Fields("tenant_id", "action", "sequence"),
		index.Fields("tenant_id", "actor", "sequence"),
		index.Fields("tenant_id", "actor_kind", "sequence").StorageKey("audit_events_not_by_tokens").Annotations(entsql.IndexWhere("actor_kind <> 'TOKEN'")),
	}
}

// Annotations of AuditEvent.
func (AuditEvent) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "audit_events"}}
}

// AuditMention says that an audit event named something. It can be derived from the event, and is
// what events are found by.
type AuditMention struct{ ent.Schema }

// Mixin of AuditMention.
func (AuditMention) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of AuditMention.
func (AuditMention) Fields() []ent.Field {
	return []ent.Field{
		field.String("node").Comment("TypeID of what was named, as the event has it"),
		field.Int64("sequence").Comment("of the event"),
	}
}

// Indexes of AuditMention.
func (AuditMention) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "node", "sequence").Unique(),
		index.Fields("tenant_id", "sequence"),
	}
}

// Annotations of AuditMention.
func (AuditMention) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "audit_mentions"}}
}

// AuditCheckpoint is what is left of audit events that were removed: where the chain of those
// that are there goes on from.
type AuditCheckpoint struct{ ent.Schema }

// Mixin of AuditCheckpoint.
func (AuditCheckpoint) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of AuditCheckpoint.
func (AuditCheckpoint) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("sequence").Comment("of the last event removed"),
		field.Bytes("hash").Comment("its hash"),
		instant("occurred_at", "when it occurred"),
		field.Int64("events").Comment("how many were removed with it"),
		instant("pruned_at"),
		field.Int64("event_sequence").Comment("of the event that tells of the removal"),
		field.Bytes("seal").Comment("SHA-256 over the seal before and this checkpoint"),
	}
}

// Indexes of AuditCheckpoint.
func (AuditCheckpoint) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "sequence").Unique()}
}

// Annotations of AuditCheckpoint.
func (AuditCheckpoint) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "audit_checkpoints"}}
}
