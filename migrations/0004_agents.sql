-- Machines, the keys that prove them, and the tokens by which they join.
CREATE TABLE enrollment_tokens (
    id               uuid PRIMARY KEY,
    organization_id  uuid NOT NULL,
    site_id          uuid NOT NULL,
    token_hash       bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    label            text CHECK (length(label) <= 100),
    created_by       uuid,
    created_by_label text NOT NULL,
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    max_uses         integer CHECK (max_uses > 0),
    uses             integer NOT NULL DEFAULT 0,
    revoked_at       timestamptz,
    FOREIGN KEY (site_id, organization_id) REFERENCES sites (id, organization_id),
    CHECK (max_uses IS NULL OR uses <= max_uses)
);
CREATE INDEX enrollment_tokens_organization_idx ON enrollment_tokens (organization_id, id);
CREATE INDEX enrollment_tokens_site_idx ON enrollment_tokens (site_id);
COMMENT ON COLUMN enrollment_tokens.token_hash IS 'SHA-256 of the 256-bit secret; the token itself is shown once and not kept.';
COMMENT ON COLUMN enrollment_tokens.created_by IS 'User who made it; no foreign key, the label outlives the user.';
COMMENT ON COLUMN enrollment_tokens.max_uses IS 'Null: unlimited.';

CREATE TABLE agents (
    id                   uuid PRIMARY KEY,
    organization_id      uuid NOT NULL,
    site_id              uuid NOT NULL,
    hostname             text NOT NULL,
    display_name         text CHECK (length(display_name) BETWEEN 1 AND 100),
    name                 text NOT NULL GENERATED ALWAYS AS (coalesce(display_name, hostname)) STORED,
    sort_name            text NOT NULL GENERATED ALWAYS AS (lower(coalesce(display_name, hostname))) STORED,
    machine_id           text NOT NULL,
    boot_id              text NOT NULL,
    state                text NOT NULL DEFAULT 'active'
                         CHECK (state IN ('active', 'quarantined', 'decommissioning', 'decommissioned')),
    state_since          timestamptz NOT NULL,
    quarantine_reason    text,
    quarantine_machines  jsonb NOT NULL DEFAULT '[]',
    rejected_machine_ids text[] NOT NULL DEFAULT '{}',
    duplicate_of         uuid REFERENCES agents (id),
    merged_into          uuid REFERENCES agents (id),
    server_host          boolean NOT NULL DEFAULT false,
    agent_version        text NOT NULL,
    protocol_version     integer,
    address              text,
    os_family            text,
    os_name              text,
    machine_role         text,
    time_zone            text,
    pending_reboot       boolean,
    enrolled_at          timestamptz NOT NULL,
    enrollment_token_id  uuid,
    FOREIGN KEY (site_id, organization_id) REFERENCES sites (id, organization_id)
);
CREATE INDEX agents_organization_name_idx ON agents (organization_id, sort_name, id);
CREATE INDEX agents_name_idx ON agents (sort_name, id);
CREATE INDEX agents_site_idx ON agents (site_id);
CREATE INDEX agents_machine_idx ON agents (organization_id, machine_id);
COMMENT ON COLUMN agents.machine_id IS 'What the machine says it is; can be guessed or copied, so it is evidence and never an identity.';
COMMENT ON COLUMN agents.quarantine_machines IS 'The machines that used this key: [{machine_id, hostname, boot_id, address, seen_at}].';
COMMENT ON COLUMN agents.rejected_machine_ids IS 'Machines that a technician decided against when releasing a quarantine.';
COMMENT ON COLUMN agents.duplicate_of IS 'Record with the same machine id in this organization when this one enrolled without proof of the older key.';
COMMENT ON COLUMN agents.merged_into IS 'Set when a technician merged this record into an older one.';
COMMENT ON COLUMN agents.server_host IS 'This agent runs on the host of the server: commanding it is for dev_admin only.';
COMMENT ON COLUMN agents.os_family IS 'Copied, like the next four, from the inventory, for lists.';

CREATE TABLE agent_keys (
    public_key bytea PRIMARY KEY CHECK (length(public_key) = 32),
    agent_id   uuid NOT NULL REFERENCES agents (id),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX agent_keys_agent_idx ON agent_keys (agent_id);
CREATE UNIQUE INDEX agent_keys_one_active_idx ON agent_keys (agent_id) WHERE revoked_at IS NULL;
COMMENT ON TABLE agent_keys IS 'Who an agent is. At most one key of an agent is active.';

CREATE TABLE agent_envelopes (
    id             uuid PRIMARY KEY,
    agent_id       uuid NOT NULL REFERENCES agents (id),
    kind           text NOT NULL CHECK (kind IN ('cancel_command', 'decommission')),
    command_id     uuid,
    header         text NOT NULL,
    signature      bytea NOT NULL,
    payload_sealed bytea NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    done_at        timestamptz
);
CREATE INDEX agent_envelopes_open_idx ON agent_envelopes (agent_id, created_at) WHERE done_at IS NULL;
COMMENT ON TABLE agent_envelopes IS 'Signed orders other than commands, sent on each connection until done or expired.';

CREATE TABLE agent_presence (
    agent_id     uuid PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    state        text NOT NULL CHECK (state IN ('online', 'reconnecting', 'offline')),
    since        timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    node_id      uuid NOT NULL,
    session_id   uuid NOT NULL,
    lease_until  timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX agent_presence_node_idx ON agent_presence (node_id) WHERE state = 'online';
COMMENT ON TABLE agent_presence IS 'One row per agent that has ever connected; no row: never.';
COMMENT ON COLUMN agent_presence.lease_until IS 'Online counts only until then; the node that holds the socket renews it in batches.';
COMMENT ON COLUMN agent_presence.session_id IS 'The session that wrote this: the end of an older session does not overwrite a newer one.';

-- What the presence rows are worth at an instant: never online without a valid lease, whoever failed to write the row.
-- A lease that ran out is `reconnecting` for 90 seconds and then `offline`, since the agent was last seen.
CREATE FUNCTION agent_presence_effective(at timestamptz)
RETURNS TABLE (agent_id uuid, state text, since timestamptz, last_seen_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT p.agent_id,
           CASE WHEN lost.since IS NULL THEN p.state
                WHEN lost.since + interval '90 seconds' > at THEN 'reconnecting'
                ELSE 'offline' END,
           CASE WHEN lost.since IS NULL THEN p.since
                WHEN lost.since + interval '90 seconds' > at THEN lost.since
                ELSE p.last_seen_at END,
           p.last_seen_at
    FROM agent_presence p,
         LATERAL (SELECT CASE WHEN p.state = 'reconnecting' THEN p.since
                              WHEN p.state = 'online' AND p.lease_until <= at THEN p.lease_until END AS since) lost
$$;
