ALTER TABLE evaluation_requests DROP COLUMN due_on;
DROP INDEX appeals_that_wait_for_a_recount;
DROP INDEX recusal_requests_by_status;

-- Results that only this version knows go with it; the bundles can give them again.
ALTER TABLE results RENAME TO results_after;
CREATE TABLE results (
    evaluation_id TEXT NOT NULL PRIMARY KEY REFERENCES evaluations (id),
    status TEXT NOT NULL CHECK (status IN ('ok', 'indicative', 'insufficient')),
    document TEXT NOT NULL,
    algorithm_version TEXT NOT NULL,
    input_digest TEXT NOT NULL
);
INSERT INTO results SELECT evaluation_id, status, document, algorithm_version, input_digest FROM results_after
    WHERE status <> 'developmental';
DROP TABLE results_after;
