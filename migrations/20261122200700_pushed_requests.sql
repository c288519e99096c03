-- Authorization requests that clients pushed (RFC 9126), as they were checked. One counts until an answer to it was given.
CREATE TABLE pushed_requests (
    id             text        CONSTRAINT pushed_requests_pkey PRIMARY KEY,
    reference_hash bytea       NOT NULL CONSTRAINT pushed_requests_reference_key UNIQUE,   -- SHA-256 of what stands in request_uri
    client_id      text        NOT NULL CONSTRAINT pushed_requests_client_fkey REFERENCES clients ON DELETE CASCADE,
    request        jsonb       NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL   -- by when it must be taken up; what was begun with it may end later
);
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);
CREATE INDEX pushed_requests_client ON pushed_requests (client_id);
