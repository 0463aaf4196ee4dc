package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// Subscription is a purchase of seats of a product.
type Subscription struct{ ent.Schema }

// Mixin of Subscription.
func (Subscription) Mixin() []ent.Mixin { return []ent.Mixin{entity{}} }

// Fields of Subscription.
func (Subscription) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("product_id", uuid.UUID{}),
		field.Int32("seats").Optional().Nillable().Comment("null: unlimited"),
		field.String("status"),
		field.Int64("starts_at").GoType(clock.Instant(0)).Default(0).Comment("while SCHEDULED: when it becomes live"),
		optionalInstant("live_since", "when it became live; null where it never was"),
		optionalInstant("renews_at", "told by whoever bought it; nothing happens then"),
		optionalInstant("ends_at", "when it expires (R16)"),
		instant("created_at"),
		instant("updated_at"),
		optionalInstant("cancelled_at"),
		field.Int("version").Default(1),
	}
}

// Indexes of Subscription.
func (Subscription) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "product_id"),
		index.Fields("product_id"),
		index.Fields("status", "starts_at").StorageKey("subscriptions_beginning").Annotations(entsql.IndexWhere("status = 'SCHEDULED'")),
		index.Fields("status", "ends_at").StorageKey("subscriptions_ending").
			Annotations(entsql.IndexWhere("ends_at IS NOT NULL AND status IN ('ENABLED', 'WARNING', 'SUSPENDED')")),
	}
}

// Annotations of Subscription.
func (Subscription) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "subscriptions"}}
}

// Assignment gives a product to a user or to a group; exactly one of the two is set.
type Assignment struct{ ent.Schema }

// Mixin of Assignment.
func (Assignment) Mixin() []ent.Mixin { return []ent.Mixin{entity{}} }

// Fields of Assignment.
func (Assignment) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("user_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("group_id", uuid.UUID{}).Optional().Nillable(),
		field.UUID("product_id", uuid.UUID{}),
		field.String("mode").Comment("ALL, EXCEPT or ONLY"),
		field.Text("plans").Default("[]").Comment("JSON array of plan ids, sorted; empty for ALL"),
		field.Bool("include_nested").Default(true),
		field.Bool("scheduled").Default(false).Comment("it has not begun: a fact without effect"),
		optionalInstant("starts_at", "when it begins by the clock, or began so"),
		optionalInstant("began_at", "when it took effect, where it was scheduled"),
		optionalInstant("ends_at", "when it ends by the clock"),
		field.Int32("seat_limit").Optional().Nillable().Comment("how many users may have it through the group (R8); null: any number"),
		field.Int32("seat_reserve").Default(0).Comment("seats are kept until so many users have it through the group (R8)"),
		field.Text("excluded_groups").Default("[]").Comment("JSON array of group ids, sorted: their members do not get it (R1)"),
		field.Int("priority").Default(0).Comment("of those who wait, the higher go first (R5)"),
		instant("created_at"),
		instant("updated_at"),
		field.Int("version").Default(1),
	}
}

// Indexes of Assignment.
func (Assignment) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id", "product_id").Unique().Annotations(entsql.IndexWhere("user_id IS NOT NULL")),
		index.Fields("tenant_id", "group_id", "product_id").Unique().Annotations(entsql.IndexWhere("group_id IS NOT NULL")),
		index.Fields("tenant_id", "product_id", "id"),
		index.Fields("starts_at").StorageKey("assignments_beginning").Annotations(entsql.IndexWhere("scheduled")),
		index.Fields("ends_at").StorageKey("assignments_ending").Annotations(entsql.IndexWhere("ends_at IS NOT NULL")),
		index.Fields("tenant_id", "ends_at", "id").StorageKey("assignments_expiring").Annotations(entsql.IndexWhere("ends_at IS NOT NULL")),
	}
}

// Annotations of Assignment.
func (Assignment) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "assignments"}}
}

// LicenseViolation is the stored exception: a source (plan_id null), or one plan of it, that
// was not admitted for a user. The columns copied from the assignment make R5's order an index
// order; of these rank changes with the assignment's priority, the others never.
type LicenseViolation struct{ ent.Schema }

// Mixin of LicenseViolation.
func (LicenseViolation) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of LicenseViolation.
func (LicenseViolation) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("user_id", uuid.UUID{}),
		field.UUID("assignment_id", uuid.UUID{}),
		field.UUID("plan_id", uuid.UUID{}).Optional().Nillable(),
		field.String("code"),
		instant("since"),
		field.UUID("opened_by", uuid.UUID{}).Comment("audit event"),
		field.UUID("product_id", uuid.UUID{}),
		field.UUID("principal_id", uuid.UUID{}),
		field.Bool("inherited"),
		instant("assignment_created_at"),
		field.Int("rank").Default(0).Comment("the negative of the assignment's priority: ascending, as the rest of the order"),
	}
}

// Indexes of LicenseViolation.
func (LicenseViolation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id", "assignment_id").Unique().StorageKey("license_violations_source").
			Annotations(entsql.IndexWhere("plan_id IS NULL")),
		// It is not partial, so that the violations of a user can be looked up by it.
		index.Fields("tenant_id", "user_id", "assignment_id", "plan_id").Unique().StorageKey("license_violations_plan"),
		index.Fields("tenant_id", "product_id", "inherited", "rank", "since", "assignment_created_at", "user_id", "principal_id").
			StorageKey("license_violations_waiting").
			Annotations(entsql.IndexWhere("plan_id IS NULL AND code = 'COUNT_VIOLATION'")),
		index.Fields("tenant_id", "product_id", "user_id", "assignment_id", "plan_id").StorageKey("license_violations_listed"),
		index.Fields("tenant_id", "assignment_id").StorageKey("license_violations_assignment"),
	}
}

// Annotations of LicenseViolation.
func (LicenseViolation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "license_violations"}}
}

// SeatCounter counts the users that hold, wait for, or are in error with a product.
type SeatCounter struct{ ent.Schema }

// Mixin of SeatCounter.
func (SeatCounter) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of SeatCounter.
func (SeatCounter) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("product_id", uuid.UUID{}),
		field.Int64("consumed").Default(0),
		field.Int64("waiting").Default(0).Comment("users with a COUNT_VIOLATION"),
		field.Int64("in_error").Default(0).Comment("users with any violation"),
	}
}

// Indexes of SeatCounter.
func (SeatCounter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "product_id").Unique()}
}

// Annotations of SeatCounter.
func (SeatCounter) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "seat_counters"}}
}

// PlaceCounter counts the users who have a group's assignment that has a limit.
type PlaceCounter struct{ ent.Schema }

// Mixin of PlaceCounter.
func (PlaceCounter) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of PlaceCounter.
func (PlaceCounter) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("assignment_id", uuid.UUID{}),
		field.Int64("used").Default(0).Comment("users with an admitted source of it"),
	}
}

// Indexes of PlaceCounter.
func (PlaceCounter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "assignment_id").Unique()}
}

// Annotations of PlaceCounter.
func (PlaceCounter) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "place_counters"}}
}
