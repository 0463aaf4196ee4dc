-- +goose Up
-- drop index "license_violations_plan" from table: "license_violations"
DROP INDEX `license_violations_plan`;
-- create index "license_violations_plan" to table: "license_violations"
CREATE UNIQUE INDEX `license_violations_plan` ON `license_violations` (`tenant_id`, `user_id`, `assignment_id`, `plan_id`);
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
