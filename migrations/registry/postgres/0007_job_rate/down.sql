ALTER TABLE jobs DROP COLUMN progressed_at;
ALTER TABLE jobs DROP COLUMN started_count;
ALTER TABLE jobs DROP COLUMN started_at;
