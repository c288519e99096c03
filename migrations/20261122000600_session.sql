-- A browser's single sign-on session. The cookie's value is stored as SHA-256 only and changes at every login.
CREATE TABLE sessions (
    id              text        CONSTRAINT sessions_pkey PRIMARY KEY,
    token_hash      bytea       NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE,
    user_id         text        NOT NULL CONSTRAINT sessions_user_fkey REFERENCES users ON DELETE CASCADE,
    identity_id     text        NOT NULL CONSTRAINT sessions_identity_fkey REFERENCES identities ON DELETE CASCADE,
    connection_slug text        NOT NULL,
    auth_time       timestamptz NOT NULL,
    acr             text,
    amr             text[]      NOT NULL,
    upstream_sid    text,
    created_at      timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    revoked_at      timestamptz
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE consents (
    user_id    text        NOT NULL CONSTRAINT consents_user_fkey REFERENCES users ON DELETE CASCADE,
    client_id  text        NOT NULL CONSTRAINT consents_client_fkey REFERENCES clients ON DELETE CASCADE,
    scopes     text[]      NOT NULL,
    audiences  text[]      NOT NULL,
    granted_at timestamptz NOT NULL,
    CONSTRAINT consents_pkey PRIMARY KEY (user_id, client_id)
);
CREATE INDEX sessions_identity ON sessions (identity_id);
