-- The installation itself: one row, and the server processes that share this database.
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

CREATE TABLE server_nodes (
    id          uuid PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    version     text NOT NULL
);
COMMENT ON TABLE server_nodes IS 'Server processes by the id in their data directory.';
COMMENT ON COLUMN server_nodes.lease_until IS 'A node that has not renewed by then is gone; its agents are reconnecting.';
