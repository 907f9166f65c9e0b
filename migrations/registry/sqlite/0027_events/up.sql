-- What other systems are told: ids and codes of final facts, never changed and never deleted. The sequence follows the order
-- of commits, so whoever reads on from a number misses nothing. An extract's id stays here when the extract is destroyed.
CREATE TABLE events (
    sequence BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('evaluation.finalised', 'evaluation.revoked', 'training.recommended', 'extract.issued', 'extract.revoked')),
    version INTEGER NOT NULL,
    occurred_on DATE NOT NULL,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    evaluation_id TEXT REFERENCES evaluations (id),
    extract_id TEXT,
    recipient_client_id TEXT REFERENCES clients (id),
    outcome_code TEXT,
    valid_until DATE,
    document_digest TEXT
);
CREATE INDEX events_by_kind ON events (kind, sequence);
CREATE INDEX events_by_judge ON events (judge_id, sequence);
CREATE INDEX events_by_evaluation ON events (evaluation_id);
CREATE INDEX events_by_recipient_client ON events (recipient_client_id, sequence);

-- Who has to say that a withdrawal arrived: the systems that could have read what was withdrawn.
CREATE TABLE event_acknowledgements (
    event_sequence BIGINT NOT NULL REFERENCES events (sequence),
    client_id TEXT NOT NULL REFERENCES clients (id),
    acknowledged_at TIMESTAMP,
    PRIMARY KEY (event_sequence, client_id)
);
CREATE INDEX event_acknowledgements_by_client ON event_acknowledgements (client_id, event_sequence);
CREATE INDEX event_acknowledgements_by_state ON event_acknowledgements (acknowledged_at, event_sequence, client_id);

-- Where events are sent to. Every event up to spread_to has its delivery, or is not for this endpoint.
CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'gone')),
    wrapped_secret BLOB NOT NULL,
    previous_wrapped_secret BLOB,
    previous_until TIMESTAMP,
    spread_to BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    CHECK ((previous_wrapped_secret IS NULL) = (previous_until IS NULL))
);
CREATE INDEX webhooks_by_client ON webhooks (client_id);

-- One event on its way to one endpoint; without an event it is a test that somebody asked for.
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id),
    event_sequence BIGINT REFERENCES events (sequence),
    judge_id TEXT REFERENCES judges (id),
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'given_up')),
    attempt_count INTEGER NOT NULL,
    attempted_at TIMESTAMP,
    next_attempt_at TIMESTAMP,
    error TEXT CHECK (error IN ('unreachable', 'timed_out', 'refused', 'redirected', 'gone', 'not_allowed')),
    status_code INTEGER,
    delivered_at TIMESTAMP,
    version BIGINT NOT NULL,
    UNIQUE (webhook_id, event_sequence),
    CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((event_sequence IS NULL) = (judge_id IS NULL))
);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event_sequence);
CREATE INDEX webhook_deliveries_by_line ON webhook_deliveries (webhook_id, state, judge_id, event_sequence);
CREATE INDEX webhook_deliveries_by_judge ON webhook_deliveries (judge_id);
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (state, id);
CREATE INDEX webhook_deliveries_by_id ON webhook_deliveries (webhook_id, id);
