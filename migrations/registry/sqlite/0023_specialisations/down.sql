DROP TABLE position_specialisations;
ALTER TABLE courts DROP COLUMN specialisations;
ALTER TABLE positions DROP COLUMN specialisations;
