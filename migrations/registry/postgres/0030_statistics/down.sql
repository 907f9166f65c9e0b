DROP TABLE yearly_statistics;
