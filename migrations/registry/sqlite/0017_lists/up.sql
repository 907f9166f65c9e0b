-- The orders and filters in which staff look for judges, evaluations and what is due: a page costs the same in a large
-- table as in a small one.
CREATE INDEX judges_by_name_kk ON judges (full_name_kk, id);
CREATE INDEX judges_by_name_ru ON judges (full_name_ru, id);
CREATE INDEX judges_by_appointment ON judges (first_appointed_on, id);
CREATE INDEX evaluations_by_state ON evaluations (cycle_id, state, id);
CREATE INDEX correction_requests_by_due ON correction_requests (status, due_on, id);

-- Files of whole lists that were ordered: who asked for what, why, and until when the file is kept. The file itself lies
-- outside the database.
CREATE TABLE exports (
    id TEXT NOT NULL PRIMARY KEY,
    list TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('csv', 'ndjson', 'xlsx')),
    language TEXT NOT NULL CHECK (language IN ('kk', 'ru', 'en')),
    purpose TEXT NOT NULL CHECK (purpose IN ('evaluation', 'personnel', 'correction', 'own_file')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'done', 'failed', 'expired')),
    row_count BIGINT,
    byte_count BIGINT,
    sha256 TEXT,
    error TEXT,
    requested_by TEXT NOT NULL REFERENCES accounts (id),
    requested_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    expires_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX exports_by_requested_by ON exports (requested_by, id);
CREATE INDEX exports_by_state ON exports (state, id);
