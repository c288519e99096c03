-- Since when a key is in use stands with the key, as it does of client secrets.
UPDATE connection_credentials k SET active_since = l.activated_at
  FROM connection_key_lives l WHERE l.credential_id = k.id AND l.activated_at IS NOT NULL;
-- The column stays for replicas of the version before, which write it; nobody reads it any more.

-- SAML keys that were replaced by hand go by themselves now too, as those that were replaced by date.
INSERT INTO connection_key_lives (credential_id, retire_at)
SELECT k.id, now() + interval '8 days' FROM connection_credentials k JOIN connections c ON c.id = k.connection_id
 WHERE c.protocol = 'saml' AND k.kind = 'private_key' AND k.state = 'retiring'
    ON CONFLICT (credential_id) DO UPDATE SET retire_at = COALESCE(connection_key_lives.retire_at, EXCLUDED.retire_at);
