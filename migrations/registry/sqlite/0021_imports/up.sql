-- Files of records, taken in as one batch each. Long work may now be asked for by a machine client as well, so the table
-- of jobs is made anew: SQLite can neither widen a check nor let a column be null.
ALTER TABLE jobs RENAME TO jobs_before;
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('make_keys', 'compute_results', 'import_records')),
    object_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    done_count INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    error TEXT,
    requested_by TEXT REFERENCES accounts (id),
    created_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    version BIGINT NOT NULL,
    started_at TIMESTAMP,
    started_count INTEGER NOT NULL,
    progressed_at TIMESTAMP,
    requested_by_client TEXT REFERENCES clients (id),
    CHECK ((requested_by IS NULL) <> (requested_by_client IS NULL))
);
INSERT INTO jobs (id, kind, object_id, state, done_count, total_count, error, requested_by, created_at, finished_at,
    version, started_at, started_count, progressed_at)
    SELECT id, kind, object_id, state, done_count, total_count, error, requested_by, created_at, finished_at, version,
        started_at, started_count, progressed_at FROM jobs_before;
DROP TABLE jobs_before;
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_object ON jobs (object_id);
CREATE INDEX jobs_by_requested_by ON jobs (requested_by);
CREATE INDEX jobs_by_requested_by_client ON jobs (requested_by_client);

-- A file and what came of it. The types of records are those that the program knows, so that a new one needs no change
-- here.
CREATE TABLE imports (
    id TEXT NOT NULL PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    record_type TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('atomic', 'partial')),
    dry_run TEXT NOT NULL CHECK (dry_run IN ('false', 'true', 'if_warning')),
    file_format TEXT NOT NULL CHECK (file_format IN ('csv', 'ndjson', 'xlsx')),
    charset TEXT CHECK (charset IN ('utf-8', 'windows-1251', 'utf-16le', 'utf-16be')),
    file_digest TEXT NOT NULL,
    file_bytes BIGINT NOT NULL,
    requested_by TEXT REFERENCES accounts (id),
    requested_by_client TEXT REFERENCES clients (id),
    created_at TIMESTAMP NOT NULL,
    is_applied BOOLEAN NOT NULL,
    read_count BIGINT NOT NULL,
    new_count BIGINT NOT NULL,
    unchanged_count BIGINT NOT NULL,
    restated_count BIGINT NOT NULL,
    refused_count BIGINT NOT NULL,
    warning_count BIGINT NOT NULL,
    finding_count BIGINT NOT NULL,
    reversed_at TIMESTAMP,
    version BIGINT NOT NULL,
    CHECK ((requested_by IS NULL) <> (requested_by_client IS NULL))
);
CREATE INDEX imports_by_job ON imports (job_id);
CREATE INDEX imports_by_requested_by ON imports (requested_by);
CREATE INDEX imports_by_requested_by_client ON imports (requested_by_client);

-- The file itself, encrypted, as it may hold IINs; it is deleted when the work has ended.
CREATE TABLE import_files (
    import_id TEXT NOT NULL PRIMARY KEY REFERENCES imports (id),
    content BLOB NOT NULL
);

-- What was found in a file: refusals and warnings, by row; never a value of a person.
CREATE TABLE import_findings (
    import_id TEXT NOT NULL REFERENCES imports (id),
    number BIGINT NOT NULL,
    row_number BIGINT NOT NULL,
    pointer TEXT NOT NULL,
    code TEXT NOT NULL,
    argument TEXT,
    is_warning BOOLEAN NOT NULL,
    PRIMARY KEY (import_id, number)
);

-- What a file tells beside what is on record from the same source when it is through; by quarter and indicator for values.
CREATE TABLE import_totals (
    import_id TEXT NOT NULL REFERENCES imports (id),
    number BIGINT NOT NULL,
    source_system TEXT NOT NULL,
    period_start DATE,
    indicator_code TEXT,
    file_count BIGINT NOT NULL,
    file_total BIGINT,
    recorded_count BIGINT NOT NULL,
    recorded_total BIGINT,
    PRIMARY KEY (import_id, number)
);

-- Which batch a record came in with. The names that sources have for records are looked up in bulk.
ALTER TABLE courts ADD COLUMN batch_id TEXT REFERENCES imports (id);
CREATE INDEX courts_by_batch ON courts (batch_id);
ALTER TABLE judges ADD COLUMN batch_id TEXT REFERENCES imports (id);
CREATE INDEX judges_by_batch ON judges (batch_id);
ALTER TABLE positions ADD COLUMN batch_id TEXT REFERENCES imports (id);
CREATE INDEX positions_by_batch ON positions (batch_id);
CREATE INDEX positions_by_source ON positions (source_system, source_record_id) WHERE source_record_id IS NOT NULL;
ALTER TABLE observations ADD COLUMN batch_id TEXT REFERENCES imports (id);
CREATE INDEX observations_by_batch ON observations (batch_id);
CREATE INDEX observations_by_source ON observations (source_system, source_record_id) WHERE source_record_id IS NOT NULL;
CREATE INDEX observations_by_source_period ON observations (source_system, period_start);
ALTER TABLE file_records ADD COLUMN batch_id TEXT REFERENCES imports (id);
CREATE INDEX file_records_by_batch ON file_records (batch_id);
ALTER TABLE acts ADD COLUMN batch_id TEXT REFERENCES imports (id);
CREATE INDEX acts_by_batch ON acts (batch_id);
CREATE INDEX acts_by_source ON acts (source_system, source_record_id) WHERE source_record_id IS NOT NULL;
