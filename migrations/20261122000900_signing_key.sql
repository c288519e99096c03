CREATE TABLE signing_keys (
    kid          text        CONSTRAINT signing_keys_pkey PRIMARY KEY,
    alg          text        NOT NULL CONSTRAINT signing_keys_alg_known CHECK (alg IN ('RS256', 'PS256', 'ES256', 'EdDSA')),
    state        text        NOT NULL CONSTRAINT signing_keys_state_known CHECK (state IN ('next', 'active', 'retiring', 'retired', 'revoked')),
    sealed       bytea       NOT NULL,   -- PKCS#8
    public_jwk   jsonb       NOT NULL,
    published_at timestamptz NOT NULL,
    activated_at timestamptz,
    retiring_at  timestamptz,
    ended_at     timestamptz,
    CONSTRAINT signing_keys_active_since CHECK (state IN ('next', 'revoked') OR activated_at IS NOT NULL),
    CONSTRAINT signing_keys_ended CHECK ((state IN ('retired', 'revoked')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (alg) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (alg) WHERE state = 'next';
