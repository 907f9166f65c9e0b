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
    status TEXT NOT NULL CHECK (status IN ('active', 'corrected', 'withdrawn')),
    supersedes_id TEXT UNIQUE REFERENCES judge_particulars (id),
    batch_id TEXT REFERENCES imports (id),
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK (birth_date IS NOT NULL OR sex IS NOT NULL OR legal_service_hundredths IS NOT NULL)
);
CREATE UNIQUE INDEX judge_particulars_in_force ON judge_particulars (judge_id) WHERE status = 'active';
CREATE INDEX judge_particulars_by_judge ON judge_particulars (judge_id, id);
-- Who reaches the age limit first comes first.
CREATE INDEX judge_particulars_by_birth ON judge_particulars (status, birth_date, judge_id);
CREATE INDEX judge_particulars_by_recorded_by ON judge_particulars (recorded_by);
CREATE INDEX judge_particulars_by_recorded_by_client ON judge_particulars (recorded_by_client);
CREATE INDEX judge_particulars_by_batch ON judge_particulars (batch_id);
