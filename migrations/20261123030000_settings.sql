-- What an operator chooses for the whole instance: one row, there from the beginning.
CREATE TABLE settings (
    id                   smallint    CONSTRAINT settings_pkey PRIMARY KEY CONSTRAINT settings_one_row CHECK (id = 1),
    version              bigint      NOT NULL,      -- one more with each change: the ETag
    name                 text        NOT NULL CONSTRAINT settings_name_length CHECK (char_length(name) BETWEEN 1 AND 60),
    accent               text        CONSTRAINT settings_accent_shape CHECK (accent ~ '^#[0-9a-f]{6}$'),
    logo                 bytea       CONSTRAINT settings_logo_size CHECK (octet_length(logo) BETWEEN 1 AND 65536),
    logo_type            text        CONSTRAINT settings_logo_type_known CHECK (logo_type IN ('image/png', 'image/jpeg', 'image/webp')),
    support_email        text,
    support_url          text,
    audit_retention_days integer     NOT NULL CONSTRAINT settings_audit_retention_range CHECK (audit_retention_days BETWEEN 30 AND 3650),
    trace_retention_days integer     NOT NULL CONSTRAINT settings_trace_retention_range CHECK (trace_retention_days BETWEEN 1 AND 400),
    updated_at           timestamptz NOT NULL,
    CONSTRAINT settings_logo_whole CHECK ((logo IS NULL) = (logo_type IS NULL))
);
-- Audit events are kept for a year, and the month in which somebody asks about it.
INSERT INTO settings (id, version, name, audit_retention_days, trace_retention_days, updated_at)
VALUES (1, 1, 'Avouch', 400, 30, '2026-11-23T03:00:00Z');
CREATE TRIGGER settings_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON settings FOR EACH STATEMENT EXECUTE FUNCTION notify_changed();
