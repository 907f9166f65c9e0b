DELETE FROM correction_requests WHERE record_type = 'particulars';
CREATE TABLE correction_requests_kept AS SELECT * FROM correction_requests;
DROP TABLE correction_requests;
CREATE TABLE correction_requests (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    record_type TEXT NOT NULL CHECK (record_type IN ('act', 'observation', 'position', 'record')),
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
DROP TABLE judge_particulars;
