-- JWTs by which clients proved themselves, until they end by themselves: each jti counts once.
CREATE TABLE assertions_seen (
    fingerprint bytea       CONSTRAINT assertions_seen_pkey PRIMARY KEY,   -- SHA-256 of issuer and jti
    expires_at  timestamptz NOT NULL,
    CONSTRAINT assertions_seen_fingerprint_length CHECK (octet_length(fingerprint) = 32)
);
CREATE INDEX assertions_seen_expiry ON assertions_seen (expires_at);
