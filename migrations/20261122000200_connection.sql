-- An upstream identity provider. The slug is part of the callback URL and never changes.
CREATE TABLE connections (
    id            text        CONSTRAINT connections_pkey PRIMARY KEY,
    slug          text        NOT NULL CONSTRAINT connections_slug_key UNIQUE
                              CONSTRAINT connections_slug_shape CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    display_name  text        NOT NULL CONSTRAINT connections_display_name_present CHECK (display_name <> ''),
    protocol      text        NOT NULL CONSTRAINT connections_protocol_known CHECK (protocol IN ('oidc', 'saml')),
    preset        text,
    enabled       boolean     NOT NULL,
    listed        boolean     NOT NULL,
    settings      jsonb       NOT NULL,
    email_domains text[]      NOT NULL,
    allow_rule    text,
    mapping       jsonb       NOT NULL,
    managed_by    text,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

-- Client secrets and private keys that prove us to the upstream. Several live side by side while one is rotated.
CREATE TABLE connection_credentials (
    id            text        CONSTRAINT connection_credentials_pkey PRIMARY KEY,
    connection_id text        NOT NULL CONSTRAINT connection_credentials_connection_fkey REFERENCES connections ON DELETE CASCADE,
    kind          text        NOT NULL CONSTRAINT connection_credentials_kind_known CHECK (kind IN ('client_secret', 'private_key')),
    state         text        NOT NULL CONSTRAINT connection_credentials_state_known
                              CHECK (state IN ('next', 'active', 'retiring', 'retired', 'revoked')),
    sealed        bytea       NOT NULL,
    digest        bytea,                 -- keyed digest of the value: tells an already imported secret without storing it readably
    public_jwk    jsonb,
    certificate   bytea,                 -- DER, self-signed: gives x5t and x5t#S256
    created_by    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    last_used_at  timestamptz,
    CONSTRAINT connection_credentials_key_is_whole
        CHECK ((kind = 'private_key') = (public_jwk IS NOT NULL AND certificate IS NOT NULL))
);
CREATE UNIQUE INDEX connection_credentials_one_active ON connection_credentials (connection_id, kind) WHERE state = 'active';
CREATE INDEX connection_credentials_connection ON connection_credentials (connection_id);
