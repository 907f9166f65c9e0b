-- A result as it may be published, once for each evaluation; exact fractions stay in the sealed bundle.
CREATE TABLE results (
    evaluation_id TEXT NOT NULL PRIMARY KEY REFERENCES evaluations (id),
    status TEXT NOT NULL CHECK (status IN ('ok', 'indicative', 'insufficient')),
    document TEXT NOT NULL,
    algorithm_version TEXT NOT NULL,
    input_digest TEXT NOT NULL
);
