-- SAML metadata and published keys are kept as versions too. Replicas of the release before write discovery documents only.
ALTER TABLE upstream_versions
    ADD COLUMN kind text NOT NULL DEFAULT 'discovery'
        CONSTRAINT upstream_versions_kind_known CHECK (kind IN ('discovery', 'metadata', 'keys')),
    ADD COLUMN told_at timestamptz;   -- when operators were last told of it
DROP INDEX upstream_versions_approved, upstream_versions_pending;
CREATE UNIQUE INDEX upstream_versions_approved ON upstream_versions (connection_id, kind, source) WHERE state = 'approved';
CREATE UNIQUE INDEX upstream_versions_pending ON upstream_versions (connection_id, kind, source) WHERE state = 'pending';

-- Providers that say they are another one than the connection is bound to. Nothing of what they say is believed; the row
-- stays, counted as over, so that a provider that goes back and forth is told of once a day.
CREATE TABLE upstream_blocks (
    connection_id text        CONSTRAINT upstream_blocks_pkey PRIMARY KEY CONSTRAINT upstream_blocks_connection_fkey REFERENCES connections ON DELETE CASCADE,
    source        text        NOT NULL,   -- the issuer, or the metadata's URL
    detail        text        NOT NULL,   -- a sentence: what it says, and what to do
    since         timestamptz NOT NULL,
    ended_at      timestamptz,
    told_at       timestamptz NOT NULL
);
