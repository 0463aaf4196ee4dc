-- +goose Up
-- create "operations" table
CREATE TABLE `operations` (
  `id` text NOT NULL,
  `tenant_id` text NOT NULL,
  `kind` text NOT NULL,
  `for_groups` bool NOT NULL DEFAULT false,
  `dry_run` bool NOT NULL DEFAULT false,
  `state` text NOT NULL,
  `actor_kind` text NOT NULL,
  `actor` text NOT NULL,
  `request_id` text NULL,
  `runner_id` text NOT NULL,
  `beat_at` integer NOT NULL,
  `phase` text NULL,
  `done` integer NOT NULL DEFAULT 0,
  `total` integer NULL,
  `created_at` integer NOT NULL,
  `started_at` integer NULL,
  `finished_at` integer NULL,
  `changed` bool NOT NULL DEFAULT false,
  `event_id` text NULL,
  `impact` text NULL,
  `errors` text NOT NULL DEFAULT '[]',
  `results` integer NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  CONSTRAINT `operations_tenant_id_fkey` FOREIGN KEY (`tenant_id`) REFERENCES `tenants` (`id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `operations_changed` CHECK ((NOT changed OR state = 'SUCCEEDED') AND (event_id IS NULL OR changed)),
  CONSTRAINT `operations_counts` CHECK (done >= 0 AND (total IS NULL OR total >= 0) AND results >= 0),
  CONSTRAINT `operations_finished` CHECK ((finished_at IS NULL) = (state IN ('QUEUED', 'RUNNING'))),
  CONSTRAINT `operations_state` CHECK (state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'INTERRUPTED'))
);
-- create index "operation_tenant_id_id" to table: "operations"
CREATE UNIQUE INDEX `operation_tenant_id_id` ON `operations` (`tenant_id`, `id`);
-- create index "operation_tenant_id_created_at_id" to table: "operations"
CREATE INDEX `operation_tenant_id_created_at_id` ON `operations` (`tenant_id`, `created_at`, `id`);
-- create index "operations_unfinished" to table: "operations"
CREATE INDEX `operations_unfinished` ON `operations` (`runner_id`) WHERE finished_at IS NULL;
-- create index "operations_finished" to table: "operations"
CREATE INDEX `operations_finished` ON `operations` (`finished_at`) WHERE finished_at IS NOT NULL;
-- create "operation_results" table
CREATE TABLE `operation_results` (
  `id` integer NOT NULL,
  `tenant_id` text NOT NULL,
  `operation_id` text NOT NULL,
  `position` integer NOT NULL,
  `group_id` text NULL,
  `principal` text NOT NULL,
  `changed` bool NOT NULL,
  `errors` text NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `operation_results_operation_id_fkey` FOREIGN KEY (`tenant_id`, `operation_id`) REFERENCES `operations` (`tenant_id`, `id`) ON UPDATE NO ACTION ON DELETE NO ACTION,
  CONSTRAINT `operation_results_position` CHECK (position >= 0)
);
-- create index "operationresult_tenant_id_operation_id_position" to table: "operation_results"
CREATE UNIQUE INDEX `operationresult_tenant_id_operation_id_position` ON `operation_results` (`tenant_id`, `operation_id`, `position`);
-- every foreign key leads somewhere
CREATE TEMPORARY TABLE dangling (name text CHECK (name IS NULL));
INSERT INTO dangling SELECT "table" FROM pragma_foreign_key_check;
DROP TABLE dangling;
