-- The session at the identity provider that a session of ours came from: what it takes to end both together.
CREATE TABLE upstream_sessions (
    session_id    text   CONSTRAINT upstream_sessions_pkey PRIMARY KEY
                         CONSTRAINT upstream_sessions_session_fkey REFERENCES sessions ON DELETE CASCADE,
    connection_id text   NOT NULL CONSTRAINT upstream_sessions_connection_fkey REFERENCES connections ON DELETE CASCADE,
    issuer        text   NOT NULL,
    subject       text   NOT NULL,   -- OIDC: sub; SAML: the NameID's value
    name_id       jsonb,             -- SAML: its format and qualifiers, as received
    sids          text[] NOT NULL,   -- OIDC: sid; SAML: every SessionIndex
    id_token      bytea              -- Sealed<String>: the id_token_hint of RP-Initiated Logout
);
CREATE INDEX upstream_sessions_subject ON upstream_sessions (connection_id, subject);
CREATE INDEX upstream_sessions_sids ON upstream_sessions USING gin (sids);
ALTER TABLE sessions DROP COLUMN upstream_sid;

-- Why a session ended before its time.
ALTER TABLE sessions ADD COLUMN end_reason text
    CONSTRAINT sessions_end_reason_only_when_revoked CHECK (end_reason IS NULL OR revoked_at IS NOT NULL);
CREATE INDEX refresh_families_session ON refresh_families (session_id);
