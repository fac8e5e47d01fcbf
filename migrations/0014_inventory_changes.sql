-- What changed in agents' inventories, and when.
CREATE TABLE agent_inventory_changes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    at       timestamptz NOT NULL,
    section  text NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('added', 'removed', 'changed', 'more')),
    key      text NOT NULL,
    before   jsonb,
    after    jsonb
);
CREATE INDEX agent_inventory_changes_agent_idx ON agent_inventory_changes (agent_id, at, id);
CREATE INDEX agent_inventory_changes_at_idx ON agent_inventory_changes (at);
COMMENT ON TABLE agent_inventory_changes IS 'Made by the server from the difference of two readings; only added to, and forgotten after a year.';
COMMENT ON COLUMN agent_inventory_changes.at IS 'When the server received the reading that showed it.';
COMMENT ON COLUMN agent_inventory_changes.kind IS 'more: beyond what is kept of one report; after holds how many.';
COMMENT ON COLUMN agent_inventory_changes.key IS 'Name of the item, or of the property.';
