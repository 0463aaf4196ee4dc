-- What version 6 of the schema adds to the rows of the files before: an event with a hash, what it named,
-- and a checkpoint.
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
