-- Accounts, log-ins, signing keys; the audit log, approvals and idempotency keys that every later write uses.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL UNIQUE CHECK (length(login) BETWEEN 3 AND 64),
    password_hash TEXT NOT NULL,
    staff_role TEXT CHECK (staff_role IN ('administrator', 'secretary', 'member', 'appeal_member', 'auditor')),
    judge_id TEXT UNIQUE,
    is_closed BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    -- Staff roles exclude one another by being one column; only a (appeal) member may be a judge besides.
    CHECK (judge_id IS NULL OR staff_role IS NULL OR staff_role IN ('member', 'appeal_member')),
    CHECK (judge_id IS NOT NULL OR staff_role IS NOT NULL)
);

-- Failed log-ins by keyed hash of the name given, known or not, so that both are answered alike.
CREATE TABLE login_attempts (
    login_hash BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL CHECK (failures > 0),
    blocked_until TIMESTAMP NOT NULL
);
CREATE INDEX login_attempts_by_blocked_until ON login_attempts (blocked_until);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_expires_at ON sessions (expires_at);

-- A refresh token is kept as its hash; one that was replaced stays, so that its reuse is seen.
CREATE TABLE refresh_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    is_replaced BOOLEAN NOT NULL
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE token_keys (
    id TEXT NOT NULL PRIMARY KEY,
    public_key BLOB NOT NULL,
    wrapped_private_key BLOB NOT NULL,
    signs_from TIMESTAMP NOT NULL,
    signs_until TIMESTAMP NOT NULL
);

-- Machine clients: other systems, each the only voice of one system of record. A secret is kept as its SHA-256, and the
-- one before it for the time of a rotation.
CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    source_system TEXT NOT NULL UNIQUE CHECK (length(source_system) BETWEEN 1 AND 40),
    may_write_files BOOLEAN NOT NULL,
    may_read_results BOOLEAN NOT NULL,
    may_read_events BOOLEAN NOT NULL,
    may_use_scim BOOLEAN NOT NULL,
    secret_hash BLOB NOT NULL,
    previous_secret_hash BLOB,
    previous_until TIMESTAMP,
    is_closed BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CHECK ((previous_secret_hash IS NULL) = (previous_until IS NULL))
);

-- One entry in the commit of each write and of each read of a person's file; sequence follows the order of commits.
CREATE TABLE audit_entries (
    sequence BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    occurred_at TIMESTAMP NOT NULL,
    account_id TEXT REFERENCES accounts (id),
    client_id TEXT REFERENCES clients (id),
    act TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    judge_id TEXT,
    purpose TEXT,
    digest TEXT,
    CHECK (account_id IS NULL OR client_id IS NULL)
);
CREATE INDEX audit_entries_by_account ON audit_entries (account_id, sequence);
CREATE INDEX audit_entries_by_client ON audit_entries (client_id, sequence);
-- With the purpose in it, counting who read a file needs no row of the table.
CREATE INDEX audit_entries_by_judge ON audit_entries (judge_id, sequence, purpose);
CREATE INDEX audit_entries_by_object ON audit_entries (object_type, object_id, sequence);

-- An act that needs two persons: asked for by one, confirmed by another who names the same digest.
CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    act TEXT NOT NULL,
    object_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    parameters TEXT NOT NULL,
    reason TEXT,
    requested_by TEXT NOT NULL REFERENCES accounts (id),
    requested_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    confirmed_by TEXT REFERENCES accounts (id),
    confirmed_at TIMESTAMP,
    CHECK (confirmed_by IS NULL OR confirmed_by <> requested_by),
    CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL))
);
CREATE INDEX approvals_by_requested_by ON approvals (requested_by);
CREATE INDEX approvals_by_confirmed_by ON approvals (confirmed_by);

-- The caller is an account or a client; a row lives for a day, so nothing refers to either.
CREATE TABLE idempotency_keys (
    caller_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    request_digest BLOB NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    version BIGINT,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (caller_id, operation, key)
);
CREATE INDEX idempotency_keys_by_created_at ON idempotency_keys (created_at);
