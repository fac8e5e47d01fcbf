-- An order that is sent again, because its answer was lost, is answered with what was made of it the first time.
CREATE TABLE command_idempotency_keys (
    requested_by    uuid NOT NULL,
    idempotency_key uuid NOT NULL,
    meaning_sealed  bytea NOT NULL,
    run_id          uuid REFERENCES command_runs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    command_id      uuid REFERENCES commands (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (requested_by, idempotency_key),
    CHECK (num_nonnulls(run_id, command_id) = 1)
);
CREATE INDEX command_idempotency_keys_run_idx ON command_idempotency_keys (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX command_idempotency_keys_command_idx ON command_idempotency_keys (command_id) WHERE command_id IS NOT NULL;
COMMENT ON TABLE command_idempotency_keys IS 'What was made of an order that came with a key; it lasts as long as that.';
COMMENT ON COLUMN command_idempotency_keys.requested_by IS 'User who ordered it: keys of different users have nothing to do with each other.';
COMMENT ON COLUMN command_idempotency_keys.meaning_sealed IS 'SHA-256 of the order, encrypted: it tells of secret values.';
