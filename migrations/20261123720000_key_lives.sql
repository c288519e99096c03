-- What the private key of a connection is still to become by itself, and since when it is in use. The key and its state
-- stand in connection_credentials.
CREATE TABLE connection_key_lives (
    credential_id text        CONSTRAINT connection_key_lives_pkey PRIMARY KEY
                              CONSTRAINT connection_key_lives_credential_fkey REFERENCES connection_credentials ON DELETE CASCADE,
    -- of a next key: when it takes over; null: when somebody says so
    promote_at    timestamptz,
    activated_at  timestamptz,
    -- of a retiring key: when nobody is shown it any more; null: when somebody says so
    retire_at     timestamptz
);

-- Certificates in refused answers, under which the answer's signature held: the provider's new one, or anybody's.
CREATE TABLE untrusted_certificates (
    connection_id text        NOT NULL CONSTRAINT untrusted_certificates_connection_fkey REFERENCES connections ON DELETE CASCADE,
    sha256        text        NOT NULL CONSTRAINT untrusted_certificates_sha256_hex CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    subject       text        NOT NULL,
    der           bytea       NOT NULL,
    not_before    timestamptz NOT NULL,
    not_after     timestamptz NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    times         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT untrusted_certificates_pkey PRIMARY KEY (connection_id, sha256)
);
