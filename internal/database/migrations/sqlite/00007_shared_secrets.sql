-- +goose Up
-- create "secrets" table
CREATE TABLE `secrets` (
  `id` text NOT NULL,
  `value` blob NOT NULL,
  `created_at` integer NOT NULL,
  PRIMARY KEY (`id`)
);
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
