ALTER TABLE accounts DROP COLUMN full_name;
DROP INDEX file_records_by_category;
DROP TABLE tombstones;
DROP TABLE retention_runs;
DROP TABLE retention_holds;
DROP TABLE retention_schedules;
