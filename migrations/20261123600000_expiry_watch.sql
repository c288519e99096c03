-- Which reminders of what ends were written. Not read from the audit log, whose retention would forget that something was said.
CREATE TABLE expiry_reminders (
    kind      text        NOT NULL,
    owner     text        NOT NULL,                 -- a slug, a client_id, the name of an operator key, or a host
    id        text        NOT NULL,
    ends_at   timestamptz NOT NULL,                 -- whatever gets another end is reminded of anew
    days      bigint      NOT NULL,                 -- the least that was told of; zero: that it has ended
    closed_at timestamptz,                          -- since when it is replaced, or gone
    CONSTRAINT expiry_reminders_pkey PRIMARY KEY (kind, owner, id, ends_at)
);
-- What was told so far, by the log, is not told again.
INSERT INTO expiry_reminders (kind, owner, id, ends_at, days)
SELECT detail->>'kind', connection, detail->>'id', to_timestamp((detail->>'ends')::bigint), min((detail->>'days')::bigint)
FROM audit_events
WHERE action = 'credential.expiring' AND connection IS NOT NULL AND detail->>'kind' IS NOT NULL AND detail->>'id' IS NOT NULL
  AND detail->>'ends' IS NOT NULL AND detail->>'days' IS NOT NULL
GROUP BY 1, 2, 3, 4;
-- Their ends stand on the calendar, which is in memory. A use changes neither name nor end.
CREATE TRIGGER operator_keys_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF name, expires_at ON operator_keys FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
