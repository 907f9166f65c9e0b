-- Which ledgers the box has judged by: it never does so by two of one issuer, round and generation.
CREATE TABLE signed_ledger (
    cycle_ref BYTEA NOT NULL,
    round INTEGER NOT NULL,
    issuer_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    digest BYTEA NOT NULL,
    PRIMARY KEY (cycle_ref, round, issuer_id, generation)
);
ALTER TABLE signed_ledger ALTER COLUMN cycle_ref SET STORAGE PLAIN;
ALTER TABLE signed_ledger ALTER COLUMN issuer_id SET STORAGE PLAIN;
ALTER TABLE signed_ledger ALTER COLUMN digest SET STORAGE PLAIN;
