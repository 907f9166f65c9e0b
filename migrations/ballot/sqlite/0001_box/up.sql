-- Reviews by their one-time key, and nothing that tells when or in which order they came: no time, serial, sequence,
-- default, trigger, foreign key or second index.
CREATE TABLE review (
    epk BLOB NOT NULL PRIMARY KEY,
    cycle_ref BLOB NOT NULL,
    round INTEGER NOT NULL,
    subject_ref BLOB NOT NULL,
    seq INTEGER NOT NULL,
    body BLOB NOT NULL,
    sig BLOB NOT NULL,
    credentials BLOB NOT NULL,
    leaf BLOB NOT NULL
) WITHOUT ROWID;

-- Leaves of versions that their own author replaced; the bodies are gone.
CREATE TABLE superseded (
    leaf BLOB NOT NULL PRIMARY KEY,
    epk BLOB NOT NULL
) WITHOUT ROWID;

-- The box's private keys: the log key of all rounds and one receipt key for each round.
CREATE TABLE box_key (
    purpose TEXT NOT NULL PRIMARY KEY,
    private_key BLOB NOT NULL
) WITHOUT ROWID;

-- Which manifests the box put its note to: it never does so for two of one round and generation.
CREATE TABLE signed_manifest (
    cycle_ref BLOB NOT NULL,
    round INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (cycle_ref, round, generation)
) WITHOUT ROWID;

-- How a round ended, with the note that the box signed then: a checkpoint, or that the reviews were destroyed.
CREATE TABLE closed_round (
    cycle_ref BLOB NOT NULL,
    round INTEGER NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('seal', 'destroy')),
    note TEXT NOT NULL,
    PRIMARY KEY (cycle_ref, round)
) WITHOUT ROWID;
