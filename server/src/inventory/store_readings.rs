//! SQL of readings.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use gururmm_protocol::readings::Reading;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::rollup::{Bucket, Rollup, to_i64, worst_volume};
use super::{Point, VolumeUse};
use crate::agents::attention::NEARLY_FULL;
use crate::core::{Error, Result};

/// The instants up to which these agents' readings are counted, with the rows locked.
pub async fn lock_latest(connection: &mut PgConnection, agents: &[Uuid]) -> Result<HashMap<Uuid, DateTime<Utc>>> {
    // Always in the same order, so that two writers cannot wait for each other.
    let rows = sqlx::query!(
        "SELECT agent_id, at FROM agent_readings_latest WHERE agent_id = ANY($1) ORDER BY agent_id FOR UPDATE",
        agents
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent_id, row.at)).collect())
}

/// Adds what the buckets gain.
pub async fn add_to_buckets(connection: &mut PgConnection, rollups: &[(Uuid, Rollup)]) -> Result<()> {
    let rows: Vec<(Uuid, &Bucket)> =
        rollups.iter().flat_map(|(agent_id, rollup)| rollup.buckets.iter().map(|bucket| (*agent_id, bucket))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let volumes = rows.iter().map(|(_, bucket)| json(&bucket.volumes)).collect::<Result<Vec<Value>>>()?;
    sqlx::query!(
        "INSERT INTO agent_readings_5m AS r (agent_id, bucket, samples, cpu_sum, cpu_max, memory_used_sum,
                                             memory_total_bytes, volumes)
         SELECT * FROM UNNEST($1::uuid[], $2::timestamptz[], $3::integer[], $4::double precision[], $5::real[],
                              $6::double precision[], $7::bigint[], $8::jsonb[])
         ON CONFLICT (agent_id, bucket) DO UPDATE
         SET samples = r.samples + excluded.samples, cpu_sum = r.cpu_sum + excluded.cpu_sum,
             cpu_max = greatest(r.cpu_max, excluded.cpu_max),
             memory_used_sum = r.memory_used_sum + excluded.memory_used_sum,
             memory_total_bytes = excluded.memory_total_bytes, volumes = excluded.volumes",
        &rows.iter().map(|(agent_id, _)| *agent_id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, bucket)| bucket.at).collect::<Vec<_>>(),
        &rows.iter().map(|(_, bucket)| bucket.samples).collect::<Vec<_>>(),
        &rows.iter().map(|(_, bucket)| bucket.cpu_sum).collect::<Vec<_>>(),
        &rows.iter().map(|(_, bucket)| bucket.cpu_max).collect::<Vec<_>>(),
        &rows.iter().map(|(_, bucket)| bucket.memory_used_sum).collect::<Vec<_>>(),
        &rows.iter().map(|(_, bucket)| bucket.memory_total_bytes).collect::<Vec<_>>(),
        &volumes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the newest readings; one that is later than `latest_possible` is of a clock that was wrong, and gives way.
pub async fn put_latest(
    connection: &mut PgConnection,
    rollups: &[(Uuid, Rollup)],
    latest_possible: DateTime<Utc>,
) -> Result<()> {
    let rows: Vec<(Uuid, &Reading)> =
        rollups.iter().filter_map(|(agent_id, rollup)| Some((*agent_id, rollup.newest.as_ref()?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let volumes = rows.iter().map(|(_, reading)| json(&reading.volumes)).collect::<Result<Vec<Value>>>()?;
    let worst: Vec<_> = rows.iter().map(|(_, reading)| worst_volume(&reading.volumes)).collect();
    sqlx::query!(
        "INSERT INTO agent_readings_latest AS l (agent_id, at, cpu_percent, memory_used_bytes, memory_total_bytes,
             uptime_seconds, volumes, worst_mount, worst_used_bytes, worst_total_bytes, nearly_full_since)
         SELECT u.*, CASE WHEN u.worst_used_bytes::float8 / nullif(u.worst_total_bytes, 0)::float8 * 1000000 >= $12
                          THEN u.at END
         FROM UNNEST($1::uuid[], $2::timestamptz[], $3::real[], $4::bigint[], $5::bigint[], $6::bigint[],
                     $7::jsonb[], $8::text[], $9::bigint[], $10::bigint[])
              u(agent_id, at, cpu_percent, memory_used_bytes, memory_total_bytes, uptime_seconds, volumes, worst_mount,
                worst_used_bytes, worst_total_bytes)
         ON CONFLICT (agent_id) DO UPDATE
         SET at = excluded.at, cpu_percent = excluded.cpu_percent, memory_used_bytes = excluded.memory_used_bytes,
             memory_total_bytes = excluded.memory_total_bytes, uptime_seconds = excluded.uptime_seconds,
             volumes = excluded.volumes, worst_mount = excluded.worst_mount,
             worst_used_bytes = excluded.worst_used_bytes, worst_total_bytes = excluded.worst_total_bytes,
             nearly_full_since = CASE WHEN excluded.nearly_full_since IS NOT NULL
                                      THEN least(l.nearly_full_since, excluded.nearly_full_since) END
         WHERE l.at < excluded.at OR l.at > $11",
        &rows.iter().map(|(agent_id, _)| *agent_id).collect::<Vec<_>>(),
        &rows.iter().map(|(_, reading)| reading.at).collect::<Vec<_>>(),
        &rows.iter().map(|(_, reading)| reading.cpu_percent).collect::<Vec<_>>(),
        &rows.iter().map(|(_, reading)| to_i64(reading.memory_used_bytes)).collect::<Vec<_>>(),
        &rows.iter().map(|(_, reading)| to_i64(reading.memory_total_bytes)).collect::<Vec<_>>(),
        &rows.iter().map(|(_, reading)| to_i64(reading.uptime_seconds)).collect::<Vec<_>>(),
        &volumes,
        &worst.iter().map(|volume| volume.map(|volume| volume.mount.clone())).collect::<Vec<_>>()
            as &[Option<String>],
        &worst.iter().map(|volume| volume.map(|volume| to_i64(volume.used_bytes))).collect::<Vec<_>>()
            as &[Option<i64>],
        &worst.iter().map(|volume| volume.map(|volume| to_i64(volume.total_bytes))).collect::<Vec<_>>()
            as &[Option<i64>],
        latest_possible,
        (NEARLY_FULL * 10_000) as f64
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn json(volumes: &[gururmm_protocol::readings::VolumeUse]) -> Result<Value> {
    serde_json::to_value(volumes).map_err(Error::internal)
}

/// An agent's buckets of a time, oldest first.
pub async fn points(
    connection: &mut PgConnection,
    agent_id: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Point>> {
    let rows = sqlx::query!(
        r#"SELECT bucket, samples, cpu_sum / samples AS "cpu_avg!", cpu_max, memory_used_sum / samples AS "memory_used_avg!",
                  memory_total_bytes, volumes AS "volumes: Json<Vec<VolumeUse>>"
           FROM agent_readings_5m WHERE agent_id = $1 AND bucket >= $2 AND bucket < $3 ORDER BY bucket"#,
        agent_id,
        from,
        to
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Point {
            at: row.bucket,
            cpu_avg: row.cpu_avg,
            cpu_max: row.cpu_max,
            memory_used_avg: row.memory_used_avg,
            memory_total: row.memory_total_bytes,
            samples: row.samples,
            volumes: row.volumes.0,
        })
        .collect())
}

/// Makes the partitions of these days, each in its own transaction.
pub async fn ensure_partitions(connection: &mut PgConnection, first: NaiveDate, last: NaiveDate) -> Result<()> {
    for day in first.iter_days().take_while(|day| *day <= last) {
        sqlx::query!("SELECT ensure_readings_partition($1)", day).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Drops the partitions of days before `first_kept`, each in its own transaction; answers how many.
pub async fn drop_partitions(connection: &mut PgConnection, first_kept: NaiveDate) -> Result<u32> {
    let mut dropped = 0;
    while sqlx::query_scalar!(r#"SELECT drop_readings_partition($1) AS "dropped!""#, first_kept)
        .fetch_one(&mut *connection)
        .await?
    {
        dropped += 1;
    }
    Ok(dropped)
}

/// Whether a bucket's day has no partition yet.
pub fn is_missing_partition(error: &Error) -> bool {
    let Error::Internal(cause) = error else { return false };
    // 23514 (check_violation) without a constraint's name: "no partition of relation found for row".
    cause
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error)
        .is_some_and(|error| error.code().as_deref() == Some("23514") && error.constraint().is_none())
}
