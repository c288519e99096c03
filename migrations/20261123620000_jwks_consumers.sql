-- The order in which keys appeared, by no clock: whoever was given a key was given all before it. Keys are added under an
-- advisory lock, so a lower number is always committed first.
ALTER TABLE signing_keys ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;

-- Who reads the JWKS. Rows end 30 days after the last time.
CREATE TABLE jwks_consumers (
    address  text        NOT NULL,                -- an IPv6 network of 64 bits counts as one
    product  text        NOT NULL CONSTRAINT jwks_consumers_product_length CHECK (char_length(product) BETWEEN 1 AND 40),
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    fetches  bigint      NOT NULL CONSTRAINT jwks_consumers_fetched CHECK (fetches > 0),
    saw      bigint      NOT NULL,                -- the highest signing_keys.number it was given
    CONSTRAINT jwks_consumers_pkey PRIMARY KEY (address, product)
);
CREATE INDEX jwks_consumers_last_at ON jwks_consumers (last_at);

-- When keys change by themselves.
CREATE TABLE signing_schedule (
    alg                 text    CONSTRAINT signing_schedule_pkey PRIMARY KEY
                                CONSTRAINT signing_schedule_alg_known CHECK (alg IN ('RS256', 'PS256', 'ES256', 'EdDSA')),
    lifetime_days       integer CONSTRAINT signing_schedule_lifetime_range CHECK (lifetime_days BETWEEN 1 AND 730),  -- NULL: never
    publish_ahead_hours integer NOT NULL CONSTRAINT signing_schedule_ahead_range CHECK (publish_ahead_hours BETWEEN 1 AND 720)
);
INSERT INTO signing_schedule (alg, lifetime_days, publish_ahead_hours)
VALUES ('RS256', 90, 24), ('PS256', 90, 24), ('ES256', 90, 24), ('EdDSA', 90, 24);
CREATE TRIGGER signing_schedule_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signing_schedule FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
