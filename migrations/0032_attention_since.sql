-- Since when a machine waits for a restart, and since when one of its volumes is nearly full: verdicts carry their age.
ALTER TABLE agents ADD COLUMN pending_reboot_since timestamptz;
ALTER TABLE agent_readings_latest ADD COLUMN nearly_full_since timestamptz;
-- What was told before this migration is known since the section last changed at the latest.
UPDATE agents a SET pending_reboot_since = i.changed_at
FROM agent_inventory i WHERE i.agent_id = a.id AND i.section = 'reboot' AND a.pending_reboot;
COMMENT ON COLUMN agents.pending_reboot_since IS 'When the server was first told, without a no since. NULL while no restart is pending.';
COMMENT ON COLUMN agent_readings_latest.nearly_full_since IS 'First reading of those without a break in which some volume was nearly full. NULL while none is.';
