-- The figures of a year, made once: what is known of groups changes later, and the difference of two makings would tell of
-- the judge who is in another group.
CREATE TABLE yearly_statistics (
    year INTEGER NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    made_by TEXT NOT NULL REFERENCES accounts (id),
    made_at TIMESTAMP NOT NULL
);
CREATE INDEX yearly_statistics_by_made_by ON yearly_statistics (made_by);
