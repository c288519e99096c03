-- The address by which calendars subscribe to what ends: one, known by its digest only.
CREATE TABLE calendar_feed (
    id           smallint    CONSTRAINT calendar_feed_pkey PRIMARY KEY CONSTRAINT calendar_feed_one_row CHECK (id = 1),
    token_digest bytea       NOT NULL CONSTRAINT calendar_feed_digest_size CHECK (octet_length(token_digest) = 32),
    hint         text        NOT NULL,
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL
);
