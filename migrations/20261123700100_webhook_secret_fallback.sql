-- An alarm: sign-ins go on by another secret than the one in use.

INSERT INTO webhook_events (action, outcome, event) VALUES
    ('connection.secret_fallback', 'failed', 'connection.secret_fallback');
