-- Which applications were given tokens in which session, until they are told of its end. `sid` is what their tokens call
-- the session: after a sign-in anew in the same browser it is an older one of the same person.
CREATE TABLE session_clients (
    session_id text        NOT NULL CONSTRAINT session_clients_session_fkey REFERENCES sessions ON DELETE CASCADE,
    client_id  text        NOT NULL CONSTRAINT session_clients_client_fkey REFERENCES clients ON DELETE CASCADE,
    sid        text        NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT session_clients_pkey PRIMARY KEY (session_id, client_id, sid)
);
CREATE INDEX session_clients_client ON session_clients (client_id);

-- Logout tokens that are owed (OIDC Back-Channel Logout 1.0). A row goes when its client has been told or is given up.
-- It outlives the session.
CREATE TABLE logout_notifications (
    client_id       text        NOT NULL CONSTRAINT logout_notifications_client_fkey REFERENCES clients ON DELETE CASCADE,
    sid             text        NOT NULL,
    sub             text        NOT NULL,
    created_at      timestamptz NOT NULL,
    attempts        integer     NOT NULL CONSTRAINT logout_notifications_attempts_counted CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL,   -- while somebody is at it: when they are thought dead
    last_error      text,
    CONSTRAINT logout_notifications_pkey PRIMARY KEY (client_id, sid)
);
CREATE INDEX logout_notifications_due ON logout_notifications (next_attempt_at);
-- A row each, so that a session which nobody has to be told of wakes nobody.
CREATE TRIGGER logout_notifications_added AFTER INSERT ON logout_notifications FOR EACH ROW EXECUTE FUNCTION notify_changed();

-- Sessions from before this are known by what lives on of them.
INSERT INTO session_clients (session_id, client_id, sid, created_at)
SELECT DISTINCT s.id, f.client_id, s.id, s.created_at
FROM refresh_families f JOIN sessions s ON s.id = f.session_id JOIN clients c ON c.client_id = f.client_id
WHERE f.revoked_at IS NULL AND s.revoked_at IS NULL;
