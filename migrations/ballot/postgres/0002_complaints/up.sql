-- Promises of the box that its own seal broke: the receipt and nothing else, above all no time.
CREATE TABLE complaint (
    cycle_ref BYTEA NOT NULL,
    round INTEGER NOT NULL,
    leaf BYTEA NOT NULL,
    rsig BYTEA NOT NULL,
    PRIMARY KEY (cycle_ref, round, leaf)
);
ALTER TABLE complaint ALTER COLUMN cycle_ref SET STORAGE PLAIN;
ALTER TABLE complaint ALTER COLUMN leaf SET STORAGE PLAIN;
ALTER TABLE complaint ALTER COLUMN rsig SET STORAGE PLAIN;
