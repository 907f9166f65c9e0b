-- What tells how fast a job goes: since when and from how many parts this run of it counts, and when it counted last.
ALTER TABLE jobs ADD COLUMN started_at TIMESTAMP;
ALTER TABLE jobs ADD COLUMN started_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN progressed_at TIMESTAMP;
