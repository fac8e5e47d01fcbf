-- What agents report about themselves.
CREATE TABLE agent_inventory (
    agent_id     uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    section      text NOT NULL,
    digest       text NOT NULL,
    data         jsonb NOT NULL,
    collected_at timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (agent_id, section)
);
COMMENT ON COLUMN agent_inventory.digest IS 'Made by the agent, opaque here: handed back at the next connection so that it sends only what differs.';
COMMENT ON COLUMN agent_inventory.collected_at IS 'When the server received it last.';

CREATE TABLE agent_readings_latest (
    agent_id           uuid PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    at                 timestamptz NOT NULL,
    cpu_percent        real NOT NULL,
    memory_used_bytes  bigint NOT NULL,
    memory_total_bytes bigint NOT NULL,
    uptime_seconds     bigint NOT NULL,
    volumes            jsonb NOT NULL,
    worst_mount        text,
    worst_used_bytes   bigint,
    worst_total_bytes  bigint
) WITH (fillfactor = 70);
COMMENT ON COLUMN agent_readings_latest.at IS 'A reading that is not newer than this was seen before and is ignored.';
COMMENT ON COLUMN agent_readings_latest.worst_mount IS 'The fullest volume, by share.';

CREATE TABLE agent_readings_5m (
    agent_id           uuid NOT NULL,
    bucket             timestamptz NOT NULL,
    samples            integer NOT NULL,
    cpu_sum            double precision NOT NULL,
    cpu_max            real NOT NULL,
    memory_used_sum    double precision NOT NULL,
    memory_total_bytes bigint NOT NULL,
    volumes            jsonb NOT NULL,
    PRIMARY KEY (agent_id, bucket)
) PARTITION BY RANGE (bucket);
COMMENT ON TABLE agent_readings_5m IS 'Readings in buckets of five minutes, one partition per UTC day; old days are dropped whole.';
COMMENT ON COLUMN agent_readings_5m.volumes IS 'The last reading of the bucket.';

-- The next two wait for their lock no longer than this: whoever wants to read or write waits behind them. They do one
-- partition each, so that none is locked longer than it must be.

-- Makes the partition of this day if it does not exist yet.
CREATE FUNCTION ensure_readings_partition(day date) RETURNS void LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
    name text := 'agent_readings_5m_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF agent_readings_5m FOR VALUES FROM (%L) TO (%L)', name,
            (day::timestamp AT TIME ZONE 'UTC'), ((day + 1)::timestamp AT TIME ZONE 'UTC'));
    END IF;
END $$;

-- Drops the oldest partition if its day is before first_kept; answers whether there was one.
CREATE FUNCTION drop_readings_partition(first_kept date) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
    part regclass;
BEGIN
    SELECT c.oid INTO part FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'agent_readings_5m'::regclass AND to_date(right(c.relname, 8), 'YYYYMMDD') < first_kept
    ORDER BY c.relname LIMIT 1;
    IF part IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %s', part);
    RETURN true;
END $$;
