-- Sealed rounds whose reviews were deleted when they had been kept long enough, with the note that the box signed then.
CREATE TABLE deleted_round (
    cycle_ref BLOB NOT NULL,
    round INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (cycle_ref, round)
) WITHOUT ROWID;
