-- What a client was granted is counted before it is deleted, and goes with it.
CREATE INDEX refresh_families_client ON refresh_families (client_id);
CREATE INDEX consents_client ON consents (client_id);
