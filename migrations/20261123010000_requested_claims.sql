-- Claims of the ID token that the request asked for by name (OIDC Core §5.5): ID tokens of a refresh have them too.
ALTER TABLE refresh_families ADD COLUMN id_token_claims text[] NOT NULL DEFAULT '{}';
