-- The epoch in which an envelope was signed, beside it: when a restore raises the epoch, one statement ends all that is older.
ALTER TABLE commands ADD COLUMN epoch integer;
ALTER TABLE agent_envelopes ADD COLUMN epoch integer;
COMMENT ON COLUMN commands.epoch IS 'As in the signed header, which is what counts. Null: made by a server that did not write it here.';
COMMENT ON COLUMN agent_envelopes.epoch IS 'As in the signed header, which is what counts. Null: made by a server that did not write it here.';
