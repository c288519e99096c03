-- Operators beyond a password: a second factor, people who come through a connection by rule, and what slows guessing down.

-- A person who signs in through a connection has no password here. The address of such a row is for reading only: whoever
-- an upstream says has the address of an operator with a password is still somebody else.
ALTER TABLE operators
    ALTER COLUMN password_hash DROP NOT NULL,
    ADD COLUMN disabled        boolean NOT NULL DEFAULT false,
    ADD COLUMN user_id         text CONSTRAINT operators_user_key UNIQUE
                                    CONSTRAINT operators_user_fkey REFERENCES users ON DELETE CASCADE,
    ADD COLUMN connection_id   text CONSTRAINT operators_connection_fkey REFERENCES connections ON DELETE CASCADE,
    ADD COLUMN totp            bytea,        -- sealed
    ADD COLUMN totp_step       bigint,       -- the last one that counted
    ADD COLUMN last_sign_in_at timestamptz,
    ADD CONSTRAINT operators_password_or_person CHECK ((password_hash IS NULL) = (user_id IS NOT NULL)),
    ADD CONSTRAINT operators_person_has_connection CHECK ((user_id IS NULL) = (connection_id IS NULL)),
    ADD CONSTRAINT operators_second_factor_beside_password CHECK (user_id IS NULL OR totp IS NULL);
DROP INDEX operators_email_key;
CREATE UNIQUE INDEX operators_email_key ON operators (lower(email)) WHERE user_id IS NULL;
CREATE INDEX operators_connection ON operators (connection_id) WHERE connection_id IS NOT NULL;

-- Ten of them are made with the second factor; each is deleted by its use.
CREATE TABLE operator_recovery_codes (
    operator_id text  NOT NULL CONSTRAINT operator_recovery_codes_operator_fkey REFERENCES operators ON DELETE CASCADE,
    digest      bytea NOT NULL,
    CONSTRAINT operator_recovery_codes_pkey PRIMARY KEY (operator_id, digest)
);

-- Who may sit at the desk by what an upstream says of them.
CREATE TABLE operator_rules (
    id            text        CONSTRAINT operator_rules_pkey PRIMARY KEY,
    connection_id text        NOT NULL CONSTRAINT operator_rules_connection_fkey REFERENCES connections ON DELETE CASCADE,
    expression    text        NOT NULL,
    role          text        NOT NULL CONSTRAINT operator_rules_role_known CHECK (role IN ('owner', 'editor', 'auditor')),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX operator_rules_connection ON operator_rules (connection_id);

-- Sign-ins that were tried in vain, by account, device or network. The key is a keyed digest: people type passwords into
-- the wrong field.
CREATE TABLE operator_attempts (
    key           bytea       CONSTRAINT operator_attempts_pkey PRIMARY KEY,
    failures      integer     NOT NULL,
    blocked_until timestamptz NOT NULL,
    last_at       timestamptz NOT NULL
);
CREATE INDEX operator_attempts_last ON operator_attempts (last_at);

ALTER TABLE operator_sessions
    ADD COLUMN stage       text NOT NULL DEFAULT 'seated' CONSTRAINT operator_sessions_stage_known CHECK (stage IN ('code', 'seated')),
    ADD COLUMN user_agent  text,
    ADD COLUMN remote_addr text;
ALTER TABLE operator_sessions ALTER COLUMN stage DROP DEFAULT;

ALTER TABLE operator_keys ADD COLUMN created_by text NOT NULL DEFAULT 'cli';
ALTER TABLE operator_keys ALTER COLUMN created_by DROP DEFAULT;

-- A trip to an upstream that leads to the desk: the path to go to then. It is nobody's sign-in to an application.
ALTER TABLE login_attempts
    ADD COLUMN desk_then text,
    ADD CONSTRAINT login_attempts_desk_is_nobodys_sign_in CHECK (desk_then IS NULL OR (authorization_id IS NULL AND trial_by IS NULL));
