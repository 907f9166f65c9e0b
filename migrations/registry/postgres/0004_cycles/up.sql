-- Cycles, their evaluations, pools, draws, assignments and issuance. Assignments name reviewers, which is identified
-- and fine; nothing here tells whether a review was submitted.
CREATE TABLE cycles (
    id TEXT NOT NULL PRIMARY KEY,
    methodology_id TEXT NOT NULL REFERENCES methodologies (id),
    evaluating_body TEXT NOT NULL,
    title_kk TEXT NOT NULL,
    title_ru TEXT NOT NULL,
    title_en TEXT,
    phase TEXT NOT NULL CHECK (phase IN ('draft', 'announced', 'file_review', 'pool_review', 'drawn', 'issuance',
        'submission', 'sealed', 'reporting', 'closed', 'cancelled')),
    cycle_ref BYTEA UNIQUE,
    round INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    seed_commitment TEXT,
    sealed_seed BYTEA,
    draw_record TEXT,
    draw_record_digest TEXT,
    manifest_digest TEXT,
    receipt_key BYTEA UNIQUE,
    sealed_on DATE,
    bundle_digest TEXT,
    cancel_reason TEXT,
    created_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX cycles_by_methodology ON cycles (methodology_id);

-- The days of a cycle; from issue_open on they stand in the signed manifest as well.
CREATE TABLE cycle_dates (
    cycle_id TEXT NOT NULL PRIMARY KEY REFERENCES cycles (id),
    starts_on DATE NOT NULL,
    file_review_open DATE NOT NULL,
    file_review_close DATE NOT NULL,
    pool_review_open DATE NOT NULL,
    pool_challenge_close DATE NOT NULL,
    pool_review_close DATE NOT NULL,
    draw_by DATE NOT NULL,
    issue_open DATE NOT NULL,
    issue_close DATE NOT NULL,
    submit_open DATE NOT NULL,
    submit_close DATE NOT NULL,
    seal_by DATE NOT NULL,
    challenge_close DATE NOT NULL,
    recount_by DATE NOT NULL
);

-- Each move of a cycle: who, who confirmed, why, when.
CREATE TABLE cycle_moves (
    id TEXT NOT NULL PRIMARY KEY,
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    from_phase TEXT NOT NULL,
    to_phase TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    second_account_id TEXT REFERENCES accounts (id),
    reason TEXT,
    moved_at TIMESTAMP NOT NULL
);
CREATE INDEX cycle_moves_by_cycle ON cycle_moves (cycle_id, id);
CREATE INDEX cycle_moves_by_account ON cycle_moves (account_id);
CREATE INDEX cycle_moves_by_second_account ON cycle_moves (second_account_id);

CREATE TABLE evaluations (
    id TEXT NOT NULL PRIMARY KEY,
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    judge_id TEXT NOT NULL REFERENCES judges (id),
    kind TEXT NOT NULL CHECK (kind IN ('first_year', 'periodic', 'reserve', 'promotion', 'chair', 'repeat', 'on_request')),
    instrument_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'notified', 'file_review', 'pool_review', 'collecting', 'counted',
        'cancelled')),
    subject_ref BYTEA UNIQUE,
    version BIGINT NOT NULL,
    UNIQUE (cycle_id, judge_id)
);
CREATE INDEX evaluations_by_judge ON evaluations (judge_id);
CREATE INDEX evaluations_by_cycle ON evaluations (cycle_id, id);

-- The members of the commission and of its appeal panel to whom an evaluation is given; at most one of them drafts.
CREATE TABLE evaluation_members (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    is_rapporteur BOOLEAN NOT NULL,
    PRIMARY KEY (evaluation_id, account_id)
);
CREATE INDEX evaluation_members_by_account ON evaluation_members (account_id, evaluation_id);
CREATE UNIQUE INDEX evaluation_members_rapporteur ON evaluation_members (evaluation_id) WHERE is_rapporteur;

CREATE TABLE pool_entries (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    judge_id TEXT NOT NULL REFERENCES judges (id),
    court_group TEXT NOT NULL CHECK (court_group IN ('same_court', 'appellate', 'lower_court', 'same_region',
        'other_region', 'retired')),
    is_excluded BOOLEAN NOT NULL,
    exclusion_reason TEXT,
    UNIQUE (evaluation_id, judge_id),
    CHECK (is_excluded = (exclusion_reason IS NOT NULL))
);
CREATE INDEX pool_entries_by_evaluation ON pool_entries (evaluation_id, id);
CREATE INDEX pool_entries_by_judge ON pool_entries (judge_id);

CREATE TABLE challenges (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    pool_entry_id TEXT NOT NULL UNIQUE REFERENCES pool_entries (id),
    ground TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'rejected')),
    reason TEXT,
    filed_at TIMESTAMP NOT NULL,
    decided_by TEXT REFERENCES accounts (id),
    decided_at TIMESTAMP,
    version BIGINT NOT NULL
);
CREATE INDEX challenges_by_evaluation ON challenges (evaluation_id, id);
CREATE INDEX challenges_by_decided_by ON challenges (decided_by);

CREATE TABLE assignments (
    id TEXT NOT NULL PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    judge_id TEXT NOT NULL REFERENCES judges (id),
    drawn_order INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserve', 'drawn', 'recused', 'issued')),
    recusal_reason TEXT CHECK (recusal_reason IN ('no_contact', 'conflict')),
    UNIQUE (evaluation_id, judge_id),
    UNIQUE (evaluation_id, drawn_order)
);
CREATE INDEX assignments_by_judge ON assignments (judge_id, id);

-- What an issuer signed without seeing it, by the hash of the blinded message; no time of it is kept.
CREATE TABLE issuances (
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    issuer_id TEXT NOT NULL,
    key_id BYTEA NOT NULL,
    blinded_hash BYTEA NOT NULL,
    PRIMARY KEY (assignment_id, issuer_id, key_id)
);
CREATE INDEX issuances_by_key ON issuances (key_id);

-- Issuer keys: one for each evaluation, issuer and generation; the private half is deleted at the seal.
CREATE TABLE issuer_keys (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    issuer_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    key_id BYTEA NOT NULL UNIQUE,
    public_key BYTEA NOT NULL,
    wrapped_private_key BYTEA,
    PRIMARY KEY (evaluation_id, issuer_id, generation)
);

-- The Ed25519 key with which an issuer signs ledgers and seal orders of a cycle.
CREATE TABLE issuer_document_keys (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    issuer_id TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    wrapped_private_key BYTEA NOT NULL,
    PRIMARY KEY (cycle_id, issuer_id)
);

-- The signed public documents of a cycle, as published: the folder is made from these rows, never the reverse.
CREATE TABLE cycle_documents (
    cycle_id TEXT NOT NULL REFERENCES cycles (id),
    name TEXT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (cycle_id, name)
);

-- Long work: its state survives a restart.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('make_keys', 'compute_results')),
    object_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    done_count INTEGER NOT NULL,
    total_count INTEGER NOT NULL,
    error TEXT,
    requested_by TEXT NOT NULL REFERENCES accounts (id),
    created_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    version BIGINT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_object ON jobs (object_id);
CREATE INDEX jobs_by_requested_by ON jobs (requested_by);
