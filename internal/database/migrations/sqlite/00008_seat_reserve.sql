-- +goose Up
-- create "new_assignments" table
CREATE TABLE `new_assignments` (
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
  `seat_reserve` integer NOT NULL DEFAULT 0,
  `excluded_groups` text NOT NULL DEFAULT '[]',
  `priority` integer NOT NULL DEFAULT 0,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL,
  `version` integer NOT NULL DEFAULT 1,
  PRIMARY KEY (`id`),
  CONSTRAINT `assignments_product_id_fkey` FOREIGN KEY (`product_id`) REFERENCES `products` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `assignments_group_id_fkey` FOREIGN KEY (`tenant_id`, `group_id`) REFERENCES `groups` (`tenant_id`, `id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `assignments_user_id_fkey` FOREIGN KEY (`tenant_id`, `user_id`) REFERENCES `users` (`tenant_id`, `id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `assignments_mode` CHECK (mode IN ('ALL', 'EXCEPT', 'ONLY')),
  CONSTRAINT `assignments_one_principal` CHECK ((user_id IS NULL) <> (group_id IS NULL)),
  CONSTRAINT `assignments_reserve` CHECK (seat_reserve >= 0 AND seat_reserve <= coalesce(seat_limit, seat_reserve)),
  CONSTRAINT `assignments_version` CHECK (version >= 1)
);
-- copy rows from old table "assignments" to new temporary table "new_assignments"
INSERT INTO `new_assignments` (`id`, `tenant_id`, `user_id`, `group_id`, `product_id`, `mode`, `plans`, `include_nested`, `scheduled`, `starts_at`, `began_at`, `ends_at`, `seat_limit`, `excluded_groups`, `priority`, `created_at`, `updated_at`, `version`) SELECT `id`, `tenant_id`, `user_id`, `group_id`, `product_id`, `mode`, `plans`, `include_nested`, `scheduled`, `starts_at`, `began_at`, `ends_at`, `seat_limit`, `excluded_groups`, `priority`, `created_at`, `updated_at`, `version` FROM `assignments`;
-- drop "assignments" table after copying rows
DROP TABLE `assignments`;
-- rename temporary table "new_assignments" to "assignments"
ALTER TABLE `new_assignments` RENAME TO `assignments`;
-- create index "assignment_tenant_id_id" to table: "assignments"
CREATE UNIQUE INDEX `assignment_tenant_id_id` ON `assignments` (`tenant_id`, `id`);
-- create index "assignment_tenant_id_user_id_product_id" to table: "assignments"
CREATE UNIQUE INDEX `assignment_tenant_id_user_id_product_id` ON `assignments` (`tenant_id`, `user_id`, `product_id`) WHERE user_id IS NOT NULL;
-- create index "assignment_tenant_id_group_id_product_id" to table: "assignments"
CREATE UNIQUE INDEX `assignment_tenant_id_group_id_product_id` ON `assignments` (`tenant_id`, `group_id`, `product_id`) WHERE group_id IS NOT NULL;
-- create index "assignment_tenant_id_product_id_id" to table: "assignments"
CREATE INDEX `assignment_tenant_id_product_id_id` ON `assignments` (`tenant_id`, `product_id`, `id`);
-- create index "assignments_beginning" to table: "assignments"
CREATE INDEX `assignments_beginning` ON `assignments` (`starts_at`) WHERE scheduled;
-- create index "assignments_ending" to table: "assignments"
CREATE INDEX `assignments_ending` ON `assignments` (`ends_at`) WHERE ends_at IS NOT NULL;
-- create index "assignments_expiring" to table: "assignments"
CREATE INDEX `assignments_expiring` ON `assignments` (`tenant_id`, `ends_at`, `id`) WHERE ends_at IS NOT NULL;
-- add column "seat_reserve" to table: "assignments_history"
ALTER TABLE `assignments_history` ADD COLUMN `seat_reserve` integer NOT NULL DEFAULT 0;
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
