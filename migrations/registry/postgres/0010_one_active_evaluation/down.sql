DROP INDEX evaluations_active;
