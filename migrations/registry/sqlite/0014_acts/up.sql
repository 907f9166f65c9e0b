-- What higher courts did with a judge's acts: a row for each review of an act by one instance, appended and never
-- overwritten. Nothing here may ever enter a score.
CREATE TABLE acts (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    case_no TEXT NOT NULL,
    category TEXT NOT NULL,
    act_date DATE NOT NULL,
    appealed_on DATE NOT NULL,
    instance TEXT NOT NULL CHECK (instance IN ('appeal', 'cassation')),
    outcome TEXT NOT NULL CHECK (outcome IN ('upheld', 'amended', 'cancelled_new_decision', 'cancelled_remitted',
        'partially_cancelled', 'settled_on_appeal')),
    reason_code TEXT CHECK (reason_code IN ('material_law_error', 'procedural_error', 'evidence_assessment',
        'new_evidence', 'change_of_law_or_practice', 'party_settlement', 'disagreement_in_assessment', 'other')),
    jury_decision_ref TEXT,
    source_system TEXT NOT NULL,
    source_record_id TEXT,
    as_of DATE NOT NULL,
    received_at TIMESTAMP NOT NULL,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_by_client TEXT REFERENCES clients (id),
    status TEXT NOT NULL CHECK (status IN ('active', 'disputed', 'corrected', 'withdrawn')),
    supersedes_id TEXT UNIQUE REFERENCES acts (id),
    CHECK ((recorded_by IS NULL) <> (recorded_by_client IS NULL)),
    CHECK (appealed_on >= act_date),
    CHECK (outcome = 'upheld' OR reason_code IS NOT NULL)
);
CREATE INDEX acts_by_judge ON acts (judge_id, id);
CREATE INDEX acts_by_date ON acts (judge_id, act_date);
CREATE INDEX acts_by_recorded_by ON acts (recorded_by);
CREATE INDEX acts_by_recorded_by_client ON acts (recorded_by_client);
-- One review in force for each act and instance.
CREATE UNIQUE INDEX acts_in_force ON acts (judge_id, case_no, act_date, instance)
    WHERE status IN ('active', 'disputed');

-- Whether the judge answers for what was changed, as members found it, each time with reasons; the last one stands, and
-- where there is none it is undetermined.
CREATE TABLE act_attributions (
    act_id TEXT NOT NULL REFERENCES acts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    attributable TEXT NOT NULL CHECK (attributable IN ('yes', 'no', 'undetermined')),
    reason TEXT NOT NULL,
    decided_by TEXT NOT NULL REFERENCES accounts (id),
    decided_at TIMESTAMP NOT NULL,
    PRIMARY KEY (act_id, number)
);
CREATE INDEX act_attributions_by_decided_by ON act_attributions (decided_by);
