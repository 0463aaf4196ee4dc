// Package schema declares the tables.
//
// Conventions: an instant is an int64 of microseconds since the Unix epoch (clock.Instant).
// A *_key column holds a text's folded form (textkey), compared byte by byte on both
// databases. Rows of a tenant carry tenant_id; what other tables refer to has a unique
// (tenant_id, id), and foreign keys, composite wherever both sides belong to a tenant, are
// declared in one place, database.Tables. Nothing cascades.
package schema

import (
	"strings"
	"time"

	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"
	"github.com/google/uuid"

	"github.com/licensegraph/licensegraph/internal/clock"
)

// entity is a row of a tenant with an id that clients see.
type entity struct{ mixin.Schema }

func (entity) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
	}
}

func (entity) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "id").Unique()}
}

// relation is a row of a tenant that nothing refers to: its key is made by the database and
// never leaves it.
type relation struct{ mixin.Schema }

func (relation) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
	}
}

// instant is a required point in time.
func instant(name string, comment ...string) ent.Field {
	return field.Int64(name).GoType(clock.Instant(0)).Comment(strings.Join(comment, " "))
}

// optionalInstant is a point in time that may not be set.
func optionalInstant(name string, comment ...string) ent.Field {
	return field.Int64(name).GoType(clock.Instant(0)).Optional().Nillable().Comment(strings.Join(comment, " "))
}

// duration is a required number of microseconds.
func duration(name string, initial time.Duration, comment string) ent.Field {
	return field.Int64(name).Default(initial.Microseconds()).Comment("microseconds " + comment)
}
