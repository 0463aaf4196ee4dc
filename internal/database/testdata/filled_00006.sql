-- What version 6 of the schema adds to the rows of the files before: former rows, whose referents may be gone; dates,
-- priorities, exclusions and limits of assignments; an event with a hash, what it named, and a checkpoint.
INSERT INTO former_catalogs (id, until, data) VALUES (1, 1700000000000005, $BLOB);
INSERT INTO tenants_history (tenant_id, country, until) VALUES ('00000000-0000-7000-8000-000000000001', 'NL', 1700000000000005);
INSERT INTO groups_history (id, tenant_id, display_name, display_name_key, description, external_id, created_at, updated_at, version, until) VALUES
  ('00000000-0000-7000-8000-0000000000e1', '00000000-0000-7000-8000-000000000001', 'Été', 'été', NULL, NULL, 1700000000000001, 1700000000000001, 1, 1700000000000005);
INSERT INTO nestings_history (tenant_id, parent_id, child_id, created_at, until) VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000e1', '00000000-0000-7000-8000-0000000000e2', 1700000000000001, 1700000000000005);
INSERT INTO memberships_history (tenant_id, group_id, user_id, created_at, until) VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000e1', '00000000-0000-7000-8000-0000000000e3', 1700000000000001, 1700000000000005);
INSERT INTO users_history (id, tenant_id, user_principal_name, display_name, mail, department, job_title, usage_location, user_type, account_enabled, external_id, created_at, updated_at, deleted_at, restored_at, version, until) VALUES
  ('00000000-0000-7000-8000-0000000000e3', '00000000-0000-7000-8000-000000000001', 'Zoë@example.com', 'Zoë', NULL, 'Été', NULL, 'NL', 'GUEST', true, NULL, 1700000000000001, 1700000000000001, NULL, NULL, 1, 1700000000000005);
INSERT INTO subscriptions_history (id, tenant_id, product_id, seats, status, starts_at, live_since, renews_at, ends_at, created_at, updated_at, cancelled_at, version, until) VALUES
  ('00000000-0000-7000-8000-0000000000e4', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000e5', NULL, 'ENABLED', 1700000000000001, 1700000000000001, NULL, NULL, 1700000000000001, 1700000000000001, NULL, 1, 1700000000000005);
INSERT INTO assignments_history (id, tenant_id, user_id, group_id, product_id, mode, plans, include_nested, created_at, updated_at, version, until) VALUES
  ('00000000-0000-7000-8000-0000000000e6', '00000000-0000-7000-8000-000000000001', NULL, '00000000-0000-7000-8000-0000000000e1', '00000000-0000-7000-8000-0000000000e5', 'EXCEPT', '[]', false, 1700000000000001, 1700000000000001, 1, 1700000000000005);
INSERT INTO license_violations_history (id, tenant_id, user_id, assignment_id, plan_id, code, since, opened_by, product_id, principal_id, inherited, assignment_created_at, until) VALUES
  (77, '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000e3', '00000000-0000-7000-8000-0000000000e6', NULL, 'COUNT_VIOLATION', 1700000000000001, '00000000-0000-7000-8000-0000000000e7', '00000000-0000-7000-8000-0000000000e5', '00000000-0000-7000-8000-0000000000e1', true, 1700000000000001, 1700000000000005);
INSERT INTO seat_counters_history (tenant_id, product_id, consumed, waiting, in_error, event_id, gaining, losing, refused, healed, until) VALUES
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000e5', 3, 1, 1, '00000000-0000-7000-8000-0000000000e7', 1, 2, 3, 4, 1700000000000005);
UPDATE assignments SET scheduled = true, starts_at = 1700000000000005, ends_at = 1700000000000009 WHERE id = '00000000-0000-7000-8000-000000000091';
UPDATE assignments SET starts_at = 1700000000000001, began_at = 1700000000000002 WHERE id = '00000000-0000-7000-8000-000000000092';
UPDATE tenants SET audit_retention = 3600000000, audit_sequence = 3, audit_hash = $BLOB, audit_unchained = 2
  WHERE id = '00000000-0000-7000-8000-000000000001';
INSERT INTO audit_events (id, tenant_id, sequence, occurred_at, actor_kind, actor, request_id, action, summary, subjects, fields, products, cause_id, encoding, hash) VALUES
  ('00000000-0000-7000-8000-000000000023', '00000000-0000-7000-8000-000000000001', 3, 1700000000000003, 'COMMAND', 'tenant update', NULL, 'tenant.update', 'Updated.', '[{"id":"tenant_00000000007000800000000001","name":"Example"}]', '[]', '[]', NULL, 1, $BLOB);
INSERT INTO audit_mentions (tenant_id, node, sequence) VALUES
  ('00000000-0000-7000-8000-000000000001', 'tenant_00000000007000800000000001', 3);
INSERT INTO audit_checkpoints (tenant_id, sequence, hash, occurred_at, events, pruned_at, event_sequence, seal) VALUES
  ('00000000-0000-7000-8000-000000000002', 4, $BLOB, 1700000000000000, 4, 1700000000000001, 5, $BLOB);
UPDATE operations SET begin_event_id = '00000000-0000-7000-8000-0000000000a2', end_event_id = '00000000-0000-7000-8000-0000000000a3', cancelled_by = 'ci'
  WHERE id = '00000000-0000-7000-8000-000000000091';
UPDATE assignments SET priority = 5, seat_limit = 3, excluded_groups = '["00000000-0000-7000-8000-000000000072"]' WHERE group_id IS NOT NULL;
UPDATE assignments SET priority = 5 WHERE user_id IS NOT NULL;
UPDATE license_violations SET rank = -5;
INSERT INTO place_counters (tenant_id, assignment_id, used) VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000091', 1);
INSERT INTO place_counters_history (tenant_id, assignment_id, used, until) VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000e6', 2, 1700000000000005);
