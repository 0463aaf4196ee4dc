-- +goose Up
-- add column "scheduled" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `scheduled` bool NOT NULL DEFAULT false;
-- add column "starts_at" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `starts_at` integer NULL;
-- add column "began_at" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `began_at` integer NULL;
-- add column "ends_at" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `ends_at` integer NULL;
-- add column "seat_limit" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `seat_limit` integer NULL;
-- add column "excluded_groups" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `excluded_groups` text NOT NULL DEFAULT '[]';
-- add column "priority" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `priority` integer NOT NULL DEFAULT 0;
-- create index "assignments_beginning" to table: "assignments"
CREATE INDEX `assignments_beginning` ON `assignments` (`starts_at`) WHERE scheduled;
-- create index "assignments_ending" to table: "assignments"
CREATE INDEX `assignments_ending` ON `assignments` (`ends_at`) WHERE ends_at IS NOT NULL;
-- create index "assignments_expiring" to table: "assignments"
CREATE INDEX `assignments_expiring` ON `assignments` (`tenant_id`, `ends_at`, `id`) WHERE ends_at IS NOT NULL;
-- add column "encoding" to table: "audit_events"
ALTER TABLE `audit_events` ADD COLUMN `encoding` integer NOT NULL DEFAULT 0;
-- add column "hash" to table: "audit_events"
ALTER TABLE `audit_events` ADD COLUMN `hash` blob NULL;
-- create index "auditevent_tenant_id_occurred_at" to table: "audit_events"
CREATE INDEX `auditevent_tenant_id_occurred_at` ON `audit_events` (`tenant_id`, `occurred_at`);
-- create index "auditevent_tenant_id_action_sequence" to table: "audit_events"
CREATE INDEX `auditevent_tenant_id_action_sequence` ON `audit_events` (`tenant_id`, `action`, `sequence`);
-- create index "auditevent_tenant_id_actor_sequence" to table: "audit_events"
CREATE INDEX `auditevent_tenant_id_actor_sequence` ON `audit_events` (`tenant_id`, `actor`, `sequence`);
-- create index "audit_events_not_by_tokens" to table: "audit_events"
CREATE INDEX `audit_events_not_by_tokens` ON `audit_events` (`tenant_id`, `actor_kind`, `sequence`) WHERE actor_kind <> 'TOKEN';
-- add column "changed_at" to table: "catalog"
ALTER TABLE `catalog` ADD COLUMN `changed_at` integer NOT NULL DEFAULT 0;
-- create "new_license_violations" table
CREATE TABLE `new_license_violations` (
  `id` integer NOT NULL,
  `tenant_id` text NOT NULL,
  `user_id` text NOT NULL,
  `assignment_id` text NOT NULL,
  `plan_id` text NULL,
  `code` text NOT NULL,
  `since` integer NOT NULL,
  `opened_by` text NOT NULL,
  `product_id` text NOT NULL,
  `principal_id` text NOT NULL,
  `inherited` bool NOT NULL,
  `assignment_created_at` integer NOT NULL,
  `rank` integer NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  CONSTRAINT `license_violations_plan_id_fkey` FOREIGN KEY (`plan_id`) REFERENCES `plans` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `license_violations_product_id_fkey` FOREIGN KEY (`product_id`) REFERENCES `products` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `license_violations_assignment_id_fkey` FOREIGN KEY (`tenant_id`, `assignment_id`) REFERENCES `assignments` (`tenant_id`, `id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `license_violations_user_id_fkey` FOREIGN KEY (`tenant_id`, `user_id`) REFERENCES `users` (`tenant_id`, `id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `license_violations_code` CHECK (code IN ('COUNT_VIOLATION', 'MUTUALLY_EXCLUSIVE_VIOLATION', 'DEPENDENCY_VIOLATION', 'PROHIBITED_IN_USAGE_LOCATION_VIOLATION', 'GROUP_SEAT_LIMIT')),
  CONSTRAINT `license_violations_seat` CHECK (plan_id IS NULL OR code NOT IN ('COUNT_VIOLATION', 'GROUP_SEAT_LIMIT'))
);
-- copy rows from old table "license_violations" to new temporary table "new_license_violations"
INSERT INTO `new_license_violations` (`id`, `tenant_id`, `user_id`, `assignment_id`, `plan_id`, `code`, `since`, `opened_by`, `product_id`, `principal_id`, `inherited`, `assignment_created_at`) SELECT `id`, `tenant_id`, `user_id`, `assignment_id`, `plan_id`, `code`, `since`, `opened_by`, `product_id`, `principal_id`, `inherited`, `assignment_created_at` FROM `license_violations`;
-- drop "license_violations" table after copying rows
DROP TABLE `license_violations`;
-- rename temporary table "new_license_violations" to "license_violations"
ALTER TABLE `new_license_violations` RENAME TO `license_violations`;
-- create index "license_violations_source" to table: "license_violations"
CREATE UNIQUE INDEX `license_violations_source` ON `license_violations` (`tenant_id`, `user_id`, `assignment_id`) WHERE plan_id IS NULL;
-- create index "license_violations_plan" to table: "license_violations"
CREATE UNIQUE INDEX `license_violations_plan` ON `license_violations` (`tenant_id`, `user_id`, `assignment_id`, `plan_id`);
-- create index "license_violations_waiting" to table: "license_violations"
CREATE INDEX `license_violations_waiting` ON `license_violations` (`tenant_id`, `product_id`, `inherited`, `rank`, `since`, `assignment_created_at`, `user_id`, `principal_id`) WHERE plan_id IS NULL AND code = 'COUNT_VIOLATION';
-- create index "license_violations_listed" to table: "license_violations"
CREATE INDEX `license_violations_listed` ON `license_violations` (`tenant_id`, `product_id`, `user_id`, `assignment_id`, `plan_id`);
-- create index "license_violations_assignment" to table: "license_violations"
CREATE INDEX `license_violations_assignment` ON `license_violations` (`tenant_id`, `assignment_id`);
-- create "new_tenants" table
CREATE TABLE `new_tenants` (
  `id` text NOT NULL,
  `name` text NOT NULL,
  `name_key` text NOT NULL,
  `country` text NOT NULL,
  `loss_threshold` integer NOT NULL DEFAULT 100,
  `grace_period` integer NOT NULL DEFAULT 2592000000000,
  `suspension_period` integer NOT NULL DEFAULT 7776000000000,
  `deleted_user_retention` integer NOT NULL DEFAULT 2592000000000,
  `history_retention` integer NOT NULL DEFAULT 0,
  `history_since` integer NOT NULL DEFAULT 0,
  `graph_revision` integer NOT NULL DEFAULT 0,
  `audit_retention` integer NOT NULL DEFAULT 0,
  `audit_sequence` integer NOT NULL DEFAULT 0,
  `audit_hash` blob NULL,
  `audit_unchained` integer NOT NULL DEFAULT 0,
  `last_instant` integer NOT NULL,
  `created_at` integer NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `tenants_audit` CHECK (audit_retention >= 0 AND audit_unchained >= 0 AND (audit_hash IS NULL OR length(audit_hash) = 32)),
  CONSTRAINT `tenants_counters` CHECK (graph_revision >= 0 AND audit_sequence >= 0),
  CONSTRAINT `tenants_country` CHECK (length(country) = 2),
  CONSTRAINT `tenants_history` CHECK (history_retention >= 0 AND history_since >= 0),
  CONSTRAINT `tenants_terms` CHECK (loss_threshold >= 0 AND grace_period >= 0 AND suspension_period >= 0 AND deleted_user_retention >= 0)
);
-- copy rows from old table "tenants" to new temporary table "new_tenants"
INSERT INTO `new_tenants` (`id`, `name`, `name_key`, `country`, `loss_threshold`, `grace_period`, `suspension_period`, `deleted_user_retention`, `graph_revision`, `audit_sequence`, `last_instant`, `created_at`) SELECT `id`, `name`, `name_key`, `country`, `loss_threshold`, `grace_period`, `suspension_period`, `deleted_user_retention`, `graph_revision`, `audit_sequence`, `last_instant`, `created_at` FROM `tenants`;
-- drop "tenants" table after copying rows
DROP TABLE `tenants`;
-- rename temporary table "new_tenants" to "tenants"
ALTER TABLE `new_tenants` RENAME TO `tenants`;
-- create index "tenants_name_key_key" to table: "tenants"
CREATE UNIQUE INDEX `tenants_name_key_key` ON `tenants` (`name_key`);
-- add column "begin_event_id" to table: "operations"
ALTER TABLE `operations` ADD COLUMN `begin_event_id` text NULL;
-- add column "end_event_id" to table: "operations"
ALTER TABLE `operations` ADD COLUMN `end_event_id` text NULL;
-- add column "cancelled_by" to table: "operations"
ALTER TABLE `operations` ADD COLUMN `cancelled_by` text NULL;
-- create index "operations_unreported" to table: "operations"
CREATE INDEX `operations_unreported` ON `operations` (`finished_at`, `id`) WHERE begin_event_id IS NOT NULL AND end_event_id IS NULL;
-- create "audit_checkpoints" table
CREATE TABLE `audit_checkpoints` (
  `id` integer NOT NULL,
  `tenant_id` text NOT NULL,
  `sequence` integer NOT NULL,
  `hash` blob NOT NULL,
  `occurred_at` integer NOT NULL,
  `events` integer NOT NULL,
  `pruned_at` integer NOT NULL,
  `event_sequence` integer NOT NULL,
  `seal` blob NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `audit_checkpoints_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `audit_checkpoints_hashes` CHECK (length(hash) = 32 AND length(seal) = 32)
);
-- create index "auditcheckpoint_tenant_id_sequence" to table: "audit_checkpoints"
CREATE UNIQUE INDEX `auditcheckpoint_tenant_id_sequence` ON `audit_checkpoints` (`tenant_id`, `sequence`);
-- create "audit_mentions" table
CREATE TABLE `audit_mentions` (
  `id` integer NOT NULL,
  `tenant_id` text NOT NULL,
  `node` text NOT NULL,
  `sequence` integer NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `audit_mentions_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "auditmention_tenant_id_node_sequence" to table: "audit_mentions"
CREATE UNIQUE INDEX `auditmention_tenant_id_node_sequence` ON `audit_mentions` (`tenant_id`, `node`, `sequence`);
-- create index "auditmention_tenant_id_sequence" to table: "audit_mentions"
CREATE INDEX `auditmention_tenant_id_sequence` ON `audit_mentions` (`tenant_id`, `sequence`);
-- create "former_catalogs" table
CREATE TABLE `former_catalogs` (
  `id` integer NOT NULL,
  `until` integer NOT NULL,
  `data` blob NOT NULL,
  PRIMARY KEY (`id`)
);
-- create index "formercatalog_until" to table: "former_catalogs"
CREATE UNIQUE INDEX `formercatalog_until` ON `former_catalogs` (`until`);
-- create "place_counters" table
CREATE TABLE `place_counters` (
  `id` integer NOT NULL,
  `tenant_id` text NOT NULL,
  `assignment_id` text NOT NULL,
  `used` integer NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  CONSTRAINT `place_counters_assignment_id_fkey` FOREIGN KEY (`tenant_id`, `assignment_id`) REFERENCES `assignments` (`tenant_id`, `id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `place_counters_not_negative` CHECK (used >= 0)
);
-- create index "placecounter_tenant_id_assignment_id" to table: "place_counters"
CREATE UNIQUE INDEX `placecounter_tenant_id_assignment_id` ON `place_counters` (`tenant_id`, `assignment_id`);
-- create "tenants_history" table
CREATE TABLE `tenants_history` (
  `tenant_id` text NOT NULL,
  `country` text NOT NULL,
  `until` integer NOT NULL,
  PRIMARY KEY (`tenant_id`, `until`),
  CONSTRAINT `tenants_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create "groups_history" table
CREATE TABLE `groups_history` (
  `id` text NOT NULL,
  `tenant_id` text NOT NULL,
  `display_name` text NOT NULL,
  `display_name_key` text NOT NULL,
  `description` text NULL,
  `external_id` text NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `version` integer NOT NULL DEFAULT 1,
  `until` integer NOT NULL,
  PRIMARY KEY (`id`, `tenant_id`, `until`),
  CONSTRAINT `groups_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create "nestings_history" table
CREATE TABLE `nestings_history` (
  `tenant_id` text NOT NULL,
  `parent_id` text NOT NULL,
  `child_id` text NOT NULL,
  `created_at` integer NOT NULL,
  `until` integer NOT NULL,
  PRIMARY KEY (`tenant_id`, `parent_id`, `child_id`, `until`),
  CONSTRAINT `nestings_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create "subscriptions_history" table
CREATE TABLE `subscriptions_history` (
  `id` text NOT NULL,
  `tenant_id` text NOT NULL,
  `product_id` text NOT NULL,
  `seats` integer NULL,
  `status` text NOT NULL,
  `starts_at` integer NOT NULL DEFAULT 0,
  `live_since` integer NULL,
  `renews_at` integer NULL,
  `ends_at` integer NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `cancelled_at` integer NULL,
  `version` integer NOT NULL DEFAULT 1,
  `until` integer NOT NULL,
  PRIMARY KEY (`id`, `tenant_id`, `until`),
  CONSTRAINT `subscriptions_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create "users_history" table
CREATE TABLE `users_history` (
  `id` text NOT NULL,
  `tenant_id` text NOT NULL,
  `user_principal_name` text NOT NULL,
  `display_name` text NOT NULL,
  `mail` text NULL,
  `department` text NULL,
  `job_title` text NULL,
  `usage_location` text NULL,
  `user_type` text NOT NULL,
  `account_enabled` bool NOT NULL,
  `external_id` text NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `deleted_at` integer NULL,
  `restored_at` integer NULL,
  `version` integer NOT NULL DEFAULT 1,
  `until` integer NOT NULL,
  PRIMARY KEY (`id`, `tenant_id`, `until`),
  CONSTRAINT `users_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "users_history_ended" to table: "users_history"
CREATE INDEX `users_history_ended` ON `users_history` (`tenant_id`, `until`);
-- create "memberships_history" table
CREATE TABLE `memberships_history` (
  `tenant_id` text NOT NULL,
  `group_id` text NOT NULL,
  `user_id` text NOT NULL,
  `created_at` integer NOT NULL,
  `until` integer NOT NULL,
  PRIMARY KEY (`tenant_id`, `group_id`, `user_id`, `until`),
  CONSTRAINT `memberships_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "memberships_history_group" to table: "memberships_history"
CREATE INDEX `memberships_history_group` ON `memberships_history` (`tenant_id`, `group_id`, `until`);
-- create index "memberships_history_ended" to table: "memberships_history"
CREATE INDEX `memberships_history_ended` ON `memberships_history` (`tenant_id`, `until`);
-- create "assignments_history" table
CREATE TABLE `assignments_history` (
  `id` text NOT NULL,
  `tenant_id` text NOT NULL,
  `user_id` text NULL,
  `group_id` text NULL,
  `product_id` text NOT NULL,
  `mode` text NOT NULL,
  `plans` text NOT NULL DEFAULT '[]',
  `include_nested` bool NOT NULL DEFAULT true,
  `scheduled` bool NOT NULL DEFAULT false,
  `starts_at` integer NULL,
  `began_at` integer NULL,
  `ends_at` integer NULL,
  `seat_limit` integer NULL,
  `excluded_groups` text NOT NULL DEFAULT '[]',
  `priority` integer NOT NULL DEFAULT 0,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `version` integer NOT NULL DEFAULT 1,
  `until` integer NOT NULL,
  PRIMARY KEY (`id`, `tenant_id`, `until`),
  CONSTRAINT `assignments_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "assignments_history_user" to table: "assignments_history"
CREATE INDEX `assignments_history_user` ON `assignments_history` (`tenant_id`, `user_id`, `until`) WHERE user_id IS NOT NULL;
-- create index "assignments_history_group" to table: "assignments_history"
CREATE INDEX `assignments_history_group` ON `assignments_history` (`tenant_id`, `until`) WHERE group_id IS NOT NULL;
-- create "license_violations_history" table
CREATE TABLE `license_violations_history` (
  `id` integer NOT NULL,
  `tenant_id` text NOT NULL,
  `user_id` text NOT NULL,
  `assignment_id` text NOT NULL,
  `plan_id` text NULL,
  `code` text NOT NULL,
  `since` integer NOT NULL,
  `opened_by` text NOT NULL,
  `product_id` text NOT NULL,
  `principal_id` text NOT NULL,
  `inherited` bool NOT NULL,
  `assignment_created_at` integer NOT NULL,
  `rank` integer NOT NULL DEFAULT 0,
  `until` integer NOT NULL,
  PRIMARY KEY (`id`, `tenant_id`, `until`),
  CONSTRAINT `license_violations_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "license_violations_history_user" to table: "license_violations_history"
CREATE INDEX `license_violations_history_user` ON `license_violations_history` (`tenant_id`, `user_id`, `until`);
-- create index "license_violations_history_product" to table: "license_violations_history"
CREATE INDEX `license_violations_history_product` ON `license_violations_history` (`tenant_id`, `product_id`, `until`);
-- create "place_counters_history" table
CREATE TABLE `place_counters_history` (
  `tenant_id` text NOT NULL,
  `assignment_id` text NOT NULL,
  `used` integer NOT NULL DEFAULT 0,
  `until` integer NOT NULL,
  PRIMARY KEY (`tenant_id`, `assignment_id`, `until`),
  CONSTRAINT `place_counters_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create "seat_counters_history" table
CREATE TABLE `seat_counters_history` (
  `tenant_id` text NOT NULL,
  `product_id` text NOT NULL,
  `consumed` integer NOT NULL DEFAULT 0,
  `waiting` integer NOT NULL DEFAULT 0,
  `in_error` integer NOT NULL DEFAULT 0,
  `event_id` text NOT NULL,
  `gaining` integer NOT NULL,
  `losing` integer NOT NULL,
  `refused` integer NOT NULL,
  `healed` integer NOT NULL,
  `until` integer NOT NULL,
  PRIMARY KEY (`tenant_id`, `product_id`, `until`),
  CONSTRAINT `seat_counters_history_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION
);
-- create index "seat_counters_history_ended" to table: "seat_counters_history"
CREATE INDEX `seat_counters_history_ended` ON `seat_counters_history` (`tenant_id`, `until`);
-- what was before is not known: the past begins with the present
UPDATE tenants SET history_since = last_instant;
-- events that are there already have no hash: the chain begins after them
UPDATE `tenants` SET `audit_unchained` = `audit_sequence`;
-- what they named: their subjects, the products of their counts, and the user or group that a field ends with (26 characters follow the kind)
INSERT INTO `audit_mentions` (`tenant_id`, `node`, `sequence`)
SELECT e.tenant_id, json_extract(j.value, '$.id'), e.sequence FROM audit_events e, json_each(e.subjects) AS j
UNION SELECT e.tenant_id, json_extract(j.value, '$.productId'), e.sequence FROM audit_events e, json_each(e.products) AS j
UNION SELECT e.tenant_id, substr(json_extract(j.value, '$.field'), -31), e.sequence FROM audit_events e, json_each(e.fields) AS j WHERE substr(substr(json_extract(j.value, '$.field'), -35), 1, 9) = ' of user_'
UNION SELECT e.tenant_id, substr(json_extract(j.value, '$.field'), -32), e.sequence FROM audit_events e, json_each(e.fields) AS j WHERE substr(substr(json_extract(j.value, '$.field'), -36), 1, 10) = ' of group_';
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
