-- The older shape knows no course of an evaluation of its own: what began one is counted again.
DROP TABLE barred_members;
DROP TABLE recusal_requests;
DROP TABLE votes;
DROP TABLE decisions;
DROP TABLE appeals;
DROP TABLE hearing_members;
DROP TABLE hearings;
DROP TABLE responses;
DROP TABLE reports;
DROP TABLE evaluation_moves;
ALTER TABLE evaluations DROP COLUMN final_on;
ALTER TABLE evaluations ADD COLUMN stage TEXT NOT NULL DEFAULT 'planned' CHECK (stage IN ('planned', 'notified',
    'file_review', 'pool_review', 'collecting', 'counted', 'cancelled'));
UPDATE evaluations SET stage = state
    WHERE state IN ('planned', 'notified', 'file_review', 'pool_review', 'collecting', 'counted', 'cancelled');
UPDATE evaluations SET stage = 'counted'
    WHERE state IN ('drafting', 'responding', 'hearing', 'decided', 'served', 'appealed', 'final', 'suspended');
DROP INDEX evaluations_active;
DROP INDEX evaluations_by_state;
ALTER TABLE evaluations DROP COLUMN state;
ALTER TABLE evaluations RENAME COLUMN stage TO state;
CREATE INDEX evaluations_by_state ON evaluations (cycle_id, state, id);
CREATE UNIQUE INDEX evaluations_active ON evaluations (judge_id, kind)
    WHERE state IN ('planned', 'notified', 'file_review', 'pool_review', 'collecting');
