-- Results of a methodology without numbers have a status of their own; SQLite cannot widen a check, so the table is made anew.
ALTER TABLE results RENAME TO results_before;
CREATE TABLE results (
    evaluation_id TEXT NOT NULL PRIMARY KEY REFERENCES evaluations (id),
    status TEXT NOT NULL CHECK (status IN ('ok', 'indicative', 'insufficient', 'developmental')),
    document TEXT NOT NULL,
    algorithm_version TEXT NOT NULL,
    input_digest TEXT NOT NULL
);
INSERT INTO results SELECT evaluation_id, status, document, algorithm_version, input_digest FROM results_before;
DROP TABLE results_before;

-- The dashboard counts what is open.
CREATE INDEX recusal_requests_by_status ON recusal_requests (status);
CREATE INDEX appeals_that_wait_for_a_recount ON appeals (evaluation_id) WHERE recount_asked_at IS NOT NULL AND decided_at IS NULL;

-- A repeat after training is due months after the decision that ordered it.
ALTER TABLE evaluation_requests ADD COLUMN due_on DATE;
