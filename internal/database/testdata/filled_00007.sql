INSERT INTO secrets (id, value, created_at) VALUES
  ('preview', $BLOB, 1700000000000001);
