DROP TABLE closed_round;
DROP TABLE signed_manifest;
DROP TABLE box_key;
DROP TABLE superseded;
DROP TABLE review;
