-- Where each record comes from is told of every kind alike: what its source calls it, and the law by which it is kept.
ALTER TABLE positions ADD COLUMN source_record_id TEXT;
ALTER TABLE positions ADD COLUMN legal_basis TEXT;
ALTER TABLE observations ADD COLUMN legal_basis TEXT;
ALTER TABLE acts ADD COLUMN legal_basis TEXT;
