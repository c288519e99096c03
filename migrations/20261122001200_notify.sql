-- Every replica keeps the configuration in memory; a change here tells all of them at commit. The payload names the table only.
CREATE FUNCTION notify_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('avouch_changed', TG_TABLE_NAME);
    RETURN NULL;
END
$$;
CREATE TRIGGER connections_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON connections FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
CREATE TRIGGER connection_credentials_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF state, sealed, expires_at ON connection_credentials FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
CREATE TRIGGER resources_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON resources FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
CREATE TRIGGER roles_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON roles FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
CREATE TRIGGER clients_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON clients FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
CREATE TRIGGER client_secrets_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF state, digest, expires_at ON client_secrets FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signing_keys FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
