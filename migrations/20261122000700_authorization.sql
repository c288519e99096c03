-- One /authorize request on its way: pending -> identified -> granted -> redeemed, or denied.
CREATE TABLE authorizations (
    id              text        CONSTRAINT authorizations_pkey PRIMARY KEY,
    state           text        NOT NULL CONSTRAINT authorizations_state_known
                                CHECK (state IN ('pending', 'identified', 'granted', 'redeemed', 'denied')),
    client_id       text        NOT NULL CONSTRAINT authorizations_client_fkey REFERENCES clients ON DELETE CASCADE,
    request         jsonb       NOT NULL,
    browser_hash    bytea       NOT NULL,
    trace_id        text        NOT NULL,
    session_id      text        CONSTRAINT authorizations_session_fkey REFERENCES sessions ON DELETE CASCADE,
    code_hash       bytea       CONSTRAINT authorizations_code_key UNIQUE,
    code_expires_at timestamptz,
    granted_scopes  text[],
    redeemed_at     timestamptz,
    access_jti      text,                -- of the token made at redemption: revoked when the code comes again
    family_id       text,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    CONSTRAINT authorizations_identified_has_session CHECK (state IN ('pending', 'denied') OR session_id IS NOT NULL),
    CONSTRAINT authorizations_redeemed_has_time CHECK ((state = 'redeemed') = (redeemed_at IS NOT NULL)),
    CONSTRAINT authorizations_granted_has_code
        CHECK ((state IN ('granted', 'redeemed')) = (code_hash IS NOT NULL AND code_expires_at IS NOT NULL AND granted_scopes IS NOT NULL))
);
CREATE INDEX authorizations_expiry ON authorizations (expires_at);

-- One trip to an upstream. Its `state` parameter is bound to this row and to the browser that left.
CREATE TABLE login_attempts (
    id               text        CONSTRAINT login_attempts_pkey PRIMARY KEY,
    state_hash       bytea       NOT NULL CONSTRAINT login_attempts_state_key UNIQUE,
    browser_hash     bytea       NOT NULL,
    authorization_id text        NOT NULL CONSTRAINT login_attempts_authorization_fkey REFERENCES authorizations ON DELETE CASCADE,
    connection_id    text        NOT NULL CONSTRAINT login_attempts_connection_fkey REFERENCES connections ON DELETE CASCADE,
    issuer           text        NOT NULL,
    nonce            text        NOT NULL,
    pkce_verifier    bytea       NOT NULL,   -- Sealed<String>
    max_age          bigint,                 -- seconds; what was asked of the upstream, checked against its auth_time
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    completed_at     timestamptz
);
CREATE INDEX login_attempts_expiry ON login_attempts (expires_at);
CREATE INDEX authorizations_session ON authorizations (session_id);
CREATE INDEX login_attempts_authorization ON login_attempts (authorization_id);
