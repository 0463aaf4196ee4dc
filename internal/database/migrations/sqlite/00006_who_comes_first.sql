-- +goose Up
-- add column "seat_limit" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `seat_limit` integer NULL;
-- add column "excluded_groups" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `excluded_groups` text NOT NULL DEFAULT '[]';
-- add column "priority" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `priority` integer NOT NULL DEFAULT 0;
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
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
