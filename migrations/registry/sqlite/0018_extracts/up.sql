-- Keys that sign extracts and nothing else; the public halves are published for as long as extracts name them.
CREATE TABLE extract_keys (
    id TEXT NOT NULL PRIMARY KEY,
    public_key BLOB NOT NULL,
    wrapped_private_key BLOB NOT NULL,
    signs_from TIMESTAMP NOT NULL
);

-- What left the file: never changed, revoked at most.
CREATE TABLE extracts (
    id TEXT NOT NULL PRIMARY KEY,
    judge_id TEXT NOT NULL REFERENCES judges (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('competition', 'promotion', 'reserve', 'chair', 'age_limit')),
    recipient TEXT NOT NULL,
    recipient_client_id TEXT REFERENCES clients (id),
    facts TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    key_id TEXT NOT NULL REFERENCES extract_keys (id),
    signature TEXT NOT NULL,
    issued_by TEXT NOT NULL REFERENCES accounts (id),
    issued_at TIMESTAMP NOT NULL,
    expires_on DATE NOT NULL,
    revoked_at TIMESTAMP,
    revoked_by TEXT REFERENCES accounts (id),
    revocation TEXT CHECK (revocation IN ('record_corrected', 'purpose_ended', 'issued_in_error', 'fact_quashed')),
    explanation TEXT,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
    CHECK ((revoked_at IS NULL) = (revocation IS NULL)),
    CHECK ((revoked_at IS NULL) = (explanation IS NULL))
);
CREATE INDEX extracts_by_judge ON extracts (judge_id, id);
CREATE INDEX extracts_by_recipient_client ON extracts (recipient_client_id);
CREATE INDEX extracts_by_key ON extracts (key_id);
CREATE INDEX extracts_by_issued_by ON extracts (issued_by);
CREATE INDEX extracts_by_revoked_by ON extracts (revoked_by);
