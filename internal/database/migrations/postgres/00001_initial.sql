-- +goose Up
-- create "catalog" table
CREATE TABLE "catalog" (
  "id" bigint NOT NULL,
  "revision" bigint NOT NULL DEFAULT 0,
  PRIMARY KEY ("id"),
  CONSTRAINT "catalog_is_one_row" CHECK (id = 1),
  CONSTRAINT "catalog_revision" CHECK (revision >= 0)
);
-- create "tenants" table
CREATE TABLE "tenants" (
  "id" uuid NOT NULL,
  "name" text NOT NULL,
  "name_key" text NOT NULL COLLATE "C",
  "country" text NOT NULL,
  "graph_revision" bigint NOT NULL DEFAULT 0,
  "audit_sequence" bigint NOT NULL DEFAULT 0,
  "last_instant" bigint NOT NULL,
  "created_at" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "tenants_counters" CHECK ((graph_revision >= 0) AND (audit_sequence >= 0)),
  CONSTRAINT "tenants_country" CHECK (length(country) = 2)
);
-- create index "tenants_name_key_key" to table: "tenants"
CREATE UNIQUE INDEX "tenants_name_key_key" ON "tenants" ("name_key");
-- create "api_tokens" table
CREATE TABLE "api_tokens" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "name" text NOT NULL,
  "role" text NOT NULL,
  "hash" bytea NOT NULL,
  "created_at" bigint NOT NULL,
  "expires_at" bigint NULL,
  "revoked_at" bigint NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "api_tokens_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "api_tokens_hash" CHECK (length(hash) = 32)
);
-- create index "api_tokens_hash_key" to table: "api_tokens"
CREATE UNIQUE INDEX "api_tokens_hash_key" ON "api_tokens" ("hash");
-- create index "apitoken_tenant_id_id" to table: "api_tokens"
CREATE UNIQUE INDEX "apitoken_tenant_id_id" ON "api_tokens" ("tenant_id", "id");
-- create "groups" table
CREATE TABLE "groups" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "display_name" text NOT NULL,
  "display_name_key" text NOT NULL COLLATE "C",
  "search_key" text NOT NULL COLLATE "C",
  "description" text NULL,
  "external_id" text NULL,
  "created_at" bigint NOT NULL,
  "updated_at" bigint NOT NULL,
  "version" bigint NOT NULL DEFAULT 1,
  PRIMARY KEY ("id"),
  CONSTRAINT "groups_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "groups_version" CHECK (version >= 1)
);
-- create index "group_tenant_id_created_at_id" to table: "groups"
CREATE INDEX "group_tenant_id_created_at_id" ON "groups" ("tenant_id", "created_at", "id");
-- create index "group_tenant_id_display_name_key_id" to table: "groups"
CREATE INDEX "group_tenant_id_display_name_key_id" ON "groups" ("tenant_id", "display_name_key", "id");
-- create index "group_tenant_id_id" to table: "groups"
CREATE UNIQUE INDEX "group_tenant_id_id" ON "groups" ("tenant_id", "id");
-- create "products" table
CREATE TABLE "products" (
  "id" uuid NOT NULL,
  "sku_part_number" text NOT NULL,
  "display_name" text NOT NULL,
  "display_name_key" text NOT NULL COLLATE "C",
  "retired_at" bigint NULL,
  PRIMARY KEY ("id")
);
-- create index "product_display_name_key_id" to table: "products"
CREATE INDEX "product_display_name_key_id" ON "products" ("display_name_key", "id");
-- create index "product_sku_part_number" to table: "products"
CREATE INDEX "product_sku_part_number" ON "products" ("sku_part_number");
-- create "users" table
CREATE TABLE "users" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "user_principal_name" text NOT NULL,
  "user_principal_name_key" text NOT NULL COLLATE "C",
  "display_name" text NOT NULL,
  "display_name_key" text NOT NULL COLLATE "C",
  "mail" text NULL,
  "department" text NULL,
  "job_title" text NULL,
  "usage_location" text NULL,
  "user_type" text NOT NULL,
  "account_enabled" boolean NOT NULL,
  "external_id" text NULL,
  "created_at" bigint NOT NULL,
  "updated_at" bigint NOT NULL,
  "deleted_at" bigint NULL,
  "restored_at" bigint NULL,
  "version" bigint NOT NULL DEFAULT 1,
  PRIMARY KEY ("id"),
  CONSTRAINT "users_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "users_usage_location" CHECK ((usage_location IS NULL) OR (length(usage_location) = 2)),
  CONSTRAINT "users_user_type" CHECK (user_type = ANY (ARRAY['MEMBER'::text, 'GUEST'::text])),
  CONSTRAINT "users_version" CHECK (version >= 1)
);
-- create index "user_tenant_id_created_at_id" to table: "users"
CREATE INDEX "user_tenant_id_created_at_id" ON "users" ("tenant_id", "created_at", "id");
-- create index "user_tenant_id_department" to table: "users"
CREATE INDEX "user_tenant_id_department" ON "users" ("tenant_id", "department");
-- create index "user_tenant_id_display_name_key_id" to table: "users"
CREATE INDEX "user_tenant_id_display_name_key_id" ON "users" ("tenant_id", "display_name_key", "id");
-- create index "user_tenant_id_id" to table: "users"
CREATE UNIQUE INDEX "user_tenant_id_id" ON "users" ("tenant_id", "id");
-- create index "user_tenant_id_user_principal_name_key_id" to table: "users"
CREATE INDEX "user_tenant_id_user_principal_name_key_id" ON "users" ("tenant_id", "user_principal_name_key", "id");
-- create index "users_principal_name_living" to table: "users"
CREATE UNIQUE INDEX "users_principal_name_living" ON "users" ("tenant_id", "user_principal_name_key") WHERE (deleted_at IS NULL);
-- create "assignments" table
CREATE TABLE "assignments" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "user_id" uuid NULL,
  "group_id" uuid NULL,
  "product_id" uuid NOT NULL,
  "mode" text NOT NULL,
  "plans" text NOT NULL DEFAULT '[]',
  "include_nested" boolean NOT NULL DEFAULT true,
  "created_at" bigint NOT NULL,
  "updated_at" bigint NOT NULL,
  "version" bigint NOT NULL DEFAULT 1,
  PRIMARY KEY ("id"),
  CONSTRAINT "assignments_group_id_fkey" FOREIGN KEY ("tenant_id", "group_id") REFERENCES "groups" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "assignments_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "assignments_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "users" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "assignments_mode" CHECK (mode = ANY (ARRAY['ALL'::text, 'EXCEPT'::text, 'ONLY'::text])),
  CONSTRAINT "assignments_one_principal" CHECK ((user_id IS NULL) <> (group_id IS NULL)),
  CONSTRAINT "assignments_version" CHECK (version >= 1)
);
-- create index "assignment_tenant_id_group_id_product_id" to table: "assignments"
CREATE UNIQUE INDEX "assignment_tenant_id_group_id_product_id" ON "assignments" ("tenant_id", "group_id", "product_id") WHERE (group_id IS NOT NULL);
-- create index "assignment_tenant_id_id" to table: "assignments"
CREATE UNIQUE INDEX "assignment_tenant_id_id" ON "assignments" ("tenant_id", "id");
-- create index "assignment_tenant_id_product_id_id" to table: "assignments"
CREATE INDEX "assignment_tenant_id_product_id_id" ON "assignments" ("tenant_id", "product_id", "id");
-- create index "assignment_tenant_id_user_id_product_id" to table: "assignments"
CREATE UNIQUE INDEX "assignment_tenant_id_user_id_product_id" ON "assignments" ("tenant_id", "user_id", "product_id") WHERE (user_id IS NOT NULL);
-- create "audit_events" table
CREATE TABLE "audit_events" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "sequence" bigint NOT NULL,
  "occurred_at" bigint NOT NULL,
  "actor_kind" text NOT NULL,
  "actor" text NOT NULL,
  "request_id" text NULL,
  "action" text NOT NULL,
  "summary" text NOT NULL,
  "subjects" text NOT NULL,
  "fields" text NOT NULL,
  "products" text NOT NULL,
  "cause_id" uuid NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "audit_events_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "audit_events_sequence" CHECK (sequence >= 1)
);
-- create index "auditevent_tenant_id_id" to table: "audit_events"
CREATE UNIQUE INDEX "auditevent_tenant_id_id" ON "audit_events" ("tenant_id", "id");
-- create index "auditevent_tenant_id_sequence" to table: "audit_events"
CREATE UNIQUE INDEX "auditevent_tenant_id_sequence" ON "audit_events" ("tenant_id", "sequence");
-- create "exclusion_sets" table
CREATE TABLE "exclusion_sets" (
  "id" uuid NOT NULL,
  "name" text NOT NULL,
  PRIMARY KEY ("id")
);
-- create index "exclusion_sets_name_key" to table: "exclusion_sets"
CREATE UNIQUE INDEX "exclusion_sets_name_key" ON "exclusion_sets" ("name");
-- create "plans" table
CREATE TABLE "plans" (
  "id" uuid NOT NULL,
  "service_plan_name" text NOT NULL,
  "display_name" text NOT NULL,
  "display_name_key" text NOT NULL COLLATE "C",
  "retired_at" bigint NULL,
  PRIMARY KEY ("id")
);
-- create index "plan_display_name_key_id" to table: "plans"
CREATE INDEX "plan_display_name_key_id" ON "plans" ("display_name_key", "id");
-- create "exclusion_set_plans" table
CREATE TABLE "exclusion_set_plans" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "exclusion_set_id" uuid NOT NULL,
  "plan_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "exclusion_set_plans_exclusion_set_id_fkey" FOREIGN KEY ("exclusion_set_id") REFERENCES "exclusion_sets" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "exclusion_set_plans_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "exclusionsetplan_exclusion_set_id_plan_id" to table: "exclusion_set_plans"
CREATE UNIQUE INDEX "exclusionsetplan_exclusion_set_id_plan_id" ON "exclusion_set_plans" ("exclusion_set_id", "plan_id");
-- create index "exclusionsetplan_plan_id" to table: "exclusion_set_plans"
CREATE INDEX "exclusionsetplan_plan_id" ON "exclusion_set_plans" ("plan_id");
-- create "group_counters" table
CREATE TABLE "group_counters" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "tenant_id" uuid NOT NULL,
  "group_id" uuid NOT NULL,
  "members" bigint NOT NULL DEFAULT 0,
  PRIMARY KEY ("id"),
  CONSTRAINT "group_counters_group_id_fkey" FOREIGN KEY ("tenant_id", "group_id") REFERENCES "groups" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "group_counters_members" CHECK (members >= 0)
);
-- create index "groupcounter_tenant_id_group_id" to table: "group_counters"
CREATE UNIQUE INDEX "groupcounter_tenant_id_group_id" ON "group_counters" ("tenant_id", "group_id");
-- create "license_violations" table
CREATE TABLE "license_violations" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "tenant_id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "assignment_id" uuid NOT NULL,
  "plan_id" uuid NULL,
  "code" text NOT NULL,
  "since" bigint NOT NULL,
  "opened_by" uuid NOT NULL,
  "product_id" uuid NOT NULL,
  "principal_id" uuid NOT NULL,
  "inherited" boolean NOT NULL,
  "assignment_created_at" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "license_violations_assignment_id_fkey" FOREIGN KEY ("tenant_id", "assignment_id") REFERENCES "assignments" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "license_violations_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "license_violations_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "license_violations_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "users" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "license_violations_code" CHECK (code = ANY (ARRAY['COUNT_VIOLATION'::text, 'MUTUALLY_EXCLUSIVE_VIOLATION'::text, 'DEPENDENCY_VIOLATION'::text, 'PROHIBITED_IN_USAGE_LOCATION_VIOLATION'::text])),
  CONSTRAINT "license_violations_seat" CHECK ((plan_id IS NULL) OR (code <> 'COUNT_VIOLATION'::text))
);
-- create index "license_violations_assignment" to table: "license_violations"
CREATE INDEX "license_violations_assignment" ON "license_violations" ("tenant_id", "assignment_id");
-- create index "license_violations_listed" to table: "license_violations"
CREATE INDEX "license_violations_listed" ON "license_violations" ("tenant_id", "product_id", "user_id", "assignment_id", "plan_id");
-- create index "license_violations_plan" to table: "license_violations"
CREATE UNIQUE INDEX "license_violations_plan" ON "license_violations" ("tenant_id", "user_id", "assignment_id", "plan_id") WHERE (plan_id IS NOT NULL);
-- create index "license_violations_source" to table: "license_violations"
CREATE UNIQUE INDEX "license_violations_source" ON "license_violations" ("tenant_id", "user_id", "assignment_id") WHERE (plan_id IS NULL);
-- create index "license_violations_waiting" to table: "license_violations"
CREATE INDEX "license_violations_waiting" ON "license_violations" ("tenant_id", "product_id", "inherited", "since", "assignment_created_at", "user_id", "principal_id") WHERE ((plan_id IS NULL) AND (code = 'COUNT_VIOLATION'::text));
-- create "memberships" table
CREATE TABLE "memberships" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "tenant_id" uuid NOT NULL,
  "group_id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "created_at" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "memberships_group_id_fkey" FOREIGN KEY ("tenant_id", "group_id") REFERENCES "groups" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "users" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "membership_tenant_id_group_id_user_id" to table: "memberships"
CREATE UNIQUE INDEX "membership_tenant_id_group_id_user_id" ON "memberships" ("tenant_id", "group_id", "user_id");
-- create index "membership_tenant_id_user_id_group_id" to table: "memberships"
CREATE INDEX "membership_tenant_id_user_id_group_id" ON "memberships" ("tenant_id", "user_id", "group_id");
-- create "nestings" table
CREATE TABLE "nestings" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "tenant_id" uuid NOT NULL,
  "parent_id" uuid NOT NULL,
  "child_id" uuid NOT NULL,
  "created_at" bigint NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "nestings_child_id_fkey" FOREIGN KEY ("tenant_id", "child_id") REFERENCES "groups" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "nestings_parent_id_fkey" FOREIGN KEY ("tenant_id", "parent_id") REFERENCES "groups" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "nestings_not_itself" CHECK (parent_id <> child_id)
);
-- create index "nesting_tenant_id_child_id_parent_id" to table: "nestings"
CREATE INDEX "nesting_tenant_id_child_id_parent_id" ON "nestings" ("tenant_id", "child_id", "parent_id");
-- create index "nesting_tenant_id_parent_id_child_id" to table: "nestings"
CREATE UNIQUE INDEX "nesting_tenant_id_parent_id_child_id" ON "nestings" ("tenant_id", "parent_id", "child_id");
-- create "product_plans" table
CREATE TABLE "product_plans" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "product_id" uuid NOT NULL,
  "plan_id" uuid NOT NULL,
  PRIMARY KEY ("id"),
  CONSTRAINT "product_plans_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plans" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "product_plans_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "productplan_plan_id" to table: "product_plans"
CREATE INDEX "productplan_plan_id" ON "product_plans" ("plan_id");
-- create index "productplan_product_id_plan_id" to table: "product_plans"
CREATE UNIQUE INDEX "productplan_product_id_plan_id" ON "product_plans" ("product_id", "plan_id");
-- create "seat_counters" table
CREATE TABLE "seat_counters" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "tenant_id" uuid NOT NULL,
  "product_id" uuid NOT NULL,
  "consumed" bigint NOT NULL DEFAULT 0,
  "waiting" bigint NOT NULL DEFAULT 0,
  "in_error" bigint NOT NULL DEFAULT 0,
  PRIMARY KEY ("id"),
  CONSTRAINT "seat_counters_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "seat_counters_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "seat_counters_not_negative" CHECK ((consumed >= 0) AND (waiting >= 0) AND (in_error >= 0))
);
-- create index "seatcounter_tenant_id_product_id" to table: "seat_counters"
CREATE UNIQUE INDEX "seatcounter_tenant_id_product_id" ON "seat_counters" ("tenant_id", "product_id");
-- create "subscriptions" table
CREATE TABLE "subscriptions" (
  "id" uuid NOT NULL,
  "tenant_id" uuid NOT NULL,
  "product_id" uuid NOT NULL,
  "seats" integer NULL,
  "status" text NOT NULL,
  "created_at" bigint NOT NULL,
  "updated_at" bigint NOT NULL,
  "cancelled_at" bigint NULL,
  "version" bigint NOT NULL DEFAULT 1,
  PRIMARY KEY ("id"),
  CONSTRAINT "subscriptions_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "products" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "subscriptions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT "subscriptions_cancelled" CHECK ((status = 'CANCELLED'::text) = (cancelled_at IS NOT NULL)),
  CONSTRAINT "subscriptions_seats" CHECK ((seats IS NULL) OR (seats >= 0)),
  CONSTRAINT "subscriptions_status" CHECK (status = ANY (ARRAY['SCHEDULED'::text, 'ENABLED'::text, 'WARNING'::text, 'SUSPENDED'::text, 'LOCKED_OUT'::text, 'CANCELLED'::text])),
  CONSTRAINT "subscriptions_version" CHECK (version >= 1)
);
-- create index "subscription_product_id" to table: "subscriptions"
CREATE INDEX "subscription_product_id" ON "subscriptions" ("product_id");
-- create index "subscription_tenant_id_id" to table: "subscriptions"
CREATE UNIQUE INDEX "subscription_tenant_id_id" ON "subscriptions" ("tenant_id", "id");
-- create index "subscription_tenant_id_product_id" to table: "subscriptions"
CREATE INDEX "subscription_tenant_id_product_id" ON "subscriptions" ("tenant_id", "product_id");
-- create "user_words" table
CREATE TABLE "user_words" (
  "id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
  "tenant_id" uuid NOT NULL,
  "user_id" uuid NOT NULL,
  "word_key" text NOT NULL COLLATE "C",
  PRIMARY KEY ("id"),
  CONSTRAINT "user_words_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "users" ("tenant_id", "id") ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "userword_tenant_id_user_id" to table: "user_words"
CREATE INDEX "userword_tenant_id_user_id" ON "user_words" ("tenant_id", "user_id");
-- create index "userword_tenant_id_word_key_user_id" to table: "user_words"
CREATE UNIQUE INDEX "userword_tenant_id_word_key_user_id" ON "user_words" ("tenant_id", "word_key", "user_id");
-- the one row under which the catalogue changes (written by hand)
INSERT INTO "catalog" ("id", "revision") VALUES (1, 0);
