-- Which ledgers the box has judged by: it never does so by two of one issuer, round and generation.
CREATE TABLE signed_ledger (
    cycle_ref BLOB NOT NULL,
    round INTEGER NOT NULL,
    issuer_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (cycle_ref, round, issuer_id, generation)
) WITHOUT ROWID;
