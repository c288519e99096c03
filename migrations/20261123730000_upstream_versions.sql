-- What an OpenID provider's discovery document said, each time it said something else. The approved one is used.
CREATE TABLE upstream_versions (
    id            bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT upstream_versions_pkey PRIMARY KEY,
    connection_id text        NOT NULL CONSTRAINT upstream_versions_connection_fkey REFERENCES connections ON DELETE CASCADE,
    source        text        NOT NULL,   -- the connection's issuer when it was read
    document      jsonb       NOT NULL,   -- what we use of it
    state         text        NOT NULL CONSTRAINT upstream_versions_state_known CHECK (state IN ('approved', 'pending', 'rejected', 'superseded')),
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    decided_at    timestamptz,
    decided_by    text
);
CREATE UNIQUE INDEX upstream_versions_approved ON upstream_versions (connection_id, source) WHERE state = 'approved';
CREATE UNIQUE INDEX upstream_versions_pending ON upstream_versions (connection_id, source) WHERE state = 'pending';
CREATE INDEX upstream_versions_connection ON upstream_versions (connection_id, id DESC);
CREATE TRIGGER upstream_versions_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF state ON upstream_versions FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();

-- Whose turn it is to look: one replica each time.
CREATE TABLE upstream_looks (
    connection_id text        CONSTRAINT upstream_looks_pkey PRIMARY KEY CONSTRAINT upstream_looks_connection_fkey REFERENCES connections ON DELETE CASCADE,
    source        text        NOT NULL,
    next_look_at  timestamptz NOT NULL
);
