-- Links by which a customer's administrator gives one connection a new secret or certificate, without an account.
CREATE TABLE renewal_links (
    id            text        CONSTRAINT renewal_links_pkey PRIMARY KEY,
    connection_id text        NOT NULL CONSTRAINT renewal_links_connection_fkey REFERENCES connections ON DELETE CASCADE,
    token_hash    bytea       NOT NULL CONSTRAINT renewal_links_token_hash_key UNIQUE,
    takes_over    boolean     NOT NULL,   -- a proven secret is taken into use at once
    created_by    text        NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    tries         integer     NOT NULL,   -- counts, and tells one attempt from another
    busy_until    timestamptz,            -- somebody's attempt is under way
    ended_at      timestamptz,
    ended         text        CONSTRAINT renewal_links_ended_known CHECK (ended IN ('used', 'withdrawn', 'too_many_tries')),
    CONSTRAINT renewal_links_ended_whole CHECK ((ended_at IS NULL) = (ended IS NULL))
);
CREATE INDEX renewal_links_connection ON renewal_links (connection_id, created_at DESC);
CREATE INDEX renewal_links_end ON renewal_links (expires_at);

INSERT INTO webhook_events (action, outcome, event) VALUES
    ('renewal_link.used', 'success', 'renewal_link.used'),
    ('renewal_link.withdrawn', 'refused', 'renewal_link.used');
