-- When each master key was first given to a process that uses this database: its age. The keys themselves are in files only.
CREATE TABLE master_keys (
    id       text        CONSTRAINT master_keys_pkey PRIMARY KEY CONSTRAINT master_keys_id_length CHECK (char_length(id) BETWEEN 1 AND 32),
    first_at timestamptz NOT NULL
);
