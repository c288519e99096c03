-- Groups that a provider's token had no room for, looked up and kept: what sign-ins go by while it is fresh, and the last that is
-- known when the provider's directory cannot be asked.
CREATE TABLE upstream_groups (
    connection_id text        NOT NULL CONSTRAINT upstream_groups_connection_fkey REFERENCES connections ON DELETE CASCADE,
    issuer        text        NOT NULL,
    subject       text        NOT NULL,
    tenant        text        NOT NULL,
    object_id     text        NOT NULL,             -- whom the directory knows
    groups        text[]      NOT NULL,
    fetched_at    timestamptz NOT NULL,
    used_at       timestamptz NOT NULL,             -- somebody came by them
    next_at       timestamptz NOT NULL,             -- when they are looked up again
    problem       text,                             -- of the last attempt
    CONSTRAINT upstream_groups_pkey PRIMARY KEY (connection_id, issuer, subject)
);
CREATE INDEX upstream_groups_due ON upstream_groups (next_at);
CREATE INDEX upstream_groups_used ON upstream_groups (used_at);
