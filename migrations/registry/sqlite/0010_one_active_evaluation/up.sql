-- One active evaluation of a kind for a judge: from its plan until it is counted or cancelled.
CREATE UNIQUE INDEX evaluations_active ON evaluations (judge_id, kind)
    WHERE state IN ('planned', 'notified', 'file_review', 'pool_review', 'collecting');
