-- A trip that an identity provider began has no request of an application behind it.
ALTER TABLE login_attempts ALTER COLUMN authorization_id DROP NOT NULL;
-- Finds a browser that a provider sends round in circles.
CREATE INDEX login_attempts_unsolicited ON login_attempts (browser_hash, created_at) WHERE authorization_id IS NULL;
