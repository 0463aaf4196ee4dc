-- What version 2 of the schema adds to the rows of filled_00001.sql: values other than the defaults
-- in the new columns, and rows in the new tables.
UPDATE tenants SET loss_threshold = 5, grace_period = 60000000, suspension_period = 0, deleted_user_retention = 3600000000
  WHERE id = '00000000-0000-7000-8000-000000000001';
UPDATE plans SET auto_assigned = true WHERE id = '00000000-0000-7000-8000-000000000042';
INSERT INTO plans (id, service_plan_name, display_name, display_name_key, auto_assigned, retired_at) VALUES
  ('00000000-0000-7000-8000-000000000043', 'CALLS', 'Calls', 'calls', false, 1700000000000001);
INSERT INTO plan_prerequisites (plan_id, requires_id) VALUES
  ('00000000-0000-7000-8000-000000000043', '00000000-0000-7000-8000-000000000041'),
  ('00000000-0000-7000-8000-000000000043', '00000000-0000-7000-8000-000000000042');
INSERT INTO plan_locations (plan_id, country, allowed) VALUES
  ('00000000-0000-7000-8000-000000000041', 'CN', false),
  ('00000000-0000-7000-8000-000000000043', 'NL', true),
  ('00000000-0000-7000-8000-000000000043', 'DE', true);
UPDATE subscriptions SET starts_at = created_at, live_since = created_at, renews_at = 1750000000000000, ends_at = 1750000000000000;
INSERT INTO subscriptions (id, tenant_id, product_id, seats, status, starts_at, live_since, renews_at, ends_at, created_at, updated_at, cancelled_at, version) VALUES
  ('00000000-0000-7000-8000-000000000083', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000031', 7, 'SCHEDULED', 1800000000000000, NULL, NULL, NULL, 1700000000000000, 1700000000000000, NULL, 1),
  ('00000000-0000-7000-8000-000000000084', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000031', 7, 'SUSPENDED', 1700000000000000, 1700000000000000, NULL, 1700000000000001, 1700000000000000, 1700000000000002, NULL, 3);
