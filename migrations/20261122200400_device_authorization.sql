-- One device authorization request (RFC 8628): pending -> approved -> redeemed, or denied.
CREATE TABLE device_authorizations (
    id               text        CONSTRAINT device_authorizations_pkey PRIMARY KEY,
    state            text        NOT NULL CONSTRAINT device_authorizations_state_known
                                 CHECK (state IN ('pending', 'approved', 'denied', 'redeemed')),
    client_id        text        NOT NULL CONSTRAINT device_authorizations_client_fkey REFERENCES clients ON DELETE CASCADE,
    device_code_hash bytea       NOT NULL CONSTRAINT device_authorizations_device_code_key UNIQUE,
    user_code_digest bytea       NOT NULL CONSTRAINT device_authorizations_user_code_key UNIQUE,  -- keyed: it is short
    user_code        bytea       NOT NULL,   -- Sealed<String>: shown to the person who decides
    scopes           text[]      NOT NULL,
    audiences        text[]      NOT NULL,
    requested_from   text,                   -- the address of the device, as we saw it
    session_id       text        CONSTRAINT device_authorizations_session_fkey REFERENCES sessions ON DELETE CASCADE,
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    CONSTRAINT device_authorizations_approved_by_somebody
        CHECK ((state IN ('approved', 'redeemed')) = (session_id IS NOT NULL))
);
CREATE INDEX device_authorizations_expiry ON device_authorizations (expires_at);
CREATE INDEX device_authorizations_client ON device_authorizations (client_id);
CREATE INDEX device_authorizations_session ON device_authorizations (session_id);
