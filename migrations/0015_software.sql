-- Installed software over the fleet: derived from agents' section `software` in the transaction that stores it.
CREATE TABLE software_titles (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key       text COLLATE "C" NOT NULL,
    source    text COLLATE "C" NOT NULL CHECK (source IN ('windows', 'dpkg', 'rpm', 'other')),
    publisher text COLLATE "C" NOT NULL,
    name      text NOT NULL,
    UNIQUE (key, source, publisher)
);
COMMENT ON TABLE software_titles IS 'One row for each name, source and publisher, whoever has it; those that nobody has any more are removed now and then.';
COMMENT ON COLUMN software_titles.key IS 'The name in lower case.';
COMMENT ON COLUMN software_titles.publisher IS 'Empty when the agent cannot tell. Part of the title, so that nobody is shown a publisher that only somebody else''s agents report.';
COMMENT ON COLUMN software_titles.name IS 'As the first agent wrote it.';

CREATE TABLE agent_software (
    agent_id        uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    title_id        bigint NOT NULL REFERENCES software_titles (id),
    version         text COLLATE "C" NOT NULL,
    version_key     bytea NOT NULL CHECK (length(version_key) <= 1000),
    PRIMARY KEY (agent_id, title_id, version)
);
CREATE INDEX agent_software_title_idx ON agent_software (title_id, version_key, agent_id, version);
CREATE INDEX agent_software_organization_idx ON agent_software (organization_id, title_id);
COMMENT ON COLUMN agent_software.organization_id IS 'Copied from the agent, which never changes its organization.';
COMMENT ON COLUMN agent_software.version IS 'Empty when the agent cannot tell.';
COMMENT ON COLUMN agent_software.version_key IS 'Sorts byte by byte as dpkg compares versions.';

CREATE TABLE agent_software_reports (
    agent_id     uuid PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    collected_at timestamptz NOT NULL
);
COMMENT ON TABLE agent_software_reports IS 'Which reading an agent''s rows in agent_software come from; one that is not the stored section''s is derived again.';
COMMENT ON COLUMN agent_software_reports.collected_at IS 'agent_inventory.collected_at of the section that was derived.';
