-- No agent fills the titles, which all tenants share: what it may add to them in an hour is bounded.
ALTER TABLE agent_software_reports
    ADD COLUMN counted_from timestamptz,
    ADD COLUMN new_titles   integer NOT NULL DEFAULT 0,
    ADD COLUMN incomplete   boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN agent_software_reports.counted_from IS 'When the hour began in which new_titles are counted.';
COMMENT ON COLUMN agent_software_reports.new_titles IS 'Rows of software_titles that the agent added in that hour.';
COMMENT ON COLUMN agent_software_reports.incomplete IS 'Some of the section was left out, because the agent had added too many titles.';
