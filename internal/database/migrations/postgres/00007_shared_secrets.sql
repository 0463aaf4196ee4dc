-- +goose Up
-- create "secrets" table
CREATE TABLE "secrets" (
  "id" text NOT NULL,
  "value" bytea NOT NULL,
  "created_at" bigint NOT NULL,
  PRIMARY KEY ("id")
);
