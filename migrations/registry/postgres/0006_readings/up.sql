-- How often others read a judge's file, counted as it happens: the count is then one look at an index, however many
-- readings there are. A judge's own readings have no number.
ALTER TABLE audit_entries ADD COLUMN reading_number BIGINT;
UPDATE audit_entries SET reading_number = (
    SELECT COUNT(*) FROM audit_entries AS earlier
    WHERE earlier.judge_id = audit_entries.judge_id AND earlier.purpose IS NOT NULL AND earlier.purpose <> 'own_file'
        AND earlier.sequence <= audit_entries.sequence
) WHERE judge_id IS NOT NULL AND purpose IS NOT NULL AND purpose <> 'own_file';
DROP INDEX audit_entries_by_judge;
CREATE UNIQUE INDEX audit_entries_readings ON audit_entries (judge_id, reading_number) WHERE reading_number IS NOT NULL;
-- The last of these tells whether anything about a judge was written since.
CREATE INDEX audit_entries_writes ON audit_entries (judge_id, sequence) WHERE judge_id IS NOT NULL AND purpose IS NULL;
