-- Account linking: a signed-in person adds a second identity to the account, with proof of both.

-- Off: nobody can add an identity of this connection to an account by themselves.
ALTER TABLE connections ADD COLUMN linking boolean NOT NULL DEFAULT false;

-- A trip that began at the account page: to sign in there, to sign in again as who one is, or to prove a further identity.
-- The last two belong to the session in which they began and end with it.
ALTER TABLE login_attempts
    ADD COLUMN account         text CONSTRAINT login_attempts_account_known CHECK (account IN ('sign_in', 'again', 'link')),
    ADD COLUMN account_session text CONSTRAINT login_attempts_account_session_fkey REFERENCES sessions ON DELETE CASCADE,
    ADD CONSTRAINT login_attempts_account_has_session
        CHECK ((account_session IS NOT NULL) = coalesce(account IN ('again', 'link'), false)),
    ADD CONSTRAINT login_attempts_account_is_no_other_trip
        CHECK (account IS NULL OR (authorization_id IS NULL AND trial_by IS NULL AND desk_then IS NULL));
CREATE INDEX login_attempts_account_session ON login_attempts (account_session) WHERE account_session IS NOT NULL;

-- A provider vouched for somebody who is nobody here yet, in the browser and the session of the person who asked for it.
-- It is deleted by its use.
CREATE TABLE link_proofs (
    id            text        CONSTRAINT link_proofs_pkey PRIMARY KEY,
    user_id       text        NOT NULL CONSTRAINT link_proofs_user_fkey REFERENCES users ON DELETE CASCADE,
    session_id    text        NOT NULL CONSTRAINT link_proofs_session_fkey REFERENCES sessions ON DELETE CASCADE,
    browser_hash  bytea       NOT NULL,
    connection_id text        NOT NULL CONSTRAINT link_proofs_connection_fkey REFERENCES connections ON DELETE CASCADE,
    issuer        text        NOT NULL,
    subject       text        NOT NULL CONSTRAINT link_proofs_subject_present CHECK (subject <> ''),
    called        text        NOT NULL, -- what the provider calls them, for the page that asks; it decides nothing
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX link_proofs_expiry ON link_proofs (expires_at);
CREATE INDEX link_proofs_user ON link_proofs (user_id);
CREATE INDEX link_proofs_session ON link_proofs (session_id);
CREATE INDEX link_proofs_connection ON link_proofs (connection_id);
