-- Commands: signed when authorized, run at most once, ended in one honest state.
CREATE TABLE commands (
    id                   uuid PRIMARY KEY,
    agent_id             uuid NOT NULL REFERENCES agents (id),
    organization_id      uuid NOT NULL,
    state                text NOT NULL CHECK (state IN ('queued', 'sent', 'running', 'succeeded', 'failed', 'timed_out',
                                                        'cancelled', 'expired', 'unknown')),
    summary              text NOT NULL,
    spec                 jsonb NOT NULL,
    timeout_seconds      integer NOT NULL,
    requested_by         uuid,
    requested_by_label   text NOT NULL,
    created_at           timestamptz NOT NULL,
    expires_at           timestamptz NOT NULL,
    sent_at              timestamptz,
    started_at           timestamptz,
    finished_at          timestamptz,
    exit_code            integer,
    signal               integer,
    reason               text,
    output_chunks        integer,
    output_bytes         bigint NOT NULL DEFAULT 0,
    output_dropped_bytes bigint NOT NULL DEFAULT 0,
    cancel_requested_at  timestamptz,
    late_result          jsonb,
    header               text NOT NULL,
    signature            bytea NOT NULL,
    payload_sealed       bytea NOT NULL,
    CHECK ((finished_at IS NOT NULL) = (state NOT IN ('queued', 'sent', 'running')))
);
CREATE INDEX commands_agent_idx ON commands (agent_id, id DESC);
CREATE INDEX commands_organization_idx ON commands (organization_id, id DESC);
CREATE INDEX commands_open_idx ON commands (agent_id, id) WHERE state IN ('queued', 'sent', 'running');
COMMENT ON COLUMN commands.id IS 'Also the id of the envelope.';
COMMENT ON COLUMN commands.spec IS 'The command with secrets redacted: for people.';
COMMENT ON COLUMN commands.payload_sealed IS 'The signed payload, encrypted with the storage key: it may hold secrets.';
COMMENT ON COLUMN commands.reason IS 'Why it is in this state, when the state alone does not say.';
COMMENT ON COLUMN commands.output_bytes IS 'Bytes stored in command_output so far: what an agent may store is bounded.';
COMMENT ON COLUMN commands.output_chunks IS 'Chunks that the agent says it made in all; known at the end.';
COMMENT ON COLUMN commands.late_result IS 'A result that came after another end was recorded.';

CREATE TABLE command_output (
    command_id  uuid NOT NULL REFERENCES commands (id) ON DELETE CASCADE,
    index       integer NOT NULL CHECK (index >= 0),
    stream      text NOT NULL CHECK (stream IN ('stdout', 'stderr')),
    text        text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (command_id, index)
);
