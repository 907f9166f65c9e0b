DROP TABLE conflicts;
DROP TABLE correction_requests;
DROP TABLE observations;
DROP TABLE indicators;
DROP TABLE positions;
DROP TABLE external_ids;
DROP TABLE judges;
DROP TABLE courts;
