-- What an earlier version of the server derived is derived again in today's form, and counts until then.
ALTER TABLE agent_software_reports ADD COLUMN derived_from timestamptz;
COMMENT ON COLUMN agent_software_reports.derived_from IS 'As collected_at, when the rows are whole and in the form that this version of the server gives them; another or NULL: they are derived again.';
COMMENT ON TABLE agent_software_reports IS 'Which reading an agent''s rows in agent_software come from.';
