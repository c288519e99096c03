-- "What does this client touch?" is asked before it is deleted.
CREATE INDEX refresh_families_client ON refresh_families (client_id) WHERE revoked_at IS NULL;
