DROP TABLE key_bumps;
