DROP TABLE exports;
DROP INDEX correction_requests_by_due;
DROP INDEX evaluations_by_state;
DROP INDEX judges_by_appointment;
DROP INDEX judges_by_name_ru;
DROP INDEX judges_by_name_kk;
