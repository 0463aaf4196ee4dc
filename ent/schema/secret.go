package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Secret is a key that the servers of a database share and nobody else knows.
type Secret struct{ ent.Schema }

// Fields of Secret.
func (Secret) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().Comment("what it is for"),
		field.Bytes("value").Sensitive(),
		instant("created_at", "when it was made"),
	}
}
