package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// User is a person or guest of a tenant. A deleted user keeps the row until removed for good.
type User struct{ ent.Schema }

// Mixin of User.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{entity{}} }

// Fields of User.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("user_principal_name"),
		field.String("user_principal_name_key"),
		field.String("display_name"),
		field.String("display_name_key"),
		field.String("mail").Optional().Nillable(),
		field.String("department").Optional().Nillable(),
		field.String("job_title").Optional().Nillable(),
		field.String("usage_location").Optional().Nillable().MaxLen(2),
		field.String("user_type"),
		field.Bool("account_enabled"),
		field.String("external_id").Optional().Nillable(),
		instant("created_at"),
		instant("updated_at"),
		optionalInstant("deleted_at"),
		optionalInstant("restored_at", "a restored user's sources began then"),
		field.Int("version").Default(1),
	}
}

// Indexes of User.
func (User) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_principal_name_key").Unique().StorageKey("users_principal_name_living").
			Annotations(entsql.IndexWhere("deleted_at IS NULL")),
		index.Fields("tenant_id", "user_principal_name_key", "id"),
		index.Fields("tenant_id", "display_name_key", "id"),
		index.Fields("tenant_id", "created_at", "id"),
		index.Fields("tenant_id", "department"),
		index.Fields("deleted_at").StorageKey("users_deleted").Annotations(entsql.IndexWhere("deleted_at IS NOT NULL")),
	}
}

// Annotations of User.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "users"}}
}

// UserWord is one folded word of a user's names: prefix search reads an index range of it.
type UserWord struct{ ent.Schema }

// Mixin of UserWord.
func (UserWord) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of UserWord.
func (UserWord) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("user_id", uuid.UUID{}),
		field.String("word_key"),
	}
}

// Indexes of UserWord.
func (UserWord) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "word_key", "user_id").Unique(),
		index.Fields("tenant_id", "user_id"),
	}
}

// Annotations of UserWord.
func (UserWord) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "user_words"}}
}

// Group has users as members and groups nested in it.
type Group struct{ ent.Schema }

// Mixin of Group.
func (Group) Mixin() []ent.Mixin { return []ent.Mixin{entity{}} }

// Fields of Group.
func (Group) Fields() []ent.Field {
	return []ent.Field{
		field.String("display_name"),
		field.String("display_name_key"),
		field.String("search_key").Comment("a blank before each folded word of the name"),
		field.String("description").Optional().Nillable(),
		field.String("external_id").Optional().Nillable(),
		instant("created_at"),
		instant("updated_at"),
		field.Int("version").Default(1),
	}
}

// Indexes of Group.
func (Group) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "display_name_key", "id"),
		index.Fields("tenant_id", "created_at", "id"),
	}
}

// Annotations of Group.
func (Group) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "groups"}}
}

// GroupCounter keeps the number of undeleted direct members, apart from the group's row so
// that adding a member never touches that.
type GroupCounter struct{ ent.Schema }

// Mixin of GroupCounter.
func (GroupCounter) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of GroupCounter.
func (GroupCounter) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("group_id", uuid.UUID{}),
		field.Int64("members").Default(0),
	}
}

// Indexes of GroupCounter.
func (GroupCounter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "group_id").Unique()}
}

// Annotations of GroupCounter.
func (GroupCounter) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "group_counters"}}
}

// Membership says that a user is a direct member of a group.
type Membership struct{ ent.Schema }

// Mixin of Membership.
func (Membership) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of Membership.
func (Membership) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("group_id", uuid.UUID{}),
		field.UUID("user_id", uuid.UUID{}),
		instant("created_at"),
	}
}

// Indexes of Membership.
func (Membership) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "group_id", "user_id").Unique(),
		index.Fields("tenant_id", "user_id", "group_id", "created_at"),
	}
}

// Annotations of Membership.
func (Membership) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "memberships"}}
}

// Nesting says that a group (child) is a member of another (parent). Nestings form no cycle.
type Nesting struct{ ent.Schema }

// Mixin of Nesting.
func (Nesting) Mixin() []ent.Mixin { return []ent.Mixin{relation{}} }

// Fields of Nesting.
func (Nesting) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("parent_id", uuid.UUID{}),
		field.UUID("child_id", uuid.UUID{}),
		instant("created_at"),
	}
}

// Indexes of Nesting.
func (Nesting) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "parent_id", "child_id").Unique(),
		index.Fields("tenant_id", "child_id", "parent_id"),
	}
}

// Annotations of Nesting.
func (Nesting) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "nestings"}}
}
