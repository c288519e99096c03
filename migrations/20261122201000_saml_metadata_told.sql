-- Fingerprints of certificates that operators were told of because the metadata names them and nobody trusts them, or no
-- longer names them and nothing takes their place: once is enough, however often the document is fetched.
ALTER TABLE saml_metadata ADD COLUMN told text[] NOT NULL DEFAULT '{}';
