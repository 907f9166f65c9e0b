-- Promises of the box that its own seal broke: the receipt and nothing else, above all no time.
CREATE TABLE complaint (
    cycle_ref BLOB NOT NULL,
    round INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    rsig BLOB NOT NULL,
    PRIMARY KEY (cycle_ref, round, leaf)
) WITHOUT ROWID;
