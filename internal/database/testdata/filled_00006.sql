-- What version 6 of the schema adds to the rows of filled_00001.sql: one assignment is to begin, and to end, and one has begun.
UPDATE assignments SET scheduled = true, starts_at = 1700000000000005, ends_at = 1700000000000009 WHERE id = '00000000-0000-7000-8000-000000000091';
UPDATE assignments SET starts_at = 1700000000000001, began_at = 1700000000000002 WHERE id = '00000000-0000-7000-8000-000000000092';
