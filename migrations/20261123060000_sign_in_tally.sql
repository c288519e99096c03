-- The overview counts sign-ins of days and of connections: without reading a row, however long the log is.
CREATE INDEX audit_events_sign_ins ON audit_events (at, connection, outcome) WHERE action = 'login';
CREATE INDEX audit_events_sign_in_trouble ON audit_events (connection, at DESC) WHERE action = 'login' AND outcome <> 'success';
