-- DPoP proofs that were shown (RFC 9449 section 11.1), until they are too old by themselves: each counts once.
CREATE TABLE dpop_proofs_seen (
    fingerprint bytea       CONSTRAINT dpop_proofs_seen_pkey PRIMARY KEY,   -- SHA-256 of the key's thumbprint and jti
    expires_at  timestamptz NOT NULL,
    CONSTRAINT dpop_proofs_seen_fingerprint_length CHECK (octet_length(fingerprint) = 32)
);
CREATE INDEX dpop_proofs_seen_expiry ON dpop_proofs_seen (expires_at);
-- A public client's refresh tokens hold for this key alone (RFC 9449 section 5); null: for whoever has them.
ALTER TABLE refresh_families ADD COLUMN dpop_jkt text;
