-- One command ordered for many agents at once.
CREATE TABLE command_runs (
    id                 uuid PRIMARY KEY,
    summary            text NOT NULL,
    spec               jsonb NOT NULL,
    requested_by       uuid,
    requested_by_label text NOT NULL,
    created_at         timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    total              integer NOT NULL CHECK (total > 0)
);
CREATE INDEX command_runs_requested_idx ON command_runs (requested_by, id DESC);
COMMENT ON COLUMN command_runs.spec IS 'The command with secrets redacted: for people.';
COMMENT ON COLUMN command_runs.requested_by IS 'User who ordered it; no foreign key, the label outlives the user.';
COMMENT ON COLUMN command_runs.total IS 'Agents that it was ordered for, with those that could not take it.';

ALTER TABLE commands ADD COLUMN run_id uuid REFERENCES command_runs (id);
COMMENT ON COLUMN commands.run_id IS 'The run that it is part of; null: ordered by itself.';
-- How the commands of a run stand is counted in the index alone.
CREATE INDEX commands_run_idx ON commands (run_id, organization_id, state, finished_at) WHERE run_id IS NOT NULL;

CREATE TABLE command_run_agents (
    run_id          uuid NOT NULL REFERENCES command_runs (id),
    agent_id        uuid NOT NULL REFERENCES agents (id),
    organization_id uuid NOT NULL,
    sort_name       text NOT NULL,
    command_id      uuid REFERENCES commands (id),
    refusal_code    text,
    refusal_words   text,
    PRIMARY KEY (run_id, agent_id),
    CHECK ((command_id IS NULL) = (refusal_code IS NOT NULL)),
    CHECK ((refusal_code IS NULL) = (refusal_words IS NULL))
);
CREATE INDEX command_run_agents_name_idx ON command_run_agents (run_id, sort_name, agent_id);
CREATE INDEX command_run_agents_organization_idx ON command_run_agents (run_id, organization_id, sort_name, agent_id);
COMMENT ON TABLE command_run_agents IS 'Every agent that a run was ordered for: with its command, or with why it got none.';
COMMENT ON COLUMN command_run_agents.sort_name IS 'As the agent was called when the run was ordered: a later rename moves nothing in a list that is being read.';

CREATE TABLE command_run_organizations (
    run_id          uuid NOT NULL REFERENCES command_runs (id),
    organization_id uuid NOT NULL,
    agents          integer NOT NULL,
    refused         integer NOT NULL,
    ended_at        timestamptz,
    succeeded       integer,
    failed          integer,
    timed_out       integer,
    cancelled       integer,
    expired         integer,
    unknown         integer,
    PRIMARY KEY (run_id, organization_id),
    CHECK (num_nonnulls(ended_at, succeeded, failed, timed_out, cancelled, expired, unknown) IN (0, 7))
);
CREATE INDEX command_run_organizations_newest_idx ON command_run_organizations (organization_id, run_id DESC);
CREATE INDEX command_run_organizations_unsettled_idx ON command_run_organizations (run_id DESC, organization_id)
    WHERE ended_at IS NULL;
COMMENT ON TABLE command_run_organizations IS 'What of a run concerns an organization: who may see the run, and how it ended there.';
COMMENT ON COLUMN command_run_organizations.ended_at IS 'When the last of its commands ended; null, like the counts: not settled yet, to be counted among the commands.';
