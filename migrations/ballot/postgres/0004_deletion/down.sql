DROP TABLE deleted_round;
