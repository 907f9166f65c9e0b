DROP TABLE complaint;
