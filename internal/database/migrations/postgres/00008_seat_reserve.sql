-- +goose Up
-- modify "assignments" table
ALTER TABLE "assignments" ADD CONSTRAINT "assignments_reserve" CHECK ((seat_reserve >= 0) AND (seat_reserve <= COALESCE(seat_limit, seat_reserve))), ADD COLUMN "seat_reserve" integer NOT NULL DEFAULT 0;
-- modify "assignments_history" table
ALTER TABLE "assignments_history" ADD COLUMN "seat_reserve" integer NOT NULL DEFAULT 0;
