-- What the personnel system tells of a judge's person beside the name. Appended, never overwritten: of one judge one record is
-- in force, and a correction takes its place. Sex serves the yearly figures on bias alone.
CREATE TABLE judge_particulars (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    birth_date DATE,
    sex TEXT CHECK (sex IN ('f', 'm')),
    -- Years of legal service as the source counted them on the day `as_of`, in hundredths.
    legal_service_hundredths BIGINT CHECK (legal_service_hundredths BETWEEN 0 AND 6000),
    source_system TEXT NOT NULL,
    as_of DATE NOT NULL,
    received_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_by_client TEXT REFERENCES clients (id),
    status TEXT NOT NULL CHECK (status IN ('active', 'disputed', 'corrected', 'withdrawn')),
    supersedes_id TEXT UNIQUE REFERENCES judge_particulars (id),
    batch_id TEXT REFERENCES imports (id),
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK (birth_date IS NOT NULL OR sex IS NOT NULL OR legal_service_hundredths IS NOT NULL)
);
CREATE UNIQUE INDEX judge_particulars_in_force ON judge_particulars (judge_id) WHERE status IN ('active', 'disputed');
CREATE INDEX judge_particulars_by_judge ON judge_particulars (judge_id, id);
-- Who reaches the age limit first comes first.
CREATE INDEX judge_particulars_by_birth ON judge_particulars (birth_date, judge_id);
CREATE INDEX judge_particulars_by_recorded_by ON judge_particulars (recorded_by);
CREATE INDEX judge_particulars_by_recorded_by_client ON judge_particulars (recorded_by_client);
CREATE INDEX judge_particulars_by_batch ON judge_particulars (batch_id);

-- What is told of a person can be disputed, too. SQLite changes no check of a table that exists: the table is made anew
-- with all its rows.
CREATE TABLE correction_requests_kept AS SELECT * FROM correction_requests;
DROP TABLE correction_requests;
CREATE TABLE correction_requests (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    record_type TEXT NOT NULL CHECK (record_type IN ('act', 'observation', 'particulars', 'position', 'record')),
    record_id TEXT NOT NULL,
    claim TEXT NOT NULL,
    evidence TEXT,
    -- The documents that prove it: a JSON list of ids of file records.
    document_ids TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'partly', 'rejected')),
    reason TEXT,
    due_on DATE NOT NULL,
    filed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    version BIGINT NOT NULL
);
INSERT INTO correction_requests (id, judge_id, record_type, record_id, claim, evidence, document_ids, status, reason, due_on, filed_at,
        decided_by, decided_at, version)
    SELECT id, judge_id, record_type, record_id, claim, evidence, document_ids, status, reason, due_on, filed_at,
        decided_by, decided_at, version FROM correction_requests_kept;
DROP TABLE correction_requests_kept;
CREATE INDEX correction_requests_by_judge ON correction_requests (judge_id, id);
CREATE INDEX correction_requests_by_decided_by ON correction_requests (decided_by);
CREATE INDEX correction_requests_by_record ON correction_requests (record_id);
-- A record is disputed once at a time.
CREATE UNIQUE INDEX correction_requests_open ON correction_requests (record_id) WHERE status = 'open';
CREATE INDEX correction_requests_by_due ON correction_requests (status, due_on, id);
