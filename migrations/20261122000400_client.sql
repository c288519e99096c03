-- A downstream application (RFC 6749 client).
CREATE TABLE clients (
    client_id                 text        CONSTRAINT clients_pkey PRIMARY KEY
                                          CONSTRAINT clients_client_id_shape CHECK (client_id ~ '^[A-Za-z0-9._~-]{1,200}$'),
    name                      text        NOT NULL,
    kind                      text        NOT NULL CONSTRAINT clients_kind_known CHECK (kind IN ('web', 'spa', 'native', 'machine')),
    enabled                   boolean     NOT NULL,
    redirect_uris             text[]      NOT NULL,
    post_logout_redirect_uris text[]      NOT NULL,
    grants                    text[]      NOT NULL,
    audiences                 text[]      NOT NULL,
    scopes                    text[],               -- null: the OIDC scopes and every scope of its audiences
    connections               text[],               -- slugs; null: every enabled connection
    first_party               boolean     NOT NULL,
    require_pkce              boolean     NOT NULL,
    claims                    jsonb       NOT NULL,
    id_token_alg              text        NOT NULL CONSTRAINT clients_alg_known CHECK (id_token_alg IN ('RS256', 'PS256', 'ES256', 'EdDSA')),
    managed_by                text,
    created_at                timestamptz NOT NULL,
    updated_at                timestamptz NOT NULL,
    CONSTRAINT clients_public_needs_pkce CHECK (require_pkce OR kind IN ('web', 'machine'))
);

CREATE TABLE client_secrets (
    id           text        CONSTRAINT client_secrets_pkey PRIMARY KEY,
    client_id    text        NOT NULL CONSTRAINT client_secrets_client_fkey REFERENCES clients ON DELETE CASCADE,
    digest       bytea       NOT NULL,   -- keyed digest: an imported secret may be weak, so a bare hash would not do
    hint         text        NOT NULL,
    state        text        NOT NULL CONSTRAINT client_secrets_state_known CHECK (state IN ('active', 'retiring', 'revoked')),
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT client_secrets_value_once UNIQUE (client_id, digest)
);
