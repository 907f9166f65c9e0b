DROP TABLE methodologies;
