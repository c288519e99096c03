CREATE TABLE operators (
    id            text        CONSTRAINT operators_pkey PRIMARY KEY,
    email         text        NOT NULL,
    role          text        NOT NULL CONSTRAINT operators_role_known CHECK (role IN ('owner', 'editor', 'auditor')),
    password_hash text        NOT NULL,   -- argon2id PHC string
    must_change   boolean     NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX operators_email_key ON operators (lower(email));

CREATE TABLE operator_keys (
    id           text        CONSTRAINT operator_keys_pkey PRIMARY KEY,
    name         text        NOT NULL CONSTRAINT operator_keys_name_key UNIQUE,
    role         text        NOT NULL CONSTRAINT operator_keys_role_known CHECK (role IN ('owner', 'editor', 'auditor')),
    token_hash   bytea       NOT NULL CONSTRAINT operator_keys_token_key UNIQUE,
    hint         text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz
);
