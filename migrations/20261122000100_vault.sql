-- One row: the pepper of keyed digests, sealed under the newest master key. It is also the canary that tells a wrong
-- master key at start instead of at the first login.
CREATE TABLE vault_pepper (
    id         smallint    CONSTRAINT vault_pepper_pkey PRIMARY KEY CONSTRAINT vault_pepper_single CHECK (id = 1),
    sealed     bytea       NOT NULL,
    created_at timestamptz NOT NULL
);
