-- +goose Up
-- drop index "membership_tenant_id_user_id_group_id" from table: "memberships"
DROP INDEX `membership_tenant_id_user_id_group_id`;
-- create index "membership_tenant_id_user_id_group_id_created_at" to table: "memberships"
CREATE INDEX `membership_tenant_id_user_id_group_id_created_at` ON `memberships` (`tenant_id`, `user_id`, `group_id`, `created_at`);
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
