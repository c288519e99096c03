-- A downstream API: its identifier is the audience of the access tokens made for it (RFC 8707).
CREATE TABLE resources (
    identifier       text        CONSTRAINT resources_pkey PRIMARY KEY CONSTRAINT resources_identifier_present CHECK (identifier <> ''),
    name             text        NOT NULL,
    scopes           text[]      NOT NULL,
    access_token_ttl integer     NOT NULL CONSTRAINT resources_ttl_range CHECK (access_token_ttl BETWEEN 60 AND 86400),
    access_token_alg text        NOT NULL CONSTRAINT resources_alg_known CHECK (access_token_alg IN ('RS256', 'PS256', 'ES256', 'EdDSA')),
    access_token_typ text        NOT NULL CONSTRAINT resources_typ_known CHECK (access_token_typ IN ('at+jwt', 'JWT')),
    managed_by       text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);

-- A role is a rule over the user, granted on one resource; it is decided whenever a token is made.
CREATE TABLE roles (
    name       text        NOT NULL,
    resource   text        NOT NULL CONSTRAINT roles_resource_fkey REFERENCES resources ON DELETE CASCADE,
    rule       text        NOT NULL,
    managed_by text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT roles_pkey PRIMARY KEY (resource, name)
);
