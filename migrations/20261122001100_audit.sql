-- What happened. Append-only: no statement of ours updates or deletes a row before its retention ends.
CREATE TABLE audit_events (
    id          text        CONSTRAINT audit_events_pkey PRIMARY KEY,   -- UUIDv7 inside: sorts by time
    at          timestamptz NOT NULL,
    action      text        NOT NULL,
    outcome     text        NOT NULL CONSTRAINT audit_events_outcome_known CHECK (outcome IN ('success', 'refused', 'failed')),
    reason      text,
    actor       text        NOT NULL,
    client_id   text,
    connection  text,
    sub         text,
    trace_id    text,
    remote_addr text,
    detail      jsonb       NOT NULL,
    CONSTRAINT audit_events_refusal_has_reason CHECK (outcome = 'success' OR reason IS NOT NULL)
);
CREATE INDEX audit_events_at ON audit_events (at DESC);
CREATE INDEX audit_events_trace ON audit_events (trace_id) WHERE trace_id IS NOT NULL;
