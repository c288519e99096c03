INSERT INTO webhook_events (action, outcome, event) VALUES ('connection.drift_seen', 'failed', 'connection.drift_seen');
