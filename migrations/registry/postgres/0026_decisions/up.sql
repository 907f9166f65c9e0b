-- What follows the count: draft report, the judge's response, hearing, decision, service, appeal. SQLite changes no check of
-- a column that exists: the state gets a new column, which takes its name.
ALTER TABLE evaluations ADD COLUMN stage TEXT NOT NULL DEFAULT 'planned' CHECK (stage IN ('planned', 'notified',
    'file_review', 'pool_review', 'collecting', 'counted', 'drafting', 'responding', 'hearing', 'decided', 'served', 'appealed',
    'final', 'suspended', 'cancelled'));
-- The day on which it became final.
ALTER TABLE evaluations ADD COLUMN final_on DATE;
UPDATE evaluations SET stage = state;
-- Two persons closed these, or another one of the kind came after them: nothing is to come of them any more.
UPDATE evaluations SET stage = 'final' WHERE state = 'counted' AND (
    EXISTS (SELECT 1 FROM cycles WHERE cycles.id = evaluations.cycle_id AND cycles.phase = 'closed')
    OR EXISTS (SELECT 1 FROM evaluations AS later WHERE later.judge_id = evaluations.judge_id
        AND later.kind = evaluations.kind AND later.id > evaluations.id AND later.state <> 'cancelled'));
UPDATE evaluations SET final_on = (SELECT date(min(moved_at)) FROM cycle_moves
    WHERE cycle_moves.cycle_id = evaluations.cycle_id AND to_phase = 'reporting') WHERE stage = 'final';
DROP INDEX evaluations_active;
DROP INDEX evaluations_by_state;
ALTER TABLE evaluations DROP COLUMN state;
ALTER TABLE evaluations RENAME COLUMN stage TO state;
CREATE INDEX evaluations_by_state ON evaluations (cycle_id, state, id);
-- One active evaluation of a kind for a judge: from its plan until it is final or cancelled.
CREATE UNIQUE INDEX evaluations_active ON evaluations (judge_id, kind) WHERE state NOT IN ('final', 'cancelled');

-- Each move of an evaluation's own course; those with its cycle are in cycle_moves.
CREATE TABLE evaluation_moves (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    -- The version of the evaluation that it led to.
    version BIGINT NOT NULL,
    act TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    -- Nobody where a clock made it.
    account_id TEXT REFERENCES accounts (id),
    second_account_id TEXT REFERENCES accounts (id),
    reason TEXT,
    moved_at TIMESTAMP NOT NULL,
    UNIQUE (evaluation_id, version)
);
CREATE INDEX evaluation_moves_by_account ON evaluation_moves (account_id);
CREATE INDEX evaluation_moves_by_second_account ON evaluation_moves (second_account_id);

-- Versions of the draft report; the judge sees those that were served.
CREATE TABLE reports (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    number INTEGER NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    content TEXT NOT NULL,
    drafted_at TIMESTAMP NOT NULL,
    served_at TIMESTAMP,
    UNIQUE (evaluation_id, number)
);
CREATE INDEX reports_by_account ON reports (account_id);

-- The judge's answer to a served report, or the word that there is none.
CREATE TABLE responses (
    report_id TEXT NOT NULL PRIMARY KEY REFERENCES reports (id),
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    answer TEXT,
    wants_hearing BOOLEAN NOT NULL,
    filed_at TIMESTAMP NOT NULL
);
CREATE INDEX responses_by_evaluation ON responses (evaluation_id, report_id);

CREATE TABLE hearings (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    number INTEGER NOT NULL,
    report_id TEXT NOT NULL REFERENCES reports (id),
    held_on DATE NOT NULL,
    is_remote BOOLEAN NOT NULL,
    scheduled_by TEXT NOT NULL REFERENCES accounts (id),
    scheduled_at TIMESTAMP NOT NULL,
    -- What is on record of it once it was held.
    is_judge_present BOOLEAN,
    minutes TEXT,
    recorded_by TEXT REFERENCES accounts (id),
    recorded_at TIMESTAMP,
    UNIQUE (evaluation_id, number),
    CHECK ((recorded_at IS NULL) = (minutes IS NULL)),
    CHECK ((recorded_at IS NULL) = (is_judge_present IS NULL)),
    CHECK ((recorded_at IS NULL) = (recorded_by IS NULL))
);
CREATE INDEX hearings_by_report ON hearings (report_id);
CREATE INDEX hearings_by_scheduled_by ON hearings (scheduled_by);
CREATE INDEX hearings_by_recorded_by ON hearings (recorded_by);

CREATE TABLE hearing_members (
    hearing_id TEXT NOT NULL REFERENCES hearings (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (hearing_id, account_id)
);
CREATE INDEX hearing_members_by_account ON hearing_members (account_id);

CREATE TABLE appeals (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    -- The decision appealed against, by its number in the evaluation.
    decision_number INTEGER NOT NULL,
    grounds TEXT NOT NULL,
    filed_at TIMESTAMP NOT NULL,
    -- When the appeal panel asked auditors to recount the sealed reviews anew.
    recount_asked_at TIMESTAMP,
    recount_asked_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    UNIQUE (evaluation_id, decision_number)
);
CREATE INDEX appeals_by_recount_asked_by ON appeals (recount_asked_by);

-- What a panel is asked to decide, and has decided: of the commission on a judge, of the appeal panel on an appeal.
CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    number INTEGER NOT NULL,
    -- The report that a decision of the commission is taken after.
    report_id TEXT REFERENCES reports (id),
    -- The appeal that a decision of the appeal panel is on.
    appeal_id TEXT REFERENCES appeals (id),
    appeal_outcome TEXT CHECK (appeal_outcome IN ('upheld', 'changed', 'remitted', 'peer_part_annulled',
        'new_evaluation_ordered')),
    -- An outcome of the methodology; none where an appeal is decided without a new one.
    outcome TEXT,
    content TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('proposed', 'rejected', 'adopted', 'replaced', 'revoked')),
    proposed_by TEXT NOT NULL REFERENCES accounts (id),
    proposed_at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP,
    -- SHA-256 of what was adopted, base64url.
    digest TEXT,
    served_on DATE,
    in_force_on DATE,
    valid_until DATE,
    UNIQUE (evaluation_id, number),
    CHECK ((appeal_id IS NULL) = (appeal_outcome IS NULL)),
    CHECK ((appeal_id IS NULL) = (report_id IS NOT NULL)),
    CHECK (appeal_id IS NOT NULL OR outcome IS NOT NULL),
    CHECK ((status = 'proposed') = (settled_at IS NULL))
);
CREATE UNIQUE INDEX decisions_proposed ON decisions (evaluation_id) WHERE status = 'proposed';
CREATE INDEX decisions_by_report ON decisions (report_id);
CREATE INDEX decisions_by_appeal ON decisions (appeal_id);
CREATE INDEX decisions_by_proposed_by ON decisions (proposed_by);

CREATE TABLE votes (
    decision_id TEXT NOT NULL REFERENCES decisions (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    vote TEXT NOT NULL CHECK (vote IN ('for', 'against')),
    is_judge BOOLEAN NOT NULL,
    -- Why, of a vote against, where the member says so.
    dissent TEXT,
    voted_at TIMESTAMP NOT NULL,
    PRIMARY KEY (decision_id, account_id)
);
CREATE INDEX votes_by_account ON votes (account_id);

-- Requests of the judge that a member of the commission or the appeal panel step back.
CREATE TABLE recusal_requests (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    ground TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'rejected')),
    reason TEXT,
    filed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    UNIQUE (evaluation_id, account_id),
    CHECK ((status = 'open') = (decided_at IS NULL)),
    CHECK ((status = 'open') = (decided_by IS NULL)),
    CHECK ((status = 'open') = (reason IS NULL))
);
CREATE INDEX recusal_requests_by_account ON recusal_requests (account_id);
CREATE INDEX recusal_requests_by_decided_by ON recusal_requests (decided_by);

-- Who may not act in an evaluation any more: recused, or had part in a decision that was sent back.
CREATE TABLE barred_members (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    cause TEXT NOT NULL CHECK (cause IN ('recused', 'had_part')),
    -- In the words of a member who stepped back alone.
    reason TEXT,
    PRIMARY KEY (evaluation_id, account_id)
);
CREATE INDEX barred_members_by_account ON barred_members (account_id);
