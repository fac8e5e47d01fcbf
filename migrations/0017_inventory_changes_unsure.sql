-- Differences next to parts that could not be read are counted, not left out.
ALTER TABLE agent_inventory_changes DROP CONSTRAINT agent_inventory_changes_kind_check;
ALTER TABLE agent_inventory_changes ADD CONSTRAINT agent_inventory_changes_kind_check
    CHECK (kind IN ('added', 'removed', 'changed', 'more', 'unsure'));
COMMENT ON COLUMN agent_inventory_changes.kind IS
    'more: beyond what is kept of one report; unsure: next to parts that could not be read; after holds how many.';
