-- Nobody is shown how somebody else's agent spells a name.
ALTER TABLE agent_software ADD COLUMN name text;
UPDATE agent_software_reports SET derived_from = NULL;
COMMENT ON COLUMN agent_software.name IS 'As the agent writes it; NULL when that is the title''s name.';
COMMENT ON COLUMN software_titles.name IS 'As the first agent wrote it: shown only where an agent in the caller''s scope writes it so.';
