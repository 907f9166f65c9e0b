DROP TABLE recount_statements;
DROP TABLE accepted_counts;
DROP TABLE sealed_rounds;
