-- What version 8 of the schema adds to the rows of the files before: seats that are kept for a group, within its limit.
UPDATE assignments SET seat_reserve = 2 WHERE group_id IS NOT NULL;
UPDATE assignments_history SET seat_reserve = 1 WHERE group_id IS NOT NULL;
