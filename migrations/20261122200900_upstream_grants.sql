-- What an OpenID provider gave us to ask it again with, one row a sign-in. The sign-in's session may be over and gone
-- while refresh families that came from it live on, so nothing refers to sessions here.
CREATE TABLE upstream_grants (
    session_id    text        CONSTRAINT upstream_grants_pkey PRIMARY KEY,
    connection_id text        NOT NULL CONSTRAINT upstream_grants_connection_fkey REFERENCES connections ON DELETE CASCADE,
    identity_id   text        NOT NULL CONSTRAINT upstream_grants_identity_fkey REFERENCES identities ON DELETE CASCADE,
    sealed        bytea,               -- Sealed<JSON>: the provider's refresh token and the claims of its last ID token
    checked_at    timestamptz NOT NULL, -- when the provider last vouched for the person
    busy_until    timestamptz,          -- until then nobody else asks: somebody does, or somebody just failed
    failure       text,                 -- the word for why the last attempt, or the next one, comes to nothing
    CONSTRAINT upstream_grants_nothing_to_ask_with_says_why CHECK (sealed IS NOT NULL OR failure IS NOT NULL)
);
CREATE INDEX upstream_grants_connection ON upstream_grants (connection_id);
CREATE INDEX upstream_grants_identity ON upstream_grants (identity_id);
