//! SQL of settling: what of a run is over is counted for good, so that a list of runs need not count it each time.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::core::Result;

/// What of a run concerns an organization.
pub struct Part {
    pub run_id: Uuid,
    pub organization_id: Uuid,
}

/// Parts of runs that are over and not settled, locked: a late result waits, and unsettles what it changes. Those that
/// somebody else holds are left for the next pass.
pub async fn lock_over(connection: &mut PgConnection, limit: i64) -> Result<Vec<Part>> {
    Ok(sqlx::query_as!(
        Part,
        "SELECT run_id, organization_id FROM command_run_organizations ro
         WHERE ended_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM commands c WHERE c.run_id = ro.run_id AND c.organization_id = ro.organization_id
                                                      AND c.state IN ('queued', 'sent', 'running'))
         ORDER BY run_id, organization_id LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit
    )
    .fetch_all(connection)
    .await?)
}

/// Counts how they ended. A statement after that of the lock, so that it sees all that came before.
pub async fn settle(connection: &mut PgConnection, parts: &[Part]) -> Result<()> {
    let runs: Vec<_> = parts.iter().map(|part| part.run_id).collect();
    let organizations: Vec<_> = parts.iter().map(|part| part.organization_id).collect();
    sqlx::query!(
        "UPDATE command_run_organizations ro
         SET ended_at = coalesce(c.last_end, r.created_at), succeeded = c.succeeded, failed = c.failed,
             timed_out = c.timed_out, cancelled = c.cancelled, expired = c.expired, unknown = c.unknown
         FROM unnest($1::uuid[], $2::uuid[]) AS u(run_id, organization_id)
         JOIN command_runs r ON r.id = u.run_id
         CROSS JOIN LATERAL (
             SELECT max(finished_at) AS last_end,
                    count(*) FILTER (WHERE state = 'succeeded') AS succeeded,
                    count(*) FILTER (WHERE state = 'failed') AS failed,
                    count(*) FILTER (WHERE state = 'timed_out') AS timed_out,
                    count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
                    count(*) FILTER (WHERE state = 'expired') AS expired,
                    count(*) FILTER (WHERE state = 'unknown') AS unknown
             FROM commands WHERE run_id = u.run_id AND organization_id = u.organization_id) c
         WHERE ro.run_id = u.run_id AND ro.organization_id = u.organization_id",
        &runs,
        &organizations
    )
    .execute(connection)
    .await?;
    Ok(())
}
