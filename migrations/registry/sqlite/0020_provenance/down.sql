ALTER TABLE acts DROP COLUMN legal_basis;
ALTER TABLE observations DROP COLUMN legal_basis;
ALTER TABLE positions DROP COLUMN legal_basis;
ALTER TABLE positions DROP COLUMN source_record_id;
