-- +goose Up
-- drop index "membership_tenant_id_user_id_group_id" from table: "memberships"
DROP INDEX "membership_tenant_id_user_id_group_id";
-- create index "membership_tenant_id_user_id_group_id_created_at" to table: "memberships"
CREATE INDEX "membership_tenant_id_user_id_group_id_created_at" ON "memberships" ("tenant_id", "user_id", "group_id", "created_at");
