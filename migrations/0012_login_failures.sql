-- How often somebody failed to sign in to an account: what the audit log's few rows about it are made from.
CREATE TABLE login_failures (
    user_id  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hour     timestamptz NOT NULL,
    network  text NOT NULL,
    failures integer NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, hour, network)
);
CREATE INDEX login_failures_hour_idx ON login_failures (hour);
COMMENT ON COLUMN login_failures.hour IS 'The beginning of the hour; rows of yesterday are deleted.';
COMMENT ON COLUMN login_failures.network IS 'An IPv4 address, an IPv6 network of 64 bits, or one name for all networks beyond the first of an hour.';
