DROP INDEX acts_by_source;
DROP INDEX acts_by_batch;
ALTER TABLE acts DROP COLUMN batch_id;
DROP INDEX file_records_by_batch;
ALTER TABLE file_records DROP COLUMN batch_id;
DROP INDEX observations_by_source_period;
DROP INDEX observations_by_source;
DROP INDEX observations_by_batch;
ALTER TABLE observations DROP COLUMN batch_id;
DROP INDEX positions_by_source;
DROP INDEX positions_by_batch;
ALTER TABLE positions DROP COLUMN batch_id;
DROP INDEX judges_by_batch;
ALTER TABLE judges DROP COLUMN batch_id;
DROP INDEX courts_by_batch;
ALTER TABLE courts DROP COLUMN batch_id;
DROP TABLE import_totals;
DROP TABLE import_findings;
DROP TABLE import_files;
DROP TABLE imports;

-- Work that only this version knows goes with it.
ALTER TABLE jobs RENAME TO jobs_after;
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('make_keys', 'compute_results')),
    object_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    done_count INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    error TEXT,
    requested_by TEXT NOT NULL REFERENCES accounts (id),
    created_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    version BIGINT NOT NULL,
    started_at TIMESTAMP,
    started_count INTEGER NOT NULL DEFAULT 0,
    progressed_at TIMESTAMP
);
INSERT INTO jobs SELECT id, kind, object_id, state, done_count, total_count, error, requested_by, created_at,
    finished_at, version, started_at, started_count, progressed_at FROM jobs_after WHERE kind <> 'import_records';
DROP TABLE jobs_after;
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_object ON jobs (object_id);
CREATE INDEX jobs_by_requested_by ON jobs (requested_by);
