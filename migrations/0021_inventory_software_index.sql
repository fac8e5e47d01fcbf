-- Which agents' software is to be derived again is asked every half minute: without reading what they reported.
CREATE INDEX agent_inventory_software_idx ON agent_inventory (agent_id, collected_at) WHERE section = 'software';
