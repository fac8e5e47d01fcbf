-- Who did what. Rows commit with their change; a sealer chains them afterwards.
CREATE TABLE audit_log (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    actor_kind      text NOT NULL CHECK (actor_kind IN ('user', 'agent', 'system', 'operator')),
    actor_id        uuid,
    actor_label     text NOT NULL,
    action          text NOT NULL,
    target_kind     text NOT NULL,
    target_id       uuid,
    target_label    text NOT NULL,
    organization_id uuid,
    agent_id        uuid,
    outcome         text NOT NULL CHECK (outcome IN ('success', 'refused')),
    detail          jsonb NOT NULL DEFAULT '{}',
    request_id      text,
    address         text
);
CREATE INDEX audit_log_organization_idx ON audit_log (organization_id, id DESC);
CREATE INDEX audit_log_agent_idx ON audit_log (agent_id, id DESC) WHERE agent_id IS NOT NULL;
COMMENT ON TABLE audit_log IS 'Append-only and self-contained: no foreign keys to living rows, labels written out.';

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

CREATE TABLE audit_chain (
    seq      bigint PRIMARY KEY,
    audit_id bigint NOT NULL UNIQUE,
    hash     bytea NOT NULL CHECK (length(hash) = 32)
);
COMMENT ON TABLE audit_chain IS 'Dense sequence over audit_log in the order of sealing; hash = SHA-256(previous hash, seq, row).';

CREATE TABLE audit_heads (
    seq       bigint PRIMARY KEY,
    hash      bytea NOT NULL CHECK (length(hash) = 32),
    signed_at timestamptz NOT NULL,
    signature bytea NOT NULL CHECK (length(signature) = 64)
);
COMMENT ON TABLE audit_heads IS 'Signed ends of sealed batches; each is also appended to a file outside Postgres.';

CREATE TABLE audit_unsealed (
    audit_id bigint PRIMARY KEY
);
COMMENT ON TABLE audit_unsealed IS 'Rows that wait for the sealer, written with them: it need not search, and a row that is neither here nor in the chain was not written by the server.';
