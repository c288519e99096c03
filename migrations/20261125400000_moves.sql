-- People of one connection who shall be known at another one too, by a table of what both call them. Whoever is moved has
-- both identities until the move is completed.
CREATE TABLE moves (
    id              text        CONSTRAINT moves_pkey PRIMARY KEY,
    from_connection text        NOT NULL CONSTRAINT moves_from_fkey REFERENCES connections ON DELETE CASCADE,
    to_connection   text        NOT NULL CONSTRAINT moves_to_fkey REFERENCES connections ON DELETE CASCADE,
    created_at      timestamptz NOT NULL,
    asked_by        text        NOT NULL, -- the actor of the last step that somebody asked for
    completed_at    timestamptz,          -- when the completion was asked for; nothing is taken back from then on
    CONSTRAINT moves_lead_elsewhere CHECK (from_connection <> to_connection)
);
CREATE INDEX moves_from ON moves (from_connection);
CREATE INDEX moves_to ON moves (to_connection);

-- Where each of them is, and where they shall be: whoever works brings the one to the other, a few at a time, so that
-- nothing else must be remembered when the work is interrupted.
CREATE TABLE move_people (
    move_id       text NOT NULL CONSTRAINT move_people_move_fkey REFERENCES moves ON DELETE CASCADE,
    line          int  NOT NULL, -- of the table
    old_issuer    text NOT NULL,
    old_subject   text NOT NULL,
    new_issuer    text NOT NULL,
    new_subject   text NOT NULL,
    place         text NOT NULL CONSTRAINT move_people_place_known CHECK (place IN ('old', 'both', 'new')),
    target        text NOT NULL CONSTRAINT move_people_target_known CHECK (target IN ('old', 'both', 'new')),
    problem       text,          -- why the last attempt came to nothing
    user_id       text CONSTRAINT move_people_user_fkey REFERENCES users ON DELETE CASCADE,
    made_identity text,          -- the new identity, where this move made it
    CONSTRAINT move_people_pkey PRIMARY KEY (move_id, line)
);
CREATE INDEX move_people_user ON move_people (user_id);
CREATE INDEX move_people_due ON move_people (move_id, line) WHERE place <> target;

-- Each line with whom it means now.
CREATE VIEW move_standing AS
    SELECT p.move_id, p.line, p.old_issuer, p.old_subject, p.new_issuer, p.new_subject, p.place, p.target, p.problem,
           p.made_identity, o.id AS old_identity, n.id AS new_identity, n.user_id AS new_user,
           coalesce(o.user_id, CASE WHEN p.place <> 'old' THEN p.user_id END) AS user_id,
           n.last_login_at IS NOT NULL AS came,
           CASE WHEN p.place = 'new' THEN 'completed'
                WHEN p.place = 'both' THEN 'moved'
                WHEN o.id IS NULL THEN 'unknown'
                WHEN n.id IS NULL THEN 'ready'
                WHEN n.user_id = o.user_id THEN 'already'
                ELSE 'conflict' END AS standing
    FROM move_people p JOIN moves m ON m.id = p.move_id
    LEFT JOIN identities o ON o.connection_id = m.from_connection AND o.issuer = p.old_issuer AND o.subject = p.old_subject
    LEFT JOIN identities n ON n.connection_id = m.to_connection AND n.issuer = p.new_issuer AND n.subject = p.new_subject;
