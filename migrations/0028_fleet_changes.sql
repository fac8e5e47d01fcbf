-- Changes over the fleet, newest first, of everything, of organizations and of one section: each found in the order of the list.
ALTER TABLE agent_inventory_changes ADD COLUMN organization_id uuid;
UPDATE agent_inventory_changes c SET organization_id = a.organization_id FROM agents a WHERE a.id = c.agent_id;
CREATE INDEX agent_inventory_changes_section_idx ON agent_inventory_changes (section, at, id);
CREATE INDEX agent_inventory_changes_organization_idx ON agent_inventory_changes (organization_id, section, at, id);
COMMENT ON COLUMN agent_inventory_changes.organization_id IS 'Copied from the agent, which never changes its organization. NULL as an earlier version of the server leaves it: then only in the lists of the agent, its site and the whole installation.';
