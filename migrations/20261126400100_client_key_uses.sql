-- When a client last signed by which of its keys, how often and from where. Keys are no rows of ours: a client's JWKS stands in
-- its settings or at its own address, so a key is known by its thumbprint (RFC 7638).
CREATE TABLE client_key_uses (
    client_id      text        NOT NULL CONSTRAINT client_key_uses_client_fkey REFERENCES clients (client_id) ON DELETE CASCADE,
    thumbprint     text        NOT NULL,
    kid            text,
    first_used_at  timestamptz NOT NULL,
    last_used_at   timestamptz NOT NULL,
    last_used_addr text,
    uses           bigint      NOT NULL,
    CONSTRAINT client_key_uses_pkey PRIMARY KEY (client_id, thumbprint),
    CONSTRAINT client_key_uses_sane CHECK (uses > 0 AND last_used_at >= first_used_at)
);
