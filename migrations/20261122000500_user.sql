-- A person with one stable subject. The id is the `sub` of every token; it may exist before the first login.
CREATE TABLE users (
    id                 text        CONSTRAINT users_pkey PRIMARY KEY,
    status             text        NOT NULL CONSTRAINT users_status_known CHECK (status IN ('active', 'blocked')),
    email              text,
    email_verified     boolean     NOT NULL,
    name               text,
    given_name         text,
    family_name        text,
    preferred_username text,
    groups             text[]      NOT NULL,
    managed_by         text,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    last_login_at      timestamptz
);
CREATE INDEX users_email ON users (lower(email));

-- Who a user is at one upstream. The key is never an e-mail address. For Entra the subject is `oid` and the issuer names the tenant.
CREATE TABLE identities (
    id            text        CONSTRAINT identities_pkey PRIMARY KEY,
    user_id       text        NOT NULL CONSTRAINT identities_user_fkey REFERENCES users ON DELETE CASCADE,
    connection_id text        NOT NULL CONSTRAINT identities_connection_fkey REFERENCES connections ON DELETE CASCADE,
    issuer        text        NOT NULL,
    subject       text        NOT NULL CONSTRAINT identities_subject_present CHECK (subject <> ''),
    created_at    timestamptz NOT NULL,
    last_login_at timestamptz,
    CONSTRAINT identities_key UNIQUE (connection_id, issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);
