-- The working-day calendar of a year as staff entered it, each correction a version of its own; the newest one counts.
CREATE TABLE work_calendars (
    id TEXT NOT NULL PRIMARY KEY,
    year INTEGER NOT NULL CHECK (year BETWEEN 2000 AND 2999),
    version INTEGER NOT NULL CHECK (version >= 1),
    moves_weekend_holidays BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    entered_by TEXT NOT NULL REFERENCES accounts (id),
    entered_at TIMESTAMP NOT NULL,
    UNIQUE (year, version)
);
CREATE INDEX work_calendars_by_entered_by ON work_calendars (entered_by);

CREATE TABLE work_calendar_days (
    calendar_id TEXT NOT NULL REFERENCES work_calendars (id),
    day DATE NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('public_holiday', 'day_off', 'moved_day_off', 'moved_working_day')),
    name_kk TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT,
    PRIMARY KEY (calendar_id, day)
);

-- Leaves of judges, without their reason, which is nobody's business here. Appended, never overwritten.
CREATE TABLE leaves (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    starts_on DATE NOT NULL,
    ends_on DATE,
    act_ref TEXT,
    source_system TEXT NOT NULL,
    source_record_id TEXT,
    as_of DATE NOT NULL,
    received_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_by_client TEXT REFERENCES clients (id),
    status TEXT NOT NULL CHECK (status IN ('active', 'disputed', 'corrected', 'withdrawn')),
    supersedes_id TEXT UNIQUE REFERENCES leaves (id),
    end_reason TEXT,
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK (ends_on IS NULL OR ends_on >= starts_on),
    CHECK ((status = 'withdrawn') = (end_reason IS NOT NULL))
);
CREATE INDEX leaves_by_judge ON leaves (judge_id, id);
CREATE INDEX leaves_by_recorded_by ON leaves (recorded_by);
CREATE INDEX leaves_by_recorded_by_client ON leaves (recorded_by_client);
-- What a source calls one leave is one leave here.
CREATE UNIQUE INDEX leaves_of_source ON leaves (source_system, source_record_id)
    WHERE source_record_id IS NOT NULL AND status IN ('active', 'disputed');

-- What is asked for outside of the regular order: by the judge, or by a personnel procedure.
CREATE TABLE evaluation_requests (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    kind TEXT NOT NULL CHECK (kind IN ('reserve', 'promotion', 'chair', 'repeat', 'on_request')),
    filed_on DATE NOT NULL,
    reference TEXT,
    source_system TEXT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_by_client TEXT REFERENCES clients (id),
    is_open BOOLEAN NOT NULL,
    ended_at TIMESTAMP,
    end_reason TEXT,
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK (is_open = (ended_at IS NULL))
);
CREATE INDEX evaluation_requests_by_judge ON evaluation_requests (judge_id, id);
CREATE INDEX evaluation_requests_by_recorded_by ON evaluation_requests (recorded_by);
CREATE INDEX evaluation_requests_by_recorded_by_client ON evaluation_requests (recorded_by_client);
CREATE UNIQUE INDEX evaluation_requests_open ON evaluation_requests (judge_id, kind) WHERE is_open;

-- The plan of a year: one of a body. Approved by two persons, it is frozen; what changes later has its reasons below.
CREATE TABLE evaluation_plans (
    id TEXT NOT NULL PRIMARY KEY,
    year INTEGER NOT NULL CHECK (year BETWEEN 2000 AND 2999),
    evaluating_body TEXT NOT NULL,
    methodology_id TEXT NOT NULL REFERENCES methodologies (id),
    state TEXT NOT NULL CHECK (state IN ('draft', 'approved')),
    created_by TEXT NOT NULL REFERENCES accounts (id),
    created_at TIMESTAMP NOT NULL,
    approved_at TIMESTAMP,
    version BIGINT NOT NULL,
    UNIQUE (year, evaluating_body),
    CHECK ((state = 'approved') = (approved_at IS NOT NULL))
);
CREATE INDEX evaluation_plans_by_methodology ON evaluation_plans (methodology_id);
CREATE INDEX evaluation_plans_by_created_by ON evaluation_plans (created_by);

CREATE TABLE evaluation_plan_entries (
    id TEXT NOT NULL PRIMARY KEY,
    plan_id TEXT NOT NULL REFERENCES evaluation_plans (id),
    judge_id TEXT NOT NULL REFERENCES judges (id),
    kind TEXT NOT NULL CHECK (kind IN ('first_year', 'periodic', 'reserve', 'promotion', 'chair', 'repeat', 'on_request')),
    origin TEXT NOT NULL CHECK (origin IN ('rule', 'added')),
    request_id TEXT REFERENCES evaluation_requests (id),
    -- As the rule had it when the judge was entered; what holds now is found anew.
    due_on DATE,
    is_removed BOOLEAN NOT NULL,
    evaluation_id TEXT REFERENCES evaluations (id)
);
CREATE INDEX evaluation_plan_entries_by_plan ON evaluation_plan_entries (plan_id, id);
CREATE INDEX evaluation_plan_entries_by_judge ON evaluation_plan_entries (judge_id);
CREATE INDEX evaluation_plan_entries_by_request ON evaluation_plan_entries (request_id);
CREATE INDEX evaluation_plan_entries_by_evaluation ON evaluation_plan_entries (evaluation_id);
CREATE UNIQUE INDEX evaluation_plan_entries_standing ON evaluation_plan_entries (plan_id, judge_id, kind)
    WHERE NOT is_removed;

CREATE TABLE evaluation_plan_changes (
    id TEXT NOT NULL PRIMARY KEY,
    entry_id TEXT NOT NULL REFERENCES evaluation_plan_entries (id),
    change TEXT NOT NULL CHECK (change IN ('added', 'removed')),
    is_after_approval BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    changed_at TIMESTAMP NOT NULL
);
CREATE INDEX evaluation_plan_changes_by_entry ON evaluation_plan_changes (entry_id, id);
CREATE INDEX evaluation_plan_changes_by_account ON evaluation_plan_changes (account_id);

-- In which language somebody is written to, and where; the address is sealed.
CREATE TABLE contacts (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    language TEXT NOT NULL CHECK (language IN ('kk', 'ru', 'en')),
    sealed_email BLOB,
    version BIGINT NOT NULL
);

-- Notices as they were worded for whom they were for. When one is read is not recorded: near a review it would be a clock.
CREATE TABLE notices (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    language TEXT NOT NULL CHECK (language IN ('kk', 'ru', 'en')),
    cycle_id TEXT REFERENCES cycles (id),
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    is_shown BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX notices_by_account ON notices (account_id, id);
CREATE INDEX notices_by_cycle ON notices (cycle_id, id);

CREATE TABLE notice_deliveries (
    notice_id TEXT NOT NULL REFERENCES notices (id),
    channel TEXT NOT NULL CHECK (channel IN ('service', 'email', 'by_hand')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempt_count INTEGER NOT NULL,
    next_attempt_at TIMESTAMP,
    error TEXT,
    delivered_at TIMESTAMP,
    delivered_by TEXT REFERENCES accounts (id),
    PRIMARY KEY (notice_id, channel),
    CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX notice_deliveries_waiting ON notice_deliveries (channel, state, next_attempt_at);
CREATE INDEX notice_deliveries_by_delivered_by ON notice_deliveries (delivered_by);
-- Whoever is due is due by the methodology in force: the one published last.
CREATE INDEX methodologies_by_state ON methodologies (state, published_at, id);
