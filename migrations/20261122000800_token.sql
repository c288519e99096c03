-- All refresh tokens that descend from one grant. Reuse of an old one revokes the family.
CREATE TABLE refresh_families (
    id             text        CONSTRAINT refresh_families_pkey PRIMARY KEY,
    client_id      text        NOT NULL CONSTRAINT refresh_families_client_fkey REFERENCES clients ON DELETE CASCADE,
    user_id        text        NOT NULL CONSTRAINT refresh_families_user_fkey REFERENCES users ON DELETE CASCADE,
    session_id     text        NOT NULL,
    identity_id    text        NOT NULL CONSTRAINT refresh_families_identity_fkey REFERENCES identities ON DELETE CASCADE,
    connection_slug text       NOT NULL,
    scopes         text[]      NOT NULL,
    audiences      text[]      NOT NULL,
    auth_time      timestamptz NOT NULL,
    acr            text,
    amr            text[]      NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    revoked_at     timestamptz,
    revoked_reason text,
    CONSTRAINT refresh_families_revoked_has_reason CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
);
CREATE INDEX refresh_families_user ON refresh_families (user_id);
CREATE INDEX refresh_families_expiry ON refresh_families (expires_at);

CREATE TABLE refresh_tokens (
    id               text        CONSTRAINT refresh_tokens_pkey PRIMARY KEY,
    family_id        text        NOT NULL CONSTRAINT refresh_tokens_family_fkey REFERENCES refresh_families ON DELETE CASCADE,
    token_hash       bytea       NOT NULL CONSTRAINT refresh_tokens_token_key UNIQUE,
    state            text        NOT NULL CONSTRAINT refresh_tokens_state_known CHECK (state IN ('active', 'rotated')),
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    rotated_at       timestamptz,
    successor        bytea,               -- Sealed<String>: what an identical retry inside the grace is answered with
    CONSTRAINT refresh_tokens_rotated_is_whole
        CHECK ((state = 'rotated') = (rotated_at IS NOT NULL AND successor IS NOT NULL))
);
CREATE UNIQUE INDEX refresh_tokens_one_active ON refresh_tokens (family_id) WHERE state = 'active';

-- Access tokens are stateless; the few that were revoked before their end stand here until then.
CREATE TABLE revoked_access_tokens (
    jti        text        CONSTRAINT revoked_access_tokens_pkey PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_families_identity ON refresh_families (identity_id);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX revoked_access_tokens_expiry ON revoked_access_tokens (expires_at);
