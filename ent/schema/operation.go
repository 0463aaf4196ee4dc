package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Operation is a change that runs by itself, apart from the request that asked for it. Its row
// says SUCCEEDED from the very transaction on that makes the change.
type Operation struct{ ent.Schema }

// Mixin of Operation.
func (Operation) Mixin() []ent.Mixin { return []ent.Mixin{entity{}} }

// Fields of Operation.
func (Operation) Fields() []ent.Field {
	return []ent.Field{
		field.String("kind"),
		field.Bool("for_groups").Default(false).Comment("it is about licenses of groups: the right to cancel it follows from that"),
		field.Bool("dry_run").Default(false),
		field.String("state"),
		field.String("actor_kind"),
		field.String("actor"),
		field.String("request_id").Optional(),
		field.UUID("runner_id", uuid.UUID{}).Comment("the server process that accepted it and alone runs it"),
		instant("beat_at", "when that process last said that it is alive"),
		field.String("phase").Optional().Nillable(),
		field.Int64("done").Default(0).Comment("of the phase"),
		field.Int64("total").Optional().Nillable().Comment("of the phase, where it is known"),
		instant("created_at"),
		optionalInstant("started_at"),
		optionalInstant("finished_at"),
		field.Bool("changed").Default(false),
		field.UUID("event_id", uuid.UUID{}).Optional().Nillable().Comment("audit event"),
		field.UUID("begin_event_id", uuid.UUID{}).Optional().Nillable().Comment("audit event of its beginning; a dry run has none"),
		field.UUID("end_event_id", uuid.UUID{}).Optional().Nillable().Comment("audit event of its end"),
		field.String("cancelled_by").Optional().Nillable().Comment("name of the token that cancelled it"),
		field.Text("impact").Optional().Nillable().Comment("JSON"),
		field.Text("errors").Default("[]").Comment("JSON"),
		field.Int64("results").Default(0).Comment("how many rows of operation_results it has"),
	}
}

// Indexes of Operation.
func (Operation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "created_at", "id"),
		index.Fields("runner_id").StorageKey("operations_unfinished").Annotations(entsql.IndexWhere("finished_at IS NULL")),
		index.Fields("finished_at").StorageKey("operations_finished").Annotations(entsql.IndexWhere("finished_at IS NOT NULL")),
		index.Fields("finished_at", "id").StorageKey("operations_unreported").
			Annotations(entsql.IndexWhere("begin_event_id IS NOT NULL AND end_event_id IS NULL")),
	}
}

// Annotations of Operation.
func (Operation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "operations"}}
}

// OperationResult is what an operation did to one principal or member of its input.
type OperationResult struct{ ent.Schema }

// Mixin of OperationResult.
func (OperationResult) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of OperationResult.
func (OperationResult) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("operation_id", uuid.UUID{}),
		field.Int64("position").Comment("0, 1, 2 … in the order of the input"),
		field.UUID("group_id", uuid.UUID{}).Optional().Nillable().Comment("of a change of members"),
		field.String("principal").Comment("as the input gave it"),
		field.Bool("changed"),
		field.Text("errors").Comment("JSON"),
	}
}

// Indexes of OperationResult.
func (OperationResult) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "operation_id", "position").Unique()}
}

// Annotations of OperationResult.
func (OperationResult) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "operation_results"}}
}
