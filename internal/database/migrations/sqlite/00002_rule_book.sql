-- +goose Up
-- add column "auto_assigned" to table: "plans"
ALTER TABLE `plans` ADD COLUMN `auto_assigned` bool NOT NULL DEFAULT false;
-- create "new_subscriptions" table
CREATE TABLE `new_subscriptions` (
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
  PRIMARY KEY (`id`),
  CONSTRAINT `subscriptions_product_id_fkey` FOREIGN KEY (`product_id`) REFERENCES `products` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `subscriptions_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `subscriptions_cancelled` CHECK ((status = 'CANCELLED') = (cancelled_at IS NOT NULL)),
  CONSTRAINT `subscriptions_live` CHECK (status <> 'SCHEDULED' OR live_since IS NULL),
  CONSTRAINT `subscriptions_seats` CHECK (seats IS NULL OR seats >= 0),
  CONSTRAINT `subscriptions_status` CHECK (status IN ('SCHEDULED', 'ENABLED', 'WARNING', 'SUSPENDED', 'LOCKED_OUT', 'CANCELLED')),
  CONSTRAINT `subscriptions_version` CHECK (version >= 1)
);
-- copy rows from old table "subscriptions" to new temporary table "new_subscriptions"
INSERT INTO `new_subscriptions` (`id`, `tenant_id`, `product_id`, `seats`, `status`, `created_at`, `updated_at`, `cancelled_at`, `version`) SELECT `id`, `tenant_id`, `product_id`, `seats`, `status`, `created_at`, `updated_at`, `cancelled_at`, `version` FROM `subscriptions`;
-- subscriptions have been live from their creation until now
UPDATE `new_subscriptions` SET `starts_at` = `created_at`, `live_since` = `created_at`;
-- drop "subscriptions" table after copying rows
DROP TABLE `subscriptions`;
-- rename temporary table "new_subscriptions" to "subscriptions"
ALTER TABLE `new_subscriptions` RENAME TO `subscriptions`;
-- create index "subscription_tenant_id_id" to table: "subscriptions"
CREATE UNIQUE INDEX `subscription_tenant_id_id` ON `subscriptions` (`tenant_id`, `id`);
-- create index "subscription_tenant_id_product_id" to table: "subscriptions"
CREATE INDEX `subscription_tenant_id_product_id` ON `subscriptions` (`tenant_id`, `product_id`);
-- create index "subscription_product_id" to table: "subscriptions"
CREATE INDEX `subscription_product_id` ON `subscriptions` (`product_id`);
-- create index "subscriptions_beginning" to table: "subscriptions"
CREATE INDEX `subscriptions_beginning` ON `subscriptions` (`status`, `starts_at`) WHERE status = 'SCHEDULED';
-- create index "subscriptions_ending" to table: "subscriptions"
CREATE INDEX `subscriptions_ending` ON `subscriptions` (`status`, `ends_at`) WHERE ends_at IS NOT NULL AND status IN ('ENABLED', 'WARNING', 'SUSPENDED');
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
  `audit_sequence` integer NOT NULL DEFAULT 0,
  `last_instant` integer NOT NULL,
  `created_at` integer NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `tenants_counters` CHECK (graph_revision >= 0 AND audit_sequence >= 0),
  CONSTRAINT `tenants_country` CHECK (length(country) = 2),
  CONSTRAINT `tenants_terms` CHECK (loss_threshold >= 0 AND grace_period >= 0 AND suspension_period >= 0 AND deleted_user_retention >= 0)
);
-- copy rows from old table "tenants" to new temporary table "new_tenants"
INSERT INTO `new_tenants` (`id`, `name`, `name_key`, `country`, `graph_revision`, `audit_sequence`, `last_instant`, `created_at`) SELECT `id`, `name`, `name_key`, `country`, `graph_revision`, `audit_sequence`, `last_instant`, `created_at` FROM `tenants`;
-- drop "tenants" table after copying rows
DROP TABLE `tenants`;
-- rename temporary table "new_tenants" to "tenants"
ALTER TABLE `new_tenants` RENAME TO `tenants`;
-- create index "tenants_name_key_key" to table: "tenants"
CREATE UNIQUE INDEX `tenants_name_key_key` ON `tenants` (`name_key`);
-- create index "users_deleted" to table: "users"
CREATE INDEX `users_deleted` ON `users` (`deleted_at`) WHERE deleted_at IS NOT NULL;
-- create "plan_locations" table
CREATE TABLE `plan_locations` (
  `id` integer NOT NULL,
  `plan_id` text NOT NULL,
  `country` text NOT NULL,
  `allowed` bool NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `plan_locations_plan_id_fkey` FOREIGN KEY (`plan_id`) REFERENCES `plans` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `plan_locations_country` CHECK (length(country) = 2)
);
-- create index "planlocation_plan_id_country" to table: "plan_locations"
CREATE UNIQUE INDEX `planlocation_plan_id_country` ON `plan_locations` (`plan_id`, `country`);
-- create "plan_prerequisites" table
CREATE TABLE `plan_prerequisites` (
  `id` integer NOT NULL,
  `plan_id` text NOT NULL,
  `requires_id` text NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `plan_prerequisites_requires_id_fkey` FOREIGN KEY (`requires_id`) REFERENCES `plans` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `plan_prerequisites_plan_id_fkey` FOREIGN KEY (`plan_id`) REFERENCES `plans` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `plan_prerequisites_not_itself` CHECK (plan_id <> requires_id)
);
-- create index "planprerequisite_plan_id_requires_id" to table: "plan_prerequisites"
CREATE UNIQUE INDEX `planprerequisite_plan_id_requires_id` ON `plan_prerequisites` (`plan_id`, `requires_id`);
-- create index "planprerequisite_requires_id" to table: "plan_prerequisites"
CREATE INDEX `planprerequisite_requires_id` ON `plan_prerequisites` (`requires_id`);
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
