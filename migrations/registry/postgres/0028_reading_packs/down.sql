DROP TABLE reading_texts;
DROP TABLE reading_acts;
DROP TABLE reading_candidates;
DROP TABLE reading_packs;
