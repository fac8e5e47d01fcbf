-- Sections of the inventory that could not be read, in part or at all.
ALTER TABLE agent_inventory
    ADD COLUMN problems    jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN error       text,
    ADD COLUMN error_since timestamptz,
    ADD CONSTRAINT agent_inventory_error_check CHECK ((error IS NULL) = (error_since IS NULL));
COMMENT ON COLUMN agent_inventory.data IS 'As it was read last; JSON null when it never could be.';
COMMENT ON COLUMN agent_inventory.problems IS 'Parts of data that could not be read, in words.';
COMMENT ON COLUMN agent_inventory.error IS 'Why the section cannot be read now; data is then what was read before.';
COMMENT ON COLUMN agent_inventory.collected_at IS 'When the server received data last.';
