-- A provider that cannot be reached at all fails the request before anybody was sent there: such failures count as well.
DROP INDEX audit_events_sign_ins;
DROP INDEX audit_events_sign_in_trouble;
CREATE INDEX audit_events_sign_ins ON audit_events (at, connection, outcome)
    WHERE action = 'login' OR (action = 'authorization' AND outcome = 'failed');
CREATE INDEX audit_events_sign_in_trouble ON audit_events (connection, at DESC)
    WHERE (action = 'login' OR (action = 'authorization' AND outcome = 'failed')) AND outcome <> 'success';
