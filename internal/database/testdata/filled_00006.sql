-- Version 6 of the schema gives assignments a priority, which their violations copy, groups that they exclude, and limits with counters.
UPDATE assignments SET priority = 5, seat_limit = 3, excluded_groups = '["00000000-0000-7000-8000-000000000072"]' WHERE group_id IS NOT NULL;
UPDATE assignments SET priority = 5 WHERE user_id IS NOT NULL;
UPDATE license_violations SET rank = -5;
INSERT INTO place_counters (tenant_id, assignment_id, used) VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000091', 1);
