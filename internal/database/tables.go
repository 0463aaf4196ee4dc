package database

import (
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	"github.com/licensegraph/licensegraph/ent/migrate"
)

// Tables is the schema of a database: the tables declared in ent/schema, with what ent cannot
// declare without edges: foreign keys, checks, collations. The generator of migrations and the
// test that holds the migrations to the schema share it.
func Tables(d Dialect) ([]*schema.Table, error) {
	tables, err := schema.CopyTables(migrate.Tables)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*schema.Table, len(tables))
	for _, t := range tables {
		byName[t.Name] = t
		for _, c := range t.Columns {
			adapt(d, t, c)
		}
	}
	for _, h := range histories {
		t, err := h.table(d, byName)
		if err != nil {
			return nil, err
		}
		tables, byName[t.Name] = append(tables, t), t
	}
	for _, f := range foreignKeys() {
		if err := f.addTo(byName); err != nil {
			return nil, err
		}
	}
	for name, conditions := range checks {
		t, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("database: checks of the unknown table %s", name)
		}
		if t.Annotation == nil {
			t.Annotation = &entsql.Annotation{}
		}
		t.Annotation.Checks = make(map[string]string, len(conditions))
		for name, condition := range conditions {
			t.Annotation.Checks[name] = "(" + condition + ")"
		}
	}
	return tables, nil
}

// adapt gives a column its form on one database.
func adapt(d Dialect, t *schema.Table, c *schema.Column) {
	if t.Name == "catalog" {
		c.Increment = false // one row, whose id is always 1
	}
	switch d {
	case Postgres:
		if c.Type == field.TypeString {
			c.SchemaType = map[string]string{dialect.Postgres: "text"} // lengths are bounded above
		}
		// Byte order, as SQLite has it, whatever the server's locale.
		if c.Type == field.TypeString && strings.HasSuffix(c.Name, "_key") {
			c.Collation = "C"
		}
	case SQLite:
		// An integer primary key is the row's id and counts by itself; AUTOINCREMENT would
		// only add a write to each insert.
		c.Increment = false
		if c.Type == field.TypeUUID {
			c.SchemaType = map[string]string{dialect.SQLite: "text"}
		}
	}
}

// foreignKey refers from the columns of a table to the columns of the same meaning of another.
type foreignKey struct {
	table, parent       string
	columns, references []string
}

// within refers to a row of the same tenant: it cannot cross a tenant's border, because the
// tenant is part of the key.
func within(table, column, parent string) foreignKey {
	return foreignKey{table, parent, []string{"tenant_id", column}, []string{"tenant_id", "id"}}
}

// to refers to a row that belongs to no tenant.
func to(table, column, parent string) foreignKey {
	return foreignKey{table, parent, []string{column}, []string{"id"}}
}

// foreignKeys lists them all. What refers to a row of a tenant needs no key to the tenant
// itself: that row has it. An audit event outlives what it speaks of, and is written after it:
// it refers to its tenant alone, and no row refers to it.
func foreignKeys() []foreignKey {
	keys := []foreignKey{
		to("api_tokens", "tenant_id", "tenants"),
		to("audit_events", "tenant_id", "tenants"),
		to("audit_mentions", "tenant_id", "tenants"),
		to("audit_checkpoints", "tenant_id", "tenants"),
		to("users", "tenant_id", "tenants"),
		to("groups", "tenant_id", "tenants"),
		to("product_plans", "product_id", "products"),
		to("product_plans", "plan_id", "plans"),
		to("exclusion_set_plans", "exclusion_set_id", "exclusion_sets"),
		to("exclusion_set_plans", "plan_id", "plans"),
		to("plan_prerequisites", "plan_id", "plans"),
		to("plan_prerequisites", "requires_id", "plans"),
		to("plan_locations", "plan_id", "plans"),
		within("user_words", "user_id", "users"),
		within("group_counters", "group_id", "groups"),
		within("memberships", "group_id", "groups"),
		within("memberships", "user_id", "users"),
		within("nestings", "parent_id", "groups"),
		within("nestings", "child_id", "groups"),
		to("subscriptions", "tenant_id", "tenants"),
		to("subscriptions", "product_id", "products"),
		within("assignments", "user_id", "users"),
		within("assignments", "group_id", "groups"),
		to("assignments", "product_id", "products"),
		within("license_violations", "user_id", "users"),
		within("license_violations", "assignment_id", "assignments"),
		to("license_violations", "product_id", "products"),
		to("license_violations", "plan_id", "plans"),
		within("place_counters", "assignment_id", "assignments"),
		to("seat_counters", "tenant_id", "tenants"),
		to("seat_counters", "product_id", "products"),
		to("operations", "tenant_id", "tenants"),
		within("operation_results", "operation_id", "operations"),
	}
	for _, h := range histories { // former rows outlive what they refer to
		keys = append(keys, to(HistoryOf(h.of), "tenant_id", "tenants"))
	}
	return keys
}

// addTo adds the key to its table. Nothing cascades: what refers to a row is removed before it.
func (f foreignKey) addTo(tables map[string]*schema.Table) error {
	t, parent := tables[f.table], tables[f.parent]
	if t == nil || parent == nil {
		return fmt.Errorf("database: foreign key of %s to %s: no such table", f.table, f.parent)
	}
	columns, err := columnsOf(t, f.columns)
	if err != nil {
		return err
	}
	references, err := columnsOf(parent, f.references)
	if err != nil {
		return err
	}
	t.ForeignKeys = append(t.ForeignKeys, &schema.ForeignKey{
		Symbol:     f.table + "_" + f.columns[len(f.columns)-1] + "_fkey",
		Columns:    columns,
		RefTable:   parent,
		RefColumns: references,
		OnUpdate:   schema.NoAction,
		OnDelete:   schema.NoAction,
	})
	return nil
}

func columnsOf(t *schema.Table, names []string) ([]*schema.Column, error) {
	columns := make([]*schema.Column, len(names))
	for i, name := range names {
		at := slices.IndexFunc(t.Columns, func(c *schema.Column) bool { return c.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("database: foreign key: %s has no column %s", t.Name, name)
		}
		columns[i] = t.Columns[at]
	}
	return columns, nil
}

// checks are conditions that every row holds, by table and name. They are a second fence:
// what users may get wrong is refused above, by name.
var checks = map[string]map[string]string{
	"catalog": {
		"catalog_is_one_row": "id = 1",
		"catalog_revision":   "revision >= 0",
	},
	"tenants": {
		"tenants_country":  "length(country) = 2",
		"tenants_counters": "graph_revision >= 0 AND audit_sequence >= 0",
		"tenants_audit":    "audit_retention >= 0 AND audit_unchained >= 0 AND (audit_hash IS NULL OR length(audit_hash) = 32)",
		"tenants_terms":    "loss_threshold >= 0 AND grace_period >= 0 AND suspension_period >= 0 AND deleted_user_retention >= 0",
		"tenants_history":  "history_retention >= 0 AND history_since >= 0",
	},
	"plan_prerequisites": {
		"plan_prerequisites_not_itself": "plan_id <> requires_id",
	},
	"plan_locations": {
		"plan_locations_country": "length(country) = 2",
	},
	"api_tokens": {
		"api_tokens_hash": "length(hash) = 32",
	},
	"audit_events": {
		"audit_events_sequence": "sequence >= 1",
	},
	"audit_checkpoints": {
		"audit_checkpoints_hashes": "length(hash) = 32 AND length(seal) = 32",
	},
	"users": {
		"users_usage_location": "usage_location IS NULL OR length(usage_location) = 2",
		"users_user_type":      "user_type IN ('MEMBER', 'GUEST')",
		"users_version":        "version >= 1",
	},
	"groups": {
		"groups_version": "version >= 1",
	},
	"group_counters": {
		"group_counters_members": "members >= 0",
	},
	"nestings": {
		"nestings_not_itself": "parent_id <> child_id",
	},
	"subscriptions": {
		"subscriptions_seats":     "seats IS NULL OR seats >= 0",
		"subscriptions_status":    "status IN ('SCHEDULED', 'ENABLED', 'WARNING', 'SUSPENDED', 'LOCKED_OUT', 'CANCELLED')",
		"subscriptions_cancelled": "(status = 'CANCELLED') = (cancelled_at IS NOT NULL)",
		"subscriptions_live":      "status <> 'SCHEDULED' OR live_since IS NULL",
		"subscriptions_version":   "version >= 1",
	},
	"assignments": {
		"assignments_one_principal": "(user_id IS NULL) <> (group_id IS NULL)",
		"assignments_mode":          "mode IN ('ALL', 'EXCEPT', 'ONLY')",
		"assignments_version":       "version >= 1",
		// R8: seats that nobody could take are not kept.
		"assignments_reserve": "seat_reserve >= 0 AND seat_reserve <= coalesce(seat_limit, seat_reserve)",
	},
	"license_violations": {
		"license_violations_code": "code IN ('COUNT_VIOLATION', 'MUTUALLY_EXCLUSIVE_VIOLATION', 'DEPENDENCY_VIOLATION', 'PROHIBITED_IN_USAGE_LOCATION_VIOLATION', 'GROUP_SEAT_LIMIT')",
		// R8: only a whole source can want a seat.
		"license_violations_seat": "plan_id IS NULL OR code NOT IN ('COUNT_VIOLATION', 'GROUP_SEAT_LIMIT')",
	},
	"operations": {
		"operations_state":    "state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'INTERRUPTED')",
		"operations_finished": "(finished_at IS NULL) = (state IN ('QUEUED', 'RUNNING'))",
		// What was changed was changed by the operation that succeeded.
		"operations_changed": "(NOT changed OR state = 'SUCCEEDED') AND (event_id IS NULL OR changed)",
		"operations_counts":  "done >= 0 AND (total IS NULL OR total >= 0) AND results >= 0",
	},
	"operation_results": {
		"operation_results_position": "position >= 0",
	},
	"place_counters": {
		"place_counters_not_negative": "used >= 0",
	},
	"seat_counters": {
		"seat_counters_not_negative": "consumed >= 0 AND waiting >= 0 AND in_error >= 0",
	},
}
