-- Who is told of what matters, as it happens. A message is an event of the audit log: nothing is copied, and what was rolled
-- back is told to nobody.
CREATE TABLE webhooks (
    id               text        CONSTRAINT webhooks_pkey PRIMARY KEY,
    version          bigint      NOT NULL,          -- one more with each change by an operator: the ETag
    url              text        NOT NULL,
    events           text[]      NOT NULL CONSTRAINT webhooks_events_some CHECK (cardinality(events) > 0),
    enabled          boolean     NOT NULL,
    disabled_because text,                          -- when we did it
    secret           bytea       NOT NULL,
    previous_secret  bytea,
    previous_ends_at timestamptz,
    failing_since    timestamptz,                   -- the first failure after the last success
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT webhooks_previous_whole CHECK ((previous_secret IS NULL) = (previous_ends_at IS NULL)),
    CONSTRAINT webhooks_disabled_reason CHECK (disabled_because IS NULL OR NOT enabled)
);

CREATE TABLE webhook_deliveries (
    webhook_id      text        NOT NULL CONSTRAINT webhook_deliveries_webhook_fkey REFERENCES webhooks ON DELETE CASCADE,
    event_id        text        NOT NULL,
    event           text        NOT NULL,
    state           text        NOT NULL CONSTRAINT webhook_deliveries_state_known CHECK (state IN ('owed', 'delivered', 'given_up')),
    attempts        integer     NOT NULL CONSTRAINT webhook_deliveries_attempts_counted CHECK (attempts >= 0),
    next_attempt_at timestamptz,                    -- while somebody is at it: when they are thought dead
    created_at      timestamptz NOT NULL,
    last_attempt_at timestamptz,
    status          integer,
    problem         text,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (webhook_id, event_id),
    CONSTRAINT webhook_deliveries_owed_when CHECK ((state = 'owed') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE state = 'owed';
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, created_at DESC, event_id DESC);
CREATE TRIGGER webhook_deliveries_added AFTER INSERT ON webhook_deliveries FOR EACH ROW EXECUTE FUNCTION notify_changed();

-- Which events of the log matter, and what they are called outside.
CREATE TABLE webhook_events (
    action  text NOT NULL,
    outcome text NOT NULL,
    event   text NOT NULL,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (action, outcome)
);
INSERT INTO webhook_events (action, outcome, event) VALUES
    ('credential.expiring', 'success', 'credential.expiring'),
    ('logins.refused_rising', 'success', 'logins.refused_rising'),
    ('signing_key.rotated', 'success', 'signing_key.rotated'),
    ('signing_key.revoked', 'success', 'signing_key.rotated'),
    ('connection.created', 'success', 'connection.changed'),
    ('connection.updated', 'success', 'connection.changed'),
    ('connection.deleted', 'success', 'connection.changed'),
    ('client.created', 'success', 'client.changed'),
    ('client.updated', 'success', 'client.changed'),
    ('client.deleted', 'success', 'client.changed'),
    ('resources.applied', 'success', 'resources.applied'),
    ('operator.signed_in', 'success', 'operator.signed_in'),
    ('operator.locked', 'success', 'operator.locked'),
    ('operator.locked', 'refused', 'operator.locked');

-- In the transaction that writes the event, whoever writes it. A webhook that is being removed just now is waited for.
CREATE FUNCTION webhook_deliveries_owe() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (webhook_id, event_id, event, state, attempts, next_attempt_at, created_at)
    SELECT w.id, e.id, k.event, 'owed', 0, e.at, e.at
    FROM written e
    JOIN webhook_events k ON k.action = e.action AND k.outcome = e.outcome
    JOIN webhooks w ON w.enabled AND k.event = ANY (w.events)
    FOR KEY SHARE OF w;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_events_told AFTER INSERT ON audit_events REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION webhook_deliveries_owe();
