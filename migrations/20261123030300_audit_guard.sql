-- What the guards of the audit log read are the tables beside it, whatever temporary tables of the same names a session has:
-- unless it is named, pg_temp comes first.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION audit_events_keep() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION audit_events_end(text, timestamptz, integer) SET search_path = %I, pg_temp', current_schema());
END
$$;
REVOKE EXECUTE ON FUNCTION audit_events_end(text, timestamptz, integer) FROM PUBLIC;
