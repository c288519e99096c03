-- Events are read newest first, by whatever an operator looks for.
DROP INDEX audit_events_at;
CREATE INDEX audit_events_newest ON audit_events (at DESC, id DESC);
CREATE INDEX audit_events_action ON audit_events (action text_pattern_ops, at DESC, id DESC);
CREATE INDEX audit_events_trouble ON audit_events (outcome, at DESC, id DESC) WHERE outcome <> 'success';
CREATE INDEX audit_events_reason ON audit_events (reason, at DESC, id DESC) WHERE reason IS NOT NULL;
CREATE INDEX audit_events_client ON audit_events (client_id, at DESC, id DESC) WHERE client_id IS NOT NULL;
CREATE INDEX audit_events_connection ON audit_events (connection, at DESC, id DESC) WHERE connection IS NOT NULL;
CREATE INDEX audit_events_sub ON audit_events (sub text_pattern_ops, at DESC, id DESC) WHERE sub IS NOT NULL;
-- By kind and name ("operator:ingrid@..."), and by the beginning of the name alone.
CREATE INDEX audit_events_actor ON audit_events (actor text_pattern_ops, at DESC, id DESC);
CREATE INDEX audit_events_actor_name ON audit_events (lower(substr(actor, strpos(actor, ':') + 1)) text_pattern_ops);

-- Append-only for whoever writes, the application's own role included. The one way out is audit_events_end below, and
-- that only past the retention by the database's own clock.
CREATE FUNCTION audit_events_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('avouch.audit_retention', true) = 'ending'
       AND NOT EXISTS (SELECT FROM gone WHERE at >= now() - make_interval(days => coalesce((SELECT audit_retention_days FROM settings), 3650))) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege', HINT = 'Events end with their retention, which is a setting.';
END
$$;
CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_events_no_delete AFTER DELETE ON audit_events REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_events_keep();
CREATE TRIGGER audit_events_no_update BEFORE UPDATE OR TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse();
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_no_delete;
ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_events_no_update;

-- Ends the retention of up to `most` events, a whole day's at a time, and says so in the log itself. With the rights of its
-- owner, so that the role the application runs as needs none but to read and to append.
CREATE FUNCTION audit_events_end(event_id text, event_at timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    cut     timestamptz := date_trunc('day', now() - make_interval(days => (SELECT audit_retention_days FROM settings)));
    removed bigint;
BEGIN
    PERFORM set_config('avouch.audit_retention', 'ending', true);
    DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE at < cut ORDER BY at LIMIT most FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM set_config('avouch.audit_retention', '', true);
    IF removed > 0 THEN
        INSERT INTO audit_events (id, at, action, outcome, actor, detail)
        VALUES (event_id, event_at, 'audit.retention_ended', 'success', 'system', jsonb_build_object('removed', removed, 'before', cut));
    END IF;
    RETURN removed;
END
$$;
