-- Without the time of the report: an index with a column that changes with each report makes each of them write all
-- indexes of the table anew.
DROP INDEX agent_inventory_software_idx;
CREATE INDEX agent_inventory_software_idx ON agent_inventory (agent_id) WHERE section = 'software';
