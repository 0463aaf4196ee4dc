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

// Catalog is the one row under which the catalogue changes.
type Catalog struct{ ent.Schema }

// Fields of Catalog.
func (Catalog) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Immutable().Comment("always 1"),
		field.Int64("revision").Default(0).Comment("rises with every change of the catalogue"),
		field.Int64("changed_at").GoType(clock.Instant(0)).Default(0).Comment("when it last changed; changes of tenants that follow are later"),
	}
}

// Annotations of Catalog.
func (Catalog) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "catalog"}}
}

// FormerCatalog is the catalogue as it was until an import changed it. It is kept whole: it is
// read whole, and imports are few.
type FormerCatalog struct{ ent.Schema }

// Fields of FormerCatalog.
func (FormerCatalog) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable().Comment("the revision that it was"),
		instant("until", "when it changed"),
		field.Bytes("data").Comment("JSON, compressed"),
	}
}

// Indexes of FormerCatalog.
func (FormerCatalog) Indexes() []ent.Index {
	return []ent.Index{index.Fields("until").Unique()}
}

// Annotations of FormerCatalog.
func (FormerCatalog) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "former_catalogs"}}
}

// Product is a SKU. Its id is the vendor's skuId.
type Product struct{ ent.Schema }

// Fields of Product.
func (Product) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("sku_part_number"),
		field.String("display_name"),
		field.String("display_name_key"),
		optionalInstant("retired_at"),
	}
}

// Indexes of Product.
func (Product) Indexes() []ent.Index {
	return []ent.Index{index.Fields("display_name_key", "id"), index.Fields("sku_part_number")}
}

// Annotations of Product.
func (Product) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "products"}}
}

// Plan is an app or service inside products. Its id is the vendor's servicePlanId.
type Plan struct{ ent.Schema }

// Fields of Plan.
func (Plan) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("service_plan_name"),
		field.String("display_name"),
		field.String("display_name_key"),
		field.Bool("auto_assigned").Default(false).Comment("comes to everybody, takes part in no check (R7)"),
		optionalInstant("retired_at"),
	}
}

// Indexes of Plan.
func (Plan) Indexes() []ent.Index {
	return []ent.Index{index.Fields("display_name_key", "id")}
}

// Annotations of Plan.
func (Plan) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "plans"}}
}

// ProductPlan says that a product bundles a plan.
type ProductPlan struct{ ent.Schema }

// Fields of ProductPlan.
func (ProductPlan) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.UUID("product_id", uuid.UUID{}),
		field.UUID("plan_id", uuid.UUID{}),
	}
}

// Indexes of ProductPlan.
func (ProductPlan) Indexes() []ent.Index {
	return []ent.Index{index.Fields("product_id", "plan_id").Unique(), index.Fields("plan_id")}
}

// Annotations of ProductPlan.
func (ProductPlan) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "product_plans"}}
}

// ExclusionSet names plans of which a user may have at most one.
type ExclusionSet struct{ ent.Schema }

// Fields of ExclusionSet.
func (ExclusionSet) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("name").Unique(),
	}
}

// Annotations of ExclusionSet.
func (ExclusionSet) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "exclusion_sets"}}
}

// ExclusionSetPlan puts a plan into an exclusion set.
type ExclusionSetPlan struct{ ent.Schema }

// Fields of ExclusionSetPlan.
func (ExclusionSetPlan) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.UUID("exclusion_set_id", uuid.UUID{}),
		field.UUID("plan_id", uuid.UUID{}),
	}
}

// Indexes of ExclusionSetPlan.
func (ExclusionSetPlan) Indexes() []ent.Index {
	return []ent.Index{index.Fields("exclusion_set_id", "plan_id").Unique(), index.Fields("plan_id")}
}

// Annotations of ExclusionSetPlan.
func (ExclusionSetPlan) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "exclusion_set_plans"}}
}

// PlanPrerequisite is one of the plans of which a plan needs any one (R10).
type PlanPrerequisite struct{ ent.Schema }

// Fields of PlanPrerequisite.
func (PlanPrerequisite) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.UUID("plan_id", uuid.UUID{}),
		field.UUID("requires_id", uuid.UUID{}),
	}
}

// Indexes of PlanPrerequisite.
func (PlanPrerequisite) Indexes() []ent.Index {
	return []ent.Index{index.Fields("plan_id", "requires_id").Unique(), index.Fields("requires_id")}
}

// Annotations of PlanPrerequisite.
func (PlanPrerequisite) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "plan_prerequisites"}}
}

// PlanLocation allows or prohibits a plan in a country (R11). A plan that is allowed anywhere
// is allowed nowhere else.
type PlanLocation struct{ ent.Schema }

// Fields of PlanLocation.
func (PlanLocation) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.UUID("plan_id", uuid.UUID{}),
		field.String("country").MaxLen(2).Comment("ISO 3166-1 alpha-2"),
		field.Bool("allowed").Comment("false: prohibited"),
	}
}

// Indexes of PlanLocation.
func (PlanLocation) Indexes() []ent.Index {
	return []ent.Index{index.Fields("plan_id", "country").Unique()}
}

// Annotations of PlanLocation.
func (PlanLocation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "plan_locations"}}
}
