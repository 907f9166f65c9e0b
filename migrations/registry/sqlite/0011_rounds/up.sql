-- What belongs to one round of a cycle says so, so that a supplementary round can follow the first: its own draw, panels,
-- keys, documents, seal and recounts.
ALTER TABLE assignments ADD COLUMN round INTEGER NOT NULL DEFAULT 1;

-- The last round in which reviews are collected for a subject.
ALTER TABLE evaluations ADD COLUMN last_round INTEGER NOT NULL DEFAULT 1;

-- The draw of each round, apart from the cycle: a record holds all pools and is large. Seeds are committed to together.
CREATE TABLE draws (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    round INTEGER NOT NULL,
    seed_commitment TEXT NOT NULL,
    sealed_seed BLOB NOT NULL,
    record TEXT,
    record_digest TEXT,
    PRIMARY KEY (cycle_id, round)
);
INSERT INTO draws (cycle_id, round, seed_commitment, sealed_seed, record, record_digest)
    SELECT id, 1, seed_commitment, sealed_seed, draw_record, draw_record_digest FROM cycles
    WHERE seed_commitment IS NOT NULL AND sealed_seed IS NOT NULL;
ALTER TABLE cycles DROP COLUMN seed_commitment;
ALTER TABLE cycles DROP COLUMN sealed_seed;
ALTER TABLE cycles DROP COLUMN draw_record;
ALTER TABLE cycles DROP COLUMN draw_record_digest;

-- What a cycle said of a round when the next one began.
CREATE TABLE earlier_rounds (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    round INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    manifest_digest TEXT NOT NULL,
    receipt_key BLOB NOT NULL UNIQUE,
    sealed_on DATE,
    bundle_digest TEXT NOT NULL,
    PRIMARY KEY (cycle_id, round)
);

-- Issuer keys: one for each evaluation, issuer, round and generation; the private half is deleted at the seal.
CREATE TABLE issuer_keys_kept AS SELECT * FROM issuer_keys;
DROP TABLE issuer_keys;
CREATE TABLE issuer_keys (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    issuer_id TEXT NOT NULL,
    round INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    key_id BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    wrapped_private_key BLOB,
    PRIMARY KEY (evaluation_id, issuer_id, round, generation)
);
INSERT INTO issuer_keys (evaluation_id, issuer_id, round, generation, key_id, public_key, wrapped_private_key)
    SELECT evaluation_id, issuer_id, 1, generation, key_id, public_key, wrapped_private_key FROM issuer_keys_kept;
DROP TABLE issuer_keys_kept;

CREATE TABLE key_bumps_kept AS SELECT * FROM key_bumps;
DROP TABLE key_bumps;
CREATE TABLE key_bumps (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    round INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, round, generation)
);
INSERT INTO key_bumps (evaluation_id, round, generation) SELECT evaluation_id, 1, generation FROM key_bumps_kept;
DROP TABLE key_bumps_kept;

CREATE TABLE cycle_documents_kept AS SELECT * FROM cycle_documents;
DROP TABLE cycle_documents;
CREATE TABLE cycle_documents (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    round INTEGER NOT NULL,
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (cycle_id, round, name)
);
INSERT INTO cycle_documents (cycle_id, round, name, content) SELECT cycle_id, 1, name, content FROM cycle_documents_kept;
DROP TABLE cycle_documents_kept;

CREATE TABLE sealed_rounds_kept AS SELECT * FROM sealed_rounds;
DROP TABLE sealed_rounds;
CREATE TABLE sealed_rounds (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    round INTEGER NOT NULL,
    result_digest TEXT,
    complaint_count INTEGER NOT NULL,
    PRIMARY KEY (cycle_id, round)
);
INSERT INTO sealed_rounds (cycle_id, round, result_digest, complaint_count)
    SELECT cycle_id, 1, result_digest, complaint_count FROM sealed_rounds_kept;
DROP TABLE sealed_rounds_kept;

CREATE TABLE accepted_counts_kept AS SELECT * FROM accepted_counts;
DROP TABLE accepted_counts;
CREATE TABLE accepted_counts (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    round INTEGER NOT NULL,
    accepted_count INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, round)
);
INSERT INTO accepted_counts (evaluation_id, round, accepted_count)
    SELECT evaluation_id, 1, accepted_count FROM accepted_counts_kept;
DROP TABLE accepted_counts_kept;

-- What an auditor states after a recount: once for each result that there is to recount, and never changed.
CREATE TABLE recount_statements_kept AS SELECT * FROM recount_statements;
DROP TABLE recount_statements;
CREATE TABLE recount_statements (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    round INTEGER NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    result_digest TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('equal', 'mismatch')),
    stated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (cycle_id, round, account_id, result_digest)
);
CREATE INDEX recount_statements_by_account ON recount_statements (account_id);
INSERT INTO recount_statements (cycle_id, round, account_id, result_digest, outcome, stated_at)
    SELECT cycle_id, 1, account_id, result_digest, outcome, stated_at FROM recount_statements_kept;
DROP TABLE recount_statements_kept;
