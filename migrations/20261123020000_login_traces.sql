-- What happened to one login, request by request, for the operator who is asked why it went no further. Deleted after days.
CREATE TABLE login_traces (
    id           text        CONSTRAINT login_traces_pkey PRIMARY KEY,   -- the trace id of the request that began it
    kind         text        NOT NULL CONSTRAINT login_traces_kind_known CHECK (kind IN ('login', 'test')),
    outcome      text        NOT NULL CONSTRAINT login_traces_outcome_known CHECK (outcome IN ('open', 'success', 'refused', 'failed')),
    reason       text,
    started_at   timestamptz NOT NULL,
    client_id    text,
    connection   text,
    user_id      text,
    remote_addr  text,
    email_digest bytea,                  -- keyed: finds an address that somebody asks for, and tells nobody who is in here
    person       bytea,                  -- Sealed<JSON>: name and e-mail address
    CONSTRAINT login_traces_refusal_has_reason CHECK ((outcome IN ('refused', 'failed')) = (reason IS NOT NULL))
);
CREATE INDEX login_traces_started ON login_traces (started_at DESC, id DESC);
CREATE INDEX login_traces_connection ON login_traces (connection, started_at DESC, id DESC);
CREATE INDEX login_traces_outcome ON login_traces (outcome, started_at DESC, id DESC);
CREATE INDEX login_traces_email ON login_traces (email_digest, started_at DESC, id DESC) WHERE email_digest IS NOT NULL;

-- What one request added. Its own trace id, which the answer and the page for the person name, leads to the login.
CREATE TABLE login_trace_parts (
    trace_id   text        CONSTRAINT login_trace_parts_pkey PRIMARY KEY,
    login_id   text        NOT NULL CONSTRAINT login_trace_parts_login_fkey REFERENCES login_traces ON DELETE CASCADE,
    at         timestamptz NOT NULL,
    has_claims boolean     NOT NULL,     -- verified claims stand in it: a mapping can be tried on them
    sealed     bytea       NOT NULL      -- Sealed<JSON>: steps
);
CREATE INDEX login_trace_parts_login ON login_trace_parts (login_id, at);

-- A trip belongs to a login, and may be an operator's test of the connection: then it signs nobody in.
ALTER TABLE login_attempts
    ADD COLUMN trace_id     text,
    ADD COLUMN trial_by     text,        -- who tests, as in audit
    ADD COLUMN trial_client text,        -- whose token is to be shown
    ADD CONSTRAINT login_attempts_trial_is_nobodys_sign_in CHECK (trial_by IS NULL OR authorization_id IS NULL),
    ADD CONSTRAINT login_attempts_trial_has_author CHECK (trial_by IS NOT NULL OR trial_client IS NULL);

-- An address by which whoever opens it may begin one test of a connection.
CREATE TABLE trial_invitations (
    handle_hash   bytea       CONSTRAINT trial_invitations_pkey PRIMARY KEY,
    connection_id text        NOT NULL CONSTRAINT trial_invitations_connection_fkey REFERENCES connections ON DELETE CASCADE,
    client_id     text        CONSTRAINT trial_invitations_client_fkey REFERENCES clients ON DELETE CASCADE,
    invited_by    text        NOT NULL,
    trace_id      text        NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX trial_invitations_expiry ON trial_invitations (expires_at);
