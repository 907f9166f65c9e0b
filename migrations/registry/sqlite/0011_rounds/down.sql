-- The older shape has one round: what belongs to a second one goes, and of an auditor's statements the last stays.
CREATE TABLE recount_statements_kept AS SELECT * FROM recount_statements;
DROP TABLE recount_statements;
CREATE TABLE recount_statements (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    result_digest TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('equal', 'mismatch')),
    stated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (cycle_id, account_id)
);
CREATE INDEX recount_statements_by_account ON recount_statements (account_id);
INSERT INTO recount_statements (cycle_id, account_id, result_digest, outcome, stated_at)
    SELECT cycle_id, account_id, result_digest, outcome, stated_at FROM recount_statements_kept AS kept
    WHERE round = 1 AND NOT EXISTS (SELECT 1 FROM recount_statements_kept AS later
        WHERE later.cycle_id = kept.cycle_id AND later.account_id = kept.account_id AND later.round = 1
            AND (later.stated_at > kept.stated_at
                OR later.stated_at = kept.stated_at AND later.result_digest > kept.result_digest));
DROP TABLE recount_statements_kept;

CREATE TABLE accepted_counts_kept AS SELECT * FROM accepted_counts;
DROP TABLE accepted_counts;
CREATE TABLE accepted_counts (
    evaluation_id TEXT NOT NULL PRIMARY KEY REFERENCES evaluations (id),
    accepted_count INTEGER NOT NULL
);
INSERT INTO accepted_counts (evaluation_id, accepted_count)
    SELECT evaluation_id, accepted_count FROM accepted_counts_kept WHERE round = 1;
DROP TABLE accepted_counts_kept;

CREATE TABLE sealed_rounds_kept AS SELECT * FROM sealed_rounds;
DROP TABLE sealed_rounds;
CREATE TABLE sealed_rounds (
    cycle_id TEXT NOT NULL PRIMARY KEY REFERENCES cycles (id),
    result_digest TEXT,
    complaint_count INTEGER NOT NULL
);
INSERT INTO sealed_rounds (cycle_id, result_digest, complaint_count)
    SELECT cycle_id, result_digest, complaint_count FROM sealed_rounds_kept WHERE round = 1;
DROP TABLE sealed_rounds_kept;

CREATE TABLE cycle_documents_kept AS SELECT * FROM cycle_documents;
DROP TABLE cycle_documents;
CREATE TABLE cycle_documents (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (cycle_id, name)
);
INSERT INTO cycle_documents (cycle_id, name, content)
    SELECT cycle_id, name, content FROM cycle_documents_kept WHERE round = 1;
DROP TABLE cycle_documents_kept;

CREATE TABLE key_bumps_kept AS SELECT * FROM key_bumps;
DROP TABLE key_bumps;
CREATE TABLE key_bumps (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    generation INTEGER NOT NULL,
    PRIMARY KEY (evaluation_id, generation)
);
INSERT INTO key_bumps (evaluation_id, generation) SELECT evaluation_id, generation FROM key_bumps_kept WHERE round = 1;
DROP TABLE key_bumps_kept;

CREATE TABLE issuer_keys_kept AS SELECT * FROM issuer_keys;
DROP TABLE issuer_keys;
CREATE TABLE issuer_keys (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    issuer_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    key_id BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    wrapped_private_key BLOB,
    PRIMARY KEY (evaluation_id, issuer_id, generation)
);
INSERT INTO issuer_keys (evaluation_id, issuer_id, generation, key_id, public_key, wrapped_private_key)
    SELECT evaluation_id, issuer_id, generation, key_id, public_key, wrapped_private_key FROM issuer_keys_kept
    WHERE round = 1;
DROP TABLE issuer_keys_kept;

DROP TABLE earlier_rounds;

ALTER TABLE cycles ADD COLUMN seed_commitment TEXT;
ALTER TABLE cycles ADD COLUMN sealed_seed BLOB;
ALTER TABLE cycles ADD COLUMN draw_record TEXT;
ALTER TABLE cycles ADD COLUMN draw_record_digest TEXT;
UPDATE cycles SET
    seed_commitment = (SELECT seed_commitment FROM draws WHERE cycle_id = cycles.id AND round = 1),
    sealed_seed = (SELECT sealed_seed FROM draws WHERE cycle_id = cycles.id AND round = 1),
    draw_record = (SELECT record FROM draws WHERE cycle_id = cycles.id AND round = 1),
    draw_record_digest = (SELECT record_digest FROM draws WHERE cycle_id = cycles.id AND round = 1);
DROP TABLE draws;

ALTER TABLE evaluations DROP COLUMN last_round;
ALTER TABLE assignments DROP COLUMN round;
