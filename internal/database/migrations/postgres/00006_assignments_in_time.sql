-- +goose Up
-- modify "assignments" table
ALTER TABLE "assignments" ADD COLUMN "scheduled" boolean NOT NULL DEFAULT false, ADD COLUMN "starts_at" bigint NULL, ADD COLUMN "began_at" bigint NULL, ADD COLUMN "ends_at" bigint NULL;
-- create index "assignments_beginning" to table: "assignments"
CREATE INDEX "assignments_beginning" ON "assignments" ("starts_at") WHERE scheduled;
-- create index "assignments_ending" to table: "assignments"
CREATE INDEX "assignments_ending" ON "assignments" ("ends_at") WHERE (ends_at IS NOT NULL);
-- create index "assignments_expiring" to table: "assignments"
CREATE INDEX "assignments_expiring" ON "assignments" ("tenant_id", "ends_at", "id") WHERE (ends_at IS NOT NULL);
