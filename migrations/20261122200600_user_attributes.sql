-- What a connection's mapping gives a user beyond OpenID Connect's own claims: for rules and for claims of applications.
ALTER TABLE users ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}';
