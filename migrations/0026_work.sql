-- What a person has under way, or saw end today: their runs and their single commands, found without reading anybody else's.
ALTER TABLE command_run_organizations ADD COLUMN requested_by uuid;
UPDATE command_run_organizations ro SET requested_by = r.requested_by FROM command_runs r WHERE r.id = ro.run_id;
COMMENT ON COLUMN command_run_organizations.requested_by IS 'As in the run.';
CREATE INDEX command_run_organizations_mine_unsettled_idx ON command_run_organizations (requested_by, run_id DESC)
    WHERE ended_at IS NULL;
CREATE INDEX command_run_organizations_mine_ended_idx ON command_run_organizations (requested_by, ended_at DESC)
    WHERE ended_at IS NOT NULL;
CREATE INDEX commands_mine_open_idx ON commands (requested_by, id DESC)
    WHERE run_id IS NULL AND state IN ('queued', 'sent', 'running');
CREATE INDEX commands_mine_ended_idx ON commands (requested_by, finished_at DESC)
    WHERE run_id IS NULL AND finished_at IS NOT NULL;
-- Those that got no command are few, and looked for.
CREATE INDEX command_run_agents_refused_idx ON command_run_agents (run_id, sort_name, agent_id) WHERE refusal_code IS NOT NULL;
