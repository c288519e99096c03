-- How an upstream client secret is rotated by its provider's own API: the driver of a connection, and every rotation it made.
CREATE TABLE secret_drivers (
    connection_id         text        CONSTRAINT secret_drivers_pkey PRIMARY KEY
                                      CONSTRAINT secret_drivers_connection_fkey REFERENCES connections ON DELETE CASCADE,
    version               bigint      NOT NULL,
    settings              jsonb       NOT NULL,   -- its kind, and where and who we are there; never a secret
    sealed                bytea,                  -- the driver's own credential; absent: it uses the connection's own secret
    credential_expires_at timestamptz,
    interval_days         integer     NOT NULL CONSTRAINT secret_drivers_interval_sane CHECK (interval_days BETWEEN 1 AND 730),
    lifetime_days         integer     NOT NULL CONSTRAINT secret_drivers_lifetime_sane CHECK (lifetime_days BETWEEN 2 AND 730),
    watch_hours           integer     NOT NULL CONSTRAINT secret_drivers_watch_sane CHECK (watch_hours BETWEEN 1 AND 720),
    enabled               boolean     NOT NULL,
    next_rotation_at      timestamptz,            -- absent: not before somebody asks for it
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL
);
CREATE INDEX secret_drivers_due ON secret_drivers (next_rotation_at) WHERE enabled;
-- The end of the driver's credential stands on the calendar, which is in memory.
CREATE TRIGGER secret_drivers_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF credential_expires_at, enabled ON secret_drivers
    FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();

CREATE TABLE secret_rotations (
    id              text        CONSTRAINT secret_rotations_pkey PRIMARY KEY,
    connection_id   text        NOT NULL CONSTRAINT secret_rotations_connection_fkey REFERENCES connections ON DELETE CASCADE,
    driver          text        NOT NULL,
    step            text        NOT NULL CONSTRAINT secret_rotations_step_known
                                CHECK (step IN ('plan', 'add', 'store', 'prove', 'promote', 'watch', 'remove', 'done')),
    marker          text        NOT NULL,   -- what the new secret is known by at a provider that takes a name
    lifetime_days   integer     NOT NULL,   -- asked for; less after the provider's policy refused more
    old_id          text,                   -- the provider's id of the secret before, if it is known to be ours
    new_id          text,                   -- the provider's id of the new one
    candidate       bytea,                  -- the new value, sealed, until it is stored as the connection's
    expires_at      timestamptz,            -- of the new secret
    credential_id   text,                   -- the new secret, as the connection's
    previous_id     text,                   -- the one that was in use
    attempts        integer     NOT NULL DEFAULT 0,   -- of this step
    step_at         timestamptz NOT NULL,             -- since when it is at this step
    proofs          integer     NOT NULL DEFAULT 0,   -- in a row
    proofs_since    timestamptz,
    proved_at       timestamptz,
    next_at         timestamptz NOT NULL,
    last_error      text,
    stop_asked_by   text,
    asked_by        text        NOT NULL,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    outcome         text        CONSTRAINT secret_rotations_outcome_known CHECK (outcome IN ('done', 'failed', 'stopped')),
    cause           text,
    fence           bigint      NOT NULL DEFAULT 0,   -- grows with every lease: whoever holds an older one writes nothing
    leased_until    timestamptz,
    CONSTRAINT secret_rotations_finished_whole CHECK ((finished_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX secret_rotations_one_runs ON secret_rotations (connection_id) WHERE finished_at IS NULL;
CREATE INDEX secret_rotations_connection ON secret_rotations (connection_id, started_at DESC);

INSERT INTO webhook_events (action, outcome, event) VALUES
    ('connection.rotation_failed', 'failed', 'connection.rotation_failed');
