-- Lists of commands that ended in a way that is rare, in general and of one organization or agent: found without reading all that went well.
CREATE INDEX commands_ended_idx ON commands (state, id DESC)
    WHERE state IN ('failed', 'timed_out', 'cancelled', 'expired', 'unknown');
CREATE INDEX commands_ended_organization_idx ON commands (organization_id, state, id DESC)
    WHERE state IN ('failed', 'timed_out', 'cancelled', 'expired', 'unknown');
CREATE INDEX commands_ended_agent_idx ON commands (agent_id, state, id DESC)
    WHERE state IN ('failed', 'timed_out', 'cancelled', 'expired', 'unknown');
