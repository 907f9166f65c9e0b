DROP TABLE extracts;
DROP TABLE extract_keys;
