-- +goose Up
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
