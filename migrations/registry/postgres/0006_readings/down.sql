DROP INDEX audit_entries_writes;
DROP INDEX audit_entries_readings;
ALTER TABLE audit_entries DROP COLUMN reading_number;
CREATE INDEX audit_entries_by_judge ON audit_entries (judge_id, sequence, purpose);
