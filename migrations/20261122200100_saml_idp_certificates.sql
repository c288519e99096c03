-- Certificates by which SAML identity providers prove their answers. `next` and `active` both verify, `retired` never does.
CREATE TABLE connection_certificates (
    id            text        CONSTRAINT connection_certificates_pkey PRIMARY KEY,
    connection_id text        NOT NULL CONSTRAINT connection_certificates_connection_fkey REFERENCES connections ON DELETE CASCADE,
    der           bytea       NOT NULL,
    sha256        text        NOT NULL CONSTRAINT connection_certificates_sha256_shape CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    key_type      text        NOT NULL,
    key_bits      integer     NOT NULL,
    not_before    timestamptz NOT NULL,
    not_after     timestamptz NOT NULL,
    state         text        NOT NULL CONSTRAINT connection_certificates_state_known CHECK (state IN ('next', 'active', 'retired')),
    source        text        NOT NULL CONSTRAINT connection_certificates_source_known CHECK (source IN ('metadata', 'file', 'manual')),
    added_by      text        NOT NULL,
    added_at      timestamptz NOT NULL,
    first_seen_at timestamptz,           -- signing an answer that we took
    last_seen_at  timestamptz,
    retired_at    timestamptz,
    retired_by    text        CONSTRAINT connection_certificates_retired_by_known CHECK (retired_by IN ('metadata', 'file', 'manual')),
    CONSTRAINT connection_certificates_once UNIQUE (connection_id, sha256),
    CONSTRAINT connection_certificates_retirement_is_whole
        CHECK ((state = 'retired') = (retired_at IS NOT NULL) AND (state = 'retired') = (retired_by IS NOT NULL))
);

-- What was last read from a connection's metadata_url, and the refreshing of it. A replica that fetches holds a lease.
CREATE TABLE saml_metadata (
    connection_id   text        CONSTRAINT saml_metadata_pkey PRIMARY KEY
                                CONSTRAINT saml_metadata_connection_fkey REFERENCES connections ON DELETE CASCADE,
    url             text        NOT NULL,
    entity_id       text,                 -- of the first document: another one is refused
    single_sign_on  jsonb,
    single_logout   jsonb,
    fetched_at      timestamptz,          -- last found to be current
    etag            text,
    last_modified   text,
    valid_until     timestamptz,
    cache_seconds   bigint,
    next_refresh_at timestamptz NOT NULL,
    attempted_at    timestamptz,
    leased_until    timestamptz,
    asked_at        timestamptz,          -- because of a certificate that was not known
    failures        integer     NOT NULL DEFAULT 0,
    last_error      text,
    alerted_at      timestamptz,
    CONSTRAINT saml_metadata_is_whole CHECK (num_nonnulls(entity_id, single_sign_on, single_logout, fetched_at) IN (0, 4))
);

CREATE TRIGGER connection_certificates_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF state ON connection_certificates FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
CREATE TRIGGER saml_metadata_changed AFTER DELETE OR TRUNCATE OR UPDATE OF next_refresh_at ON saml_metadata FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
