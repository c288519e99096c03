-- One trip to an identity provider to sign out there too. Its handle comes back once, in the browser that left.
CREATE TABLE logout_trips (
    handle_hash   bytea       CONSTRAINT logout_trips_pkey PRIMARY KEY,
    browser_hash  bytea       NOT NULL,
    connection_id text        NOT NULL CONSTRAINT logout_trips_connection_fkey REFERENCES connections ON DELETE CASCADE,
    request_id    text,                -- SAML: the id of our LogoutRequest
    client_id     text        CONSTRAINT logout_trips_client_fkey REFERENCES clients ON DELETE CASCADE,
    redirect_uri  text,                -- post_logout_redirect_uri; registered when it left, checked again when it comes back
    state         text,
    trace_id      text        NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    completed_at  timestamptz,
    CONSTRAINT logout_trips_redirect_is_somebodys CHECK (redirect_uri IS NULL OR client_id IS NOT NULL)
);
CREATE INDEX logout_trips_expiry ON logout_trips (expires_at);

-- Logout requests and logout tokens of providers, until they would be refused by their age: each counts once.
CREATE TABLE logout_messages_seen (
    connection_id text        NOT NULL CONSTRAINT logout_messages_seen_connection_fkey REFERENCES connections ON DELETE CASCADE,
    message_id    text        NOT NULL,
    expires_at    timestamptz NOT NULL,
    CONSTRAINT logout_messages_seen_pkey PRIMARY KEY (connection_id, message_id)
);
CREATE INDEX logout_messages_seen_expiry ON logout_messages_seen (expires_at);
