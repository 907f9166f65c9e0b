-- Reviews by their one-time key, and nothing that tells when or in which order they came: no time, serial, sequence,
-- default, trigger, foreign key or second index. PLAIN storage keeps values out of TOAST, whose ids follow arrival.
CREATE TABLE review (
    epk BYTEA NOT NULL PRIMARY KEY,
    cycle_ref BYTEA NOT NULL,
    round INTEGER NOT NULL,
    subject_ref BYTEA NOT NULL,
    seq INTEGER NOT NULL,
    body BYTEA NOT NULL,
    sig BYTEA NOT NULL,
    credentials BYTEA NOT NULL,
    leaf BYTEA NOT NULL
);
ALTER TABLE review ALTER COLUMN epk SET STORAGE PLAIN;
ALTER TABLE review ALTER COLUMN cycle_ref SET STORAGE PLAIN;
ALTER TABLE review ALTER COLUMN subject_ref SET STORAGE PLAIN;
ALTER TABLE review ALTER COLUMN body SET STORAGE PLAIN;
ALTER TABLE review ALTER COLUMN sig SET STORAGE PLAIN;
ALTER TABLE review ALTER COLUMN credentials SET STORAGE PLAIN;
ALTER TABLE review ALTER COLUMN leaf SET STORAGE PLAIN;

-- Leaves of versions that their own author replaced; the bodies are gone.
CREATE TABLE superseded (
    leaf BYTEA NOT NULL PRIMARY KEY,
    epk BYTEA NOT NULL
);
ALTER TABLE superseded ALTER COLUMN leaf SET STORAGE PLAIN;
ALTER TABLE superseded ALTER COLUMN epk SET STORAGE PLAIN;

-- The box's private keys: the log key of all rounds and one receipt key for each round.
CREATE TABLE box_key (
    purpose TEXT NOT NULL PRIMARY KEY,
    private_key BYTEA NOT NULL
);
ALTER TABLE box_key ALTER COLUMN purpose SET STORAGE PLAIN;
ALTER TABLE box_key ALTER COLUMN private_key SET STORAGE PLAIN;

-- Which manifests the box put its note to: it never does so for two of one round and generation.
CREATE TABLE signed_manifest (
    cycle_ref BYTEA NOT NULL,
    round INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    digest BYTEA NOT NULL,
    PRIMARY KEY (cycle_ref, round, generation)
);

-- How a round ended, with the note that the box signed then: a checkpoint, or that the reviews were destroyed.
CREATE TABLE closed_round (
    cycle_ref BYTEA NOT NULL,
    round INTEGER NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('seal', 'destroy')),
    note TEXT NOT NULL,
    PRIMARY KEY (cycle_ref, round)
);
ALTER TABLE signed_manifest ALTER COLUMN cycle_ref SET STORAGE PLAIN;
ALTER TABLE signed_manifest ALTER COLUMN digest SET STORAGE PLAIN;
ALTER TABLE closed_round ALTER COLUMN cycle_ref SET STORAGE PLAIN;
ALTER TABLE closed_round ALTER COLUMN act SET STORAGE PLAIN;
ALTER TABLE closed_round ALTER COLUMN note SET STORAGE PLAIN;
