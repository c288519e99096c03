-- Assertions that signed somebody in, until they end by themselves: each counts once.
CREATE TABLE saml_assertions_seen (
    connection_id text        NOT NULL CONSTRAINT saml_assertions_seen_connection_fkey REFERENCES connections ON DELETE CASCADE,
    assertion_id  text        NOT NULL,
    expires_at    timestamptz NOT NULL,
    CONSTRAINT saml_assertions_seen_pkey PRIMARY KEY (connection_id, assertion_id)
);
CREATE INDEX saml_assertions_seen_expiry ON saml_assertions_seen (expires_at);
