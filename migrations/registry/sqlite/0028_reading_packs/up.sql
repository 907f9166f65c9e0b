-- The acts of a subject that all reviewers of the panel are given to read. No reviewer is named anywhere here: who has
-- which assignment stands in assignments alone, and that somebody took a pack is no row.
CREATE TABLE reading_packs (
    evaluation_id TEXT NOT NULL PRIMARY KEY REFERENCES evaluations (id),
    seed_commitment TEXT NOT NULL,
    sealed_seed BLOB NOT NULL,
    record TEXT,
    record_digest TEXT,
    content BLOB,
    size BIGINT,
    digest TEXT,
    short_reason TEXT,
    frozen_at TIMESTAMP,
    CHECK ((record IS NULL) = (record_digest IS NULL)),
    CHECK ((content IS NULL) = (size IS NULL) AND (content IS NULL) = (digest IS NULL)
        AND (content IS NULL) = (frozen_at IS NULL)),
    CHECK (content IS NULL OR record IS NOT NULL)
);

-- What may be drawn besides the acts that the file has: no outcome, so that none can steer the draw.
CREATE TABLE reading_candidates (
    evaluation_id TEXT NOT NULL REFERENCES reading_packs (evaluation_id),
    case_no TEXT NOT NULL,
    act_date DATE NOT NULL,
    category TEXT NOT NULL,
    PRIMARY KEY (evaluation_id, case_no, act_date)
);

-- What was drawn, each with its place in the drawn order of its category; the order itself is in the record.
CREATE TABLE reading_acts (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES reading_packs (evaluation_id),
    category TEXT NOT NULL,
    place INTEGER NOT NULL CHECK (place >= 0),
    case_no TEXT NOT NULL,
    act_date DATE NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('drawn', 'uploaded', 'sent_back', 'passed', 'replaced')),
    replacement_ground TEXT CHECK (replacement_ground IN ('recognisable', 'unavailable', 'objection')),
    decision_reason TEXT,
    decided_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    objection TEXT,
    objected_at TIMESTAMP,
    objection_decided_at TIMESTAMP,
    UNIQUE (evaluation_id, category, place),
    CHECK ((state = 'replaced') = (replacement_ground IS NOT NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL) AND (decided_by IS NULL) = (decision_reason IS NULL)),
    CHECK ((objection IS NULL) = (objected_at IS NULL)),
    CHECK (objection_decided_at IS NULL OR objection IS NOT NULL)
);
CREATE INDEX reading_acts_by_decided_by ON reading_acts (decided_by);

-- The depersonalised texts of an act, each seen by another person than the one who put it in. Bytes that did not pass are
-- erased with the freezing: what was sent back may name people.
CREATE TABLE reading_texts (
    id TEXT NOT NULL PRIMARY KEY,
    reading_act_id TEXT NOT NULL REFERENCES reading_acts (id),
    language TEXT NOT NULL CHECK (language IN ('kk', 'ru')),
    media_type TEXT NOT NULL CHECK (media_type IN ('text/plain', 'application/pdf')),
    size INTEGER NOT NULL CHECK (size > 0),
    sha256 TEXT NOT NULL,
    content BLOB,
    uploaded_by TEXT NOT NULL REFERENCES accounts (id),
    uploaded_at TIMESTAMP NOT NULL,
    verdict TEXT CHECK (verdict IN ('passed', 'sent_back', 'recognisable')),
    reason TEXT,
    checked_by TEXT REFERENCES accounts (id),
    checked_at TIMESTAMP,
    CHECK ((verdict IS NULL) = (checked_by IS NULL) AND (verdict IS NULL) = (checked_at IS NULL)),
    CHECK (checked_by <> uploaded_by),
    CHECK (verdict IS NULL OR verdict = 'passed' OR reason IS NOT NULL)
);
CREATE INDEX reading_texts_by_act ON reading_texts (reading_act_id, id);
CREATE INDEX reading_texts_by_uploaded_by ON reading_texts (uploaded_by);
CREATE INDEX reading_texts_by_checked_by ON reading_texts (checked_by);
