-- The judge's file, first cut. Records carry their provenance and are appended, never overwritten.
CREATE TABLE courts (
    id TEXT NOT NULL PRIMARY KEY,
    name_kk TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT,
    level TEXT NOT NULL CHECK (level IN ('district', 'regional', 'cassation', 'supreme')),
    region TEXT NOT NULL,
    posts INTEGER NOT NULL CHECK (posts BETWEEN 0 AND 400),
    version BIGINT NOT NULL
);
CREATE INDEX courts_by_region ON courts (region, id);
CREATE INDEX courts_by_level ON courts (level, id);

CREATE TABLE judges (
    id TEXT NOT NULL PRIMARY KEY,
    iin_sealed BLOB NOT NULL,
    iin_hash BLOB NOT NULL UNIQUE,
    full_name_kk TEXT NOT NULL,
    full_name_ru TEXT NOT NULL,
    full_name_en TEXT,
    first_appointed_on DATE NOT NULL,
    version BIGINT NOT NULL
);

-- The name that another system has for a court or a judge.
CREATE TABLE external_ids (
    object_type TEXT NOT NULL CHECK (object_type IN ('court', 'judge')),
    source_system TEXT NOT NULL,
    value TEXT NOT NULL,
    object_id TEXT NOT NULL,
    PRIMARY KEY (object_type, source_system, value)
);
CREATE INDEX external_ids_by_object ON external_ids (object_id);

CREATE TABLE positions (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    court_id TEXT NOT NULL REFERENCES courts (id),
    kind TEXT NOT NULL CHECK (kind IN ('judge', 'panel_chair', 'court_chair')),
    act_ref TEXT,
    starts_on DATE NOT NULL,
    ends_on DATE,
    ended_reason TEXT CHECK (ended_reason IN ('transfer', 'promotion', 'resignation', 'retirement', 'age', 'health',
        'professional_unfitness', 'disciplinary', 'criminal', 'death', 'other')),
    source_system TEXT NOT NULL,
    as_of DATE NOT NULL,
    received_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_by_client TEXT REFERENCES clients (id),
    status TEXT NOT NULL CHECK (status IN ('active', 'disputed', 'corrected', 'withdrawn')),
    supersedes_id TEXT UNIQUE REFERENCES positions (id),
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK (ends_on IS NULL OR ends_on >= starts_on),
    CHECK (ended_reason IS NULL OR ends_on IS NOT NULL)
);
CREATE INDEX positions_by_judge ON positions (judge_id, id);
CREATE INDEX positions_by_court ON positions (court_id);
CREATE INDEX positions_by_recorded_by ON positions (recorded_by);
CREATE INDEX positions_by_recorded_by_client ON positions (recorded_by_client);
-- One kind of post at a time.
CREATE UNIQUE INDEX positions_open ON positions (judge_id, kind) WHERE ends_on IS NULL AND status IN ('active', 'disputed');

CREATE TABLE indicators (
    code TEXT NOT NULL PRIMARY KEY,
    name_kk TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT,
    unit TEXT NOT NULL,
    scale INTEGER NOT NULL CHECK (scale BETWEEN 0 AND 3),
    min_value BIGINT NOT NULL,
    max_value BIGINT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('higher', 'lower', 'none')),
    is_scorable BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('count', 'duration', 'weighted')),
    in_force_from DATE NOT NULL,
    in_force_to DATE,
    CHECK (min_value <= max_value),
    CHECK (in_force_to IS NULL OR in_force_to >= in_force_from)
);

CREATE TABLE observations (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    indicator_code TEXT NOT NULL REFERENCES indicators (code),
    category TEXT NOT NULL,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    numerator BIGINT NOT NULL,
    denominator BIGINT,
    source_system TEXT NOT NULL,
    source_record_id TEXT,
    as_of DATE NOT NULL,
    received_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_by_client TEXT REFERENCES clients (id),
    status TEXT NOT NULL CHECK (status IN ('active', 'disputed', 'corrected', 'withdrawn')),
    supersedes_id TEXT UNIQUE REFERENCES observations (id),
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK (period_end >= period_start)
);
CREATE INDEX observations_by_judge ON observations (judge_id, id);
CREATE INDEX observations_by_period ON observations (judge_id, period_start);
CREATE INDEX observations_by_indicator ON observations (indicator_code);
CREATE INDEX observations_by_recorded_by ON observations (recorded_by);
CREATE INDEX observations_by_recorded_by_client ON observations (recorded_by_client);
-- One version in force for each judge, indicator, category and period.
CREATE UNIQUE INDEX observations_in_force ON observations (judge_id, indicator_code, category, period_start)
    WHERE status IN ('active', 'disputed');

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
-- A record is disputed once at a time.
CREATE UNIQUE INDEX correction_requests_open ON correction_requests (observation_id) WHERE status = 'open';
CREATE INDEX correction_requests_by_observation ON correction_requests (observation_id);

CREATE TABLE conflicts (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    other_judge_id TEXT NOT NULL REFERENCES judges (id),
    kind TEXT NOT NULL CHECK (kind IN ('relative', 'superior_subordinate', 'litigation', 'complaint_author',
        'referral_to_discipline', 'close_friendship_or_hostility', 'business', 'rival_application')),
    starts_on DATE NOT NULL,
    ends_on DATE,
    declared_by TEXT NOT NULL REFERENCES accounts (id),
    CHECK (judge_id < other_judge_id),
    CHECK (ends_on IS NULL OR ends_on >= starts_on),
    -- With the declarer in it: else a refusal would tell one judge what the other has declared.
    UNIQUE (judge_id, other_judge_id, kind, starts_on, declared_by)
);
CREATE INDEX conflicts_by_other_judge ON conflicts (other_judge_id);
CREATE INDEX conflicts_by_declared_by ON conflicts (declared_by);
