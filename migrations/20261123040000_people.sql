-- What the desk's lists of people need to stay quick with a hundred thousand of them.

-- Search is by beginnings of words of what somebody is called. Core Postgres only: an extension would need rights that an
-- application's database role may not have. Cut short, because a word of more than 2046 bytes is refused.
ALTER TABLE users ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
    array_to_tsvector(array_remove(regexp_split_to_array(lower(
        left(coalesce(email, ''), 400) || ' ' || left(coalesce(name, ''), 400) || ' ' || left(coalesce(given_name, ''), 400) || ' '
        || left(coalesce(family_name, ''), 400) || ' ' || left(coalesce(preferred_username, ''), 400)
    ), '[\s!-/:-@[-`{-~]+'), ''))
) STORED;
CREATE INDEX users_words ON users USING gin (words) WITH (fastupdate = off);

-- A column of its own and not a predicate over last_login_at: an index that looks at that column would cost every sign-in
-- a new entry in every index of the table.
ALTER TABLE users ADD COLUMN never_signed_in boolean NOT NULL GENERATED ALWAYS AS (last_login_at IS NULL) STORED;
CREATE INDEX users_never_signed_in ON users (id) WHERE never_signed_in;
CREATE INDEX users_blocked ON users (id) WHERE status = 'blocked';

CREATE INDEX identities_connection_user ON identities (connection_id, user_id);
CREATE INDEX identities_subject ON identities (subject);
-- Whoever is forgotten is forgotten there too.
CREATE INDEX login_traces_user ON login_traces (user_id) WHERE user_id IS NOT NULL;

-- By what somebody recognises a session of theirs.
ALTER TABLE sessions ADD COLUMN user_agent text, ADD COLUMN remote_addr text;
