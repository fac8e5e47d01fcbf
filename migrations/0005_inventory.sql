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

-- Makes the partitions of the days from first_day to last_day that do not exist yet.
CREATE FUNCTION ensure_readings_partitions(first_day date, last_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    day date := first_day;
BEGIN
    WHILE day <= last_day LOOP
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF agent_readings_5m FOR VALUES FROM (%L) TO (%L)',
            'agent_readings_5m_' || to_char(day, 'YYYYMMDD'),
            (day::timestamp AT TIME ZONE 'UTC'), ((day + 1)::timestamp AT TIME ZONE 'UTC'));
        day := day + 1;
    END LOOP;
END $$;

-- Drops the partitions of days before first_kept; answers how many.
CREATE FUNCTION drop_readings_partitions(first_kept date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    part record;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.oid::regclass AS name, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'agent_readings_5m'::regclass
    LOOP
        IF to_date(right(part.relname, 8), 'YYYYMMDD') < first_kept THEN
            EXECUTE format('DROP TABLE %s', part.name);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
