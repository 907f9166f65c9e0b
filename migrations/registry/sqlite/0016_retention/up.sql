-- How long each kind of record is kept, as one canonical JSON document; the adopted edition of the highest number holds.
CREATE TABLE retention_schedules (
    id TEXT NOT NULL PRIMARY KEY,
    edition INTEGER NOT NULL UNIQUE CHECK (edition >= 1),
    document TEXT NOT NULL,
    digest TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    adopted_at TIMESTAMP
);

-- What may not be destroyed, for whatever time it was kept: a judge's whole file, one record of it, or the file because of
-- one evaluation. A hold is lifted, never deleted.
CREATE TABLE retention_holds (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    record_id TEXT,
    evaluation_id TEXT REFERENCES evaluations (id),
    reason TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    set_by TEXT NOT NULL REFERENCES accounts (id),
    set_at TIMESTAMP NOT NULL,
    lifted_by TEXT REFERENCES accounts (id),
    lifted_at TIMESTAMP,
    lift_reason TEXT,
    CHECK (record_id IS NULL OR evaluation_id IS NULL),
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL)),
    CHECK ((lifted_by IS NULL) = (lift_reason IS NULL))
);
CREATE INDEX retention_holds_by_judge ON retention_holds (judge_id, id);
CREATE INDEX retention_holds_by_evaluation ON retention_holds (evaluation_id);
CREATE INDEX retention_holds_by_set_by ON retention_holds (set_by);
CREATE INDEX retention_holds_by_lifted_by ON retention_holds (lifted_by);

-- One destruction, with the place that it has come to: after a stop it goes on from there.
CREATE TABLE retention_runs (
    id TEXT NOT NULL PRIMARY KEY,
    schedule_id TEXT NOT NULL REFERENCES retention_schedules (id),
    counted_on DATE NOT NULL,
    requested_by TEXT NOT NULL REFERENCES accounts (id),
    confirmed_by TEXT NOT NULL REFERENCES accounts (id),
    started_at TIMESTAMP NOT NULL,
    category TEXT,
    after_id TEXT,
    destroyed_count BIGINT NOT NULL,
    kept_count BIGINT NOT NULL,
    proof_digest TEXT,
    finished_at TIMESTAMP,
    CHECK (requested_by <> confirmed_by),
    CHECK ((proof_digest IS NULL) = (finished_at IS NULL))
);
CREATE INDEX retention_runs_by_schedule ON retention_runs (schedule_id);
CREATE INDEX retention_runs_by_requested_by ON retention_runs (requested_by);
CREATE INDEX retention_runs_by_confirmed_by ON retention_runs (confirmed_by);
-- One run at a time.
CREATE UNIQUE INDEX retention_runs_under_way ON retention_runs ((finished_at IS NULL)) WHERE finished_at IS NULL;

-- What is left of a record that was destroyed: that it was, and a digest that only the key holder can compare.
CREATE TABLE tombstones (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    category TEXT NOT NULL,
    digest TEXT NOT NULL,
    run_id TEXT NOT NULL REFERENCES retention_runs (id),
    destroyed_at TIMESTAMP NOT NULL
);
CREATE INDEX tombstones_by_judge ON tombstones (judge_id, id);
CREATE INDEX tombstones_by_run ON tombstones (run_id, id);

-- The records of one section over all judges, in order.
CREATE INDEX file_records_by_category ON file_records (section, id);

-- By which a judge knows who read the file.
ALTER TABLE accounts ADD COLUMN full_name TEXT;
