-- Lists of commands that have not ended, in general and of one organization.
CREATE INDEX commands_open_state_idx ON commands (state, id DESC) WHERE state IN ('queued', 'sent', 'running');
CREATE INDEX commands_open_organization_idx ON commands (organization_id, state, id DESC)
    WHERE state IN ('queued', 'sent', 'running');
