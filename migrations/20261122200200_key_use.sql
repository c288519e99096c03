-- A SAML connection signs with one key and is encrypted to with another, each with a life of its own. A key without a use
-- serves wherever no key of that use is active: every key from before, and the keys of OpenID Connect connections.
ALTER TABLE connection_credentials
    ADD COLUMN key_use text CONSTRAINT connection_credentials_key_use_known CHECK (key_use IN ('signing', 'encryption')),
    ADD CONSTRAINT connection_credentials_key_use_of_a_key CHECK (key_use IS NULL OR kind = 'private_key');

DROP INDEX connection_credentials_one_active;
CREATE UNIQUE INDEX connection_credentials_one_active
    ON connection_credentials (connection_id, kind, (coalesce(key_use, ''))) WHERE state = 'active';
CREATE UNIQUE INDEX connection_credentials_one_next
    ON connection_credentials (connection_id, key_use) WHERE state = 'next' AND key_use IS NOT NULL;
