-- What is known of a credential at its provider: how often it was taken, when it was refused in a sign-in, since when it is
-- in use, and what came of trying it before. None of it is configuration: no replica has to hear of it.

ALTER TABLE connection_credentials
    ADD COLUMN uses         bigint NOT NULL DEFAULT 0,
    ADD COLUMN active_since timestamptz,     -- null: since it was made, or it never was
    ADD COLUMN refused_at   timestamptz;     -- last time that another one had to stand in for it

CREATE TABLE credential_rehearsals (
    credential_id text        NOT NULL CONSTRAINT credential_rehearsals_credential_fkey
                              REFERENCES connection_credentials ON DELETE CASCADE,
    method        text        NOT NULL CONSTRAINT credential_rehearsals_method_known
                              CHECK (method IN ('authorization_code', 'client_credentials', 'introspection', 'revocation', 'test_login')),
    verdict       text        NOT NULL CONSTRAINT credential_rehearsals_verdict_known
                              CHECK (verdict IN ('proven', 'refused', 'unclear', 'unreachable')),
    evidence      jsonb       NOT NULL,      -- status and error word of what was answered; never a value
    rehearsed_at  timestamptz NOT NULL,
    rehearsed_by  text        NOT NULL,
    CONSTRAINT credential_rehearsals_pkey PRIMARY KEY (credential_id, method)
);

-- A test sign-in may show a secret that is not in use yet. What is gone by the time they come back is looked for in vain.
ALTER TABLE login_attempts
    ADD COLUMN trial_credential text,
    ADD CONSTRAINT login_attempts_trial_credential_is_of_a_trial CHECK (trial_by IS NOT NULL OR trial_credential IS NULL);
ALTER TABLE trial_invitations
    ADD COLUMN credential_id text CONSTRAINT trial_invitations_credential_fkey REFERENCES connection_credentials ON DELETE CASCADE;
