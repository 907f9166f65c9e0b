-- In what a post and a court are specialised, as codes of the catalogue between spaces; '' where nothing is told.
ALTER TABLE positions ADD COLUMN specialisations TEXT NOT NULL DEFAULT '';
ALTER TABLE courts ADD COLUMN specialisations TEXT NOT NULL DEFAULT '';
-- The same, a row for each code, for finding posts by it.
CREATE TABLE position_specialisations (
    specialisation TEXT NOT NULL,
    position_id TEXT NOT NULL REFERENCES positions (id),
    PRIMARY KEY (position_id, specialisation)
);
CREATE INDEX position_specialisations_by_specialisation ON position_specialisations (specialisation, position_id);
