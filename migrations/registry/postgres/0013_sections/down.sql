-- The older shape knows disputes of observed values alone: the others go.
CREATE TABLE correction_requests_kept AS SELECT * FROM correction_requests;
DROP TABLE correction_requests;
CREATE TABLE correction_requests (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    observation_id TEXT NOT NULL REFERENCES observations (id),
    claim TEXT NOT NULL,
    evidence TEXT,
    status TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'partly', 'rejected')),
    reason TEXT,
    due_on DATE NOT NULL,
    filed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    version BIGINT NOT NULL
);
CREATE INDEX correction_requests_by_judge ON correction_requests (judge_id, id);
CREATE INDEX correction_requests_by_decided_by ON correction_requests (decided_by);
CREATE UNIQUE INDEX correction_requests_open ON correction_requests (observation_id) WHERE status = 'open';
CREATE INDEX correction_requests_by_observation ON correction_requests (observation_id);
INSERT INTO correction_requests (id, judge_id, observation_id, claim, evidence, status, reason, due_on, filed_at,
        decided_by, decided_at, version)
    SELECT id, judge_id, record_id, claim, evidence, status, reason, due_on, filed_at, decided_by, decided_at, version
    FROM correction_requests_kept WHERE record_type = 'observation';
DROP TABLE correction_requests_kept;
-- A post that is disputed is in force, as it was before.
UPDATE positions SET status = 'active' WHERE status = 'disputed';
DROP TABLE document_contents;
DROP TABLE file_records;
