-- How often an operator key was used, and from where last: what tells whether it may go.
ALTER TABLE operator_keys ADD COLUMN uses bigint NOT NULL DEFAULT 0;
ALTER TABLE operator_keys ADD COLUMN last_used_addr text;
