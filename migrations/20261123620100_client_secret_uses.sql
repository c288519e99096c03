-- How often a client secret was used, and from where last: what tells whether an old one may go.
ALTER TABLE client_secrets ADD COLUMN uses bigint NOT NULL DEFAULT 0;
ALTER TABLE client_secrets ADD COLUMN last_used_addr text;
