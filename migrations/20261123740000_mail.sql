-- Who is told by e-mail, and of what: like webhooks, owed from the transaction that writes the event.
ALTER TABLE settings ADD COLUMN reminder_emails text[] NOT NULL DEFAULT '{}' CONSTRAINT settings_reminder_emails_few CHECK (cardinality(reminder_emails) <= 20);

CREATE TABLE mails (
    recipient       text        NOT NULL,
    event_id        text        NOT NULL,
    state           text        NOT NULL CONSTRAINT mails_state_known CHECK (state IN ('owed', 'delivered', 'given_up')),
    attempts        integer     NOT NULL CONSTRAINT mails_attempts_counted CHECK (attempts >= 0),
    next_attempt_at timestamptz,                    -- while somebody is at it: when they are thought dead
    created_at      timestamptz NOT NULL,
    last_attempt_at timestamptz,
    problem         text,                           -- the server's words, at the last attempt
    CONSTRAINT mails_pkey PRIMARY KEY (recipient, event_id),
    CONSTRAINT mails_owed_when CHECK ((state = 'owed') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX mails_due ON mails (next_attempt_at) WHERE state = 'owed';
CREATE INDEX mails_newest ON mails (created_at DESC);

-- Which events of the log somebody has to do something about.
CREATE TABLE mail_events (
    action  text NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT mail_events_pkey PRIMARY KEY (action, outcome)
);
INSERT INTO mail_events (action, outcome) VALUES
    ('credential.expiring', 'success'),
    ('connection.secret_fallback', 'failed'),
    ('connection.rotation_failed', 'failed'),
    ('connection.drift_seen', 'failed');

CREATE FUNCTION mails_owe() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mails (recipient, event_id, state, attempts, next_attempt_at, created_at)
    SELECT r.recipient, e.id, 'owed', 0, e.at, e.at
    FROM written e
    JOIN mail_events k ON k.action = e.action AND k.outcome = e.outcome
    CROSS JOIN (SELECT DISTINCT unnest(reminder_emails) AS recipient FROM settings) r;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_events_mailed AFTER INSERT ON audit_events REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION mails_owe();
