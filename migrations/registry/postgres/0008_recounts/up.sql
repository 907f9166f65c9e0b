-- What is known of a sealed round as a whole: the digest of its results, and how many broken promises of the box are proven.
CREATE TABLE sealed_rounds (
    cycle_id TEXT NOT NULL PRIMARY KEY REFERENCES cycles (id),
    result_digest TEXT,
    complaint_count INTEGER NOT NULL
);

-- How many reviews the box accepted for a subject; nobody has them before the seal.
CREATE TABLE accepted_counts (
    evaluation_id TEXT NOT NULL PRIMARY KEY REFERENCES evaluations (id),
    accepted_count INTEGER NOT NULL
);

-- What an auditor states after a recount: once for each cycle, and never changed.
CREATE TABLE recount_statements (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    result_digest TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('equal', 'mismatch')),
    stated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (cycle_id, account_id)
);
CREATE INDEX recount_statements_by_account ON recount_statements (account_id);
