-- The other sections of a judge's file, a record each: its section's own fields as JSON that the service has checked, with
-- where it comes from. Appended, never overwritten, as posts and observed values are.
CREATE TABLE file_records (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    section TEXT NOT NULL CHECK (section IN ('education', 'incentive', 'training', 'teaching', 'publication', 'rule_making',
        'suspension', 'discipline', 'complaint', 'ethics_finding', 'judge_statement', 'self_assessment', 'document')),
    content TEXT NOT NULL,
    -- The days on which it has its effect, where the section has such days, and whether it is shown outside of them.
    effective_from DATE,
    effective_to DATE,
    shown TEXT NOT NULL CHECK (shown IN ('always', 'in_effect', 'never')),
    -- The record that a statement stands beside.
    about_id TEXT,
    -- The digest of a document's bytes.
    sha256 TEXT,
    source_system TEXT NOT NULL,
    source_record_id TEXT,
    as_of DATE NOT NULL,
    received_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_by_client TEXT REFERENCES clients (id),
    status TEXT NOT NULL CHECK (status IN ('active', 'disputed', 'corrected', 'withdrawn')),
    -- The first of the records that replaced one another; of a first one, itself.
    first_id TEXT NOT NULL REFERENCES file_records (id),
    supersedes_id TEXT UNIQUE REFERENCES file_records (id),
    legal_basis TEXT,
    confirmation TEXT NOT NULL CHECK (confirmation IN ('not_needed', 'awaited', 'confirmed')),
    confirmed_by TEXT REFERENCES accounts (id),
    confirmed_at TIMESTAMP,
    -- When it was replaced or withdrawn, and of what is withdrawn the reason.
    ended_at TIMESTAMP,
    end_reason TEXT,
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK ((section = 'document') = (sha256 IS NOT NULL)),
    CHECK ((confirmation = 'confirmed') = (confirmed_by IS NOT NULL)),
    CHECK ((confirmation = 'confirmed') = (confirmed_at IS NOT NULL)),
    CHECK ((status IN ('corrected', 'withdrawn')) = (ended_at IS NOT NULL))
);
CREATE INDEX file_records_by_judge ON file_records (judge_id, id);
CREATE INDEX file_records_by_section ON file_records (judge_id, section, id);
CREATE INDEX file_records_by_about ON file_records (about_id);
CREATE INDEX file_records_by_first ON file_records (first_id, id);
CREATE INDEX file_records_by_recorded_by ON file_records (recorded_by);
CREATE INDEX file_records_by_recorded_by_client ON file_records (recorded_by_client);
CREATE INDEX file_records_by_confirmed_by ON file_records (confirmed_by);
-- What a source calls one record is one record here.
CREATE UNIQUE INDEX file_records_of_source ON file_records (source_system, source_record_id)
    WHERE source_record_id IS NOT NULL AND status IN ('active', 'disputed');
-- The same bytes are one document of a judge.
CREATE UNIQUE INDEX file_records_of_bytes ON file_records (judge_id, sha256)
    WHERE sha256 IS NOT NULL AND status IN ('active', 'disputed');

-- The bytes of documents, apart, so that no list loads them.
CREATE TABLE document_contents (
    judge_id TEXT NOT NULL REFERENCES judges (id),
    sha256 TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (judge_id, sha256)
);

-- Any record of the file can be disputed. The record is named by kind and id and not by a foreign key: the kinds lie in
-- tables of their own, and no record is ever deleted.
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
CREATE INDEX correction_requests_by_judge ON correction_requests (judge_id, id);
CREATE INDEX correction_requests_by_decided_by ON correction_requests (decided_by);
CREATE INDEX correction_requests_by_record ON correction_requests (record_id);
-- A record is disputed once at a time.
CREATE UNIQUE INDEX correction_requests_open ON correction_requests (record_id) WHERE status = 'open';
INSERT INTO correction_requests (id, judge_id, record_type, record_id, claim, evidence, document_ids, status, reason, due_on,
        filed_at, decided_by, decided_at, version)
    SELECT id, judge_id, 'observation', observation_id, claim, evidence, '[]', status, reason, due_on, filed_at, decided_by,
        decided_at, version FROM correction_requests_kept;
DROP TABLE correction_requests_kept;
