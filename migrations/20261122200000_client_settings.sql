-- What few clients set and no query asks for: read with the client, as one document.
ALTER TABLE clients ADD COLUMN settings jsonb NOT NULL DEFAULT '{}';
