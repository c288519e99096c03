-- What the admin API answered to a creation that carries an Idempotency-Key, so that a repetition is answered and not done.
CREATE TABLE idempotency_keys (
    id           text        CONSTRAINT idempotency_keys_pkey PRIMARY KEY,  -- SHA-256 over who calls and the key they chose
    request_hash bytea       NOT NULL,
    sealed       bytea,                 -- the answer, which may hold a secret; absent while the first request is under way
    started_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_expires ON idempotency_keys (expires_at);
