-- Operators' sessions at the admin pages. Apart from the sessions of people: signing in to an application must never open
-- the desk, and the other way round.
CREATE TABLE operator_sessions (
    id text CONSTRAINT operator_sessions_pkey PRIMARY KEY,
    token_hash bytea NOT NULL CONSTRAINT operator_sessions_token_hash_key UNIQUE,
    operator_id text NOT NULL CONSTRAINT operator_sessions_operator_fkey REFERENCES operators (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT operator_sessions_token_hash_sha256 CHECK (length(token_hash) = 32)
);
CREATE INDEX operator_sessions_operator ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_expiry ON operator_sessions (expires_at);
