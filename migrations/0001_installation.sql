-- The installation itself: one row.
CREATE TABLE installation (
    singleton              boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch                  integer NOT NULL DEFAULT 1 CHECK (epoch > 0),
    created_at             timestamptz NOT NULL DEFAULT now(),
    signing_key            text,
    token_key              text,
    storage_key            text,
    audit_key              text
);
COMMENT ON COLUMN installation.epoch IS 'Raised when a backup is restored: voids older sessions, setup tokens, queued commands and envelopes.';
COMMENT ON COLUMN installation.signing_key IS 'Fingerprint of the key file that signs envelopes; a node with another key refuses to start. Null until the first start.';
COMMENT ON COLUMN installation.token_key IS 'Fingerprint of the key file that signs access tokens.';
COMMENT ON COLUMN installation.storage_key IS 'Fingerprint of the key file that encrypts secrets at rest.';
COMMENT ON COLUMN installation.audit_key IS 'Fingerprint of the key file that signs audit heads.';
INSERT INTO installation DEFAULT VALUES;
