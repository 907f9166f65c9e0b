DELETE FROM file_records WHERE section = 'language';
CREATE TABLE file_records_kept AS SELECT * FROM file_records;
DROP TABLE file_records;
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
    batch_id TEXT REFERENCES imports (id),
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK ((section = 'document') = (sha256 IS NOT NULL)),
    CHECK ((confirmation = 'confirmed') = (confirmed_by IS NOT NULL)),
    CHECK ((confirmation = 'confirmed') = (confirmed_at IS NOT NULL)),
    CHECK ((status IN ('corrected', 'withdrawn')) = (ended_at IS NOT NULL))
);
INSERT INTO file_records (id, judge_id, section, content, effective_from, effective_to, shown, about_id, sha256, source_system,
        source_record_id, as_of, received_at, recorded_by, recorded_by_client, status, first_id, supersedes_id, legal_basis,
        confirmation, confirmed_by, confirmed_at, ended_at, end_reason, batch_id)
    SELECT id, judge_id, section, content, effective_from, effective_to, shown, about_id, sha256, source_system,
        source_record_id, as_of, received_at, recorded_by, recorded_by_client, status, first_id, supersedes_id, legal_basis,
        confirmation, confirmed_by, confirmed_at, ended_at, end_reason, batch_id
    FROM file_records_kept;
DROP TABLE file_records_kept;
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
CREATE INDEX file_records_by_category ON file_records (section, id);
CREATE INDEX file_records_by_batch ON file_records (batch_id);
