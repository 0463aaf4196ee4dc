-- +goose Up
-- add column "scheduled" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `scheduled` bool NOT NULL DEFAULT false;
-- add column "starts_at" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `starts_at` integer NULL;
-- add column "began_at" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `began_at` integer NULL;
-- add column "ends_at" to table: "assignments"
ALTER TABLE `assignments` ADD COLUMN `ends_at` integer NULL;
-- create index "assignments_beginning" to table: "assignments"
CREATE INDEX `assignments_beginning` ON `assignments` (`starts_at`) WHERE scheduled;
-- create index "assignments_ending" to table: "assignments"
CREATE INDEX `assignments_ending` ON `assignments` (`ends_at`) WHERE ends_at IS NOT NULL;
-- create index "assignments_expiring" to table: "assignments"
CREATE INDEX `assignments_expiring` ON `assignments` (`tenant_id`, `ends_at`, `id`) WHERE ends_at IS NOT NULL;
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
