//! SQL that derives installed software. Few statements for an agent's whole list, whatever its length.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::core::Result;

/// Name of the lock that keeps titles from being removed while a report refers to them.
const LOCK: &str = "gururmm software titles";

/// What an agent has installed, each title and version once, as columns of the same length.
#[derive(Debug, Default)]
pub struct Installed {
    pub keys: Vec<String>,
    pub sources: Vec<String>,
    pub publishers: Vec<String>,
    pub names: Vec<String>,
    pub versions: Vec<String>,
    pub version_keys: Vec<Vec<u8>>,
}

/// Makes this what the agent has installed; answers how many rows that changed. Nothing for a decommissioned agent.
pub async fn replace(
    connection: &mut PgConnection,
    agent_id: Uuid,
    installed: &Installed,
    collected_at: DateTime<Utc>,
) -> Result<u64> {
    // Locked, so that its record does not end between here and the end of the transaction.
    let organization_id = sqlx::query_scalar!(
        "SELECT organization_id FROM agents WHERE id = $1 AND state <> 'decommissioned' FOR SHARE",
        agent_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(organization_id) = organization_id else { return Ok(0) };
    sqlx::query!("SELECT 1 AS one FROM pg_advisory_xact_lock_shared(hashtextextended($1, 0))", LOCK)
        .fetch_one(&mut *connection)
        .await?;
    // In one order, so that two agents with the same new titles do not wait for each other in a circle.
    let titles = sqlx::query!(
        r#"INSERT INTO software_titles (key, source, publisher, name)
           SELECT DISTINCT ON (u.key COLLATE "C", u.source COLLATE "C", u.publisher COLLATE "C")
                  u.key, u.source, u.publisher, u.name
           FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[]) u(key, source, publisher, name)
           LEFT JOIN software_titles t ON t.key = u.key COLLATE "C" AND t.source = u.source COLLATE "C"
                                       AND t.publisher = u.publisher COLLATE "C"
           WHERE t.id IS NULL
           ORDER BY u.key COLLATE "C", u.source COLLATE "C", u.publisher COLLATE "C", u.name
           ON CONFLICT (key, source, publisher) DO NOTHING"#,
        &installed.keys,
        &installed.sources,
        &installed.publishers,
        &installed.names
    )
    .execute(&mut *connection)
    .await?;
    // Only after the one above: it waited for those who were adding the same titles.
    let ids = sqlx::query!(
        r#"SELECT u.row AS "row!", t.id
           FROM UNNEST($1::text[], $2::text[], $3::text[]) WITH ORDINALITY u(key, source, publisher, row)
           JOIN software_titles t ON t.key = u.key COLLATE "C" AND t.source = u.source COLLATE "C"
                                  AND t.publisher = u.publisher COLLATE "C"
           ORDER BY u.row"#,
        &installed.keys,
        &installed.sources,
        &installed.publishers
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<i64> = ids.into_iter().map(|row| row.id).collect();
    let changed = sqlx::query!(
        r#"WITH now AS MATERIALIZED (
               SELECT title_id, version COLLATE "C" AS version, version_key
               FROM UNNEST($2::bigint[], $3::text[], $4::bytea[]) u(title_id, version, version_key)),
           gone AS (
               DELETE FROM agent_software WHERE agent_id = $1 AND (title_id, version) IN (
                   SELECT title_id, version FROM agent_software WHERE agent_id = $1
                   EXCEPT SELECT title_id, version FROM now)
               RETURNING 1),
           come AS (
               INSERT INTO agent_software (agent_id, organization_id, title_id, version, version_key)
               SELECT $1, $5, title_id, version, version_key FROM now
               ON CONFLICT (agent_id, title_id, version) DO UPDATE SET version_key = excluded.version_key
               WHERE agent_software.version_key <> excluded.version_key
               RETURNING 1)
           SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM come) AS "changed!""#,
        agent_id,
        &ids,
        &installed.versions,
        &installed.version_keys,
        organization_id
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO agent_software_reports (agent_id, collected_at) VALUES ($1, $2)
         ON CONFLICT (agent_id) DO UPDATE SET collected_at = excluded.collected_at",
        agent_id,
        collected_at
    )
    .execute(connection)
    .await?;
    Ok(titles.rows_affected() + changed.changed.unsigned_abs())
}

/// Agents whose stored section is not the one that their rows come from, at most so many.
pub async fn behind(connection: &mut PgConnection, most: i64) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT i.agent_id FROM agent_inventory i JOIN agents a ON a.id = i.agent_id
         LEFT JOIN agent_software_reports r ON r.agent_id = i.agent_id
         WHERE i.section = 'software' AND a.state <> 'decommissioned'
           AND r.collected_at IS DISTINCT FROM i.collected_at LIMIT $1",
        most
    )
    .fetch_all(connection)
    .await?)
}

/// The stored section of an agent and when it was received, locked, unless its rows come from it.
pub async fn lock_section(connection: &mut PgConnection, agent_id: Uuid) -> Result<Option<(String, DateTime<Utc>)>> {
    let row = sqlx::query!(
        r#"SELECT i.data::text AS "data!", i.collected_at
           FROM agent_inventory i LEFT JOIN agent_software_reports r ON r.agent_id = i.agent_id
           WHERE i.agent_id = $1 AND i.section = 'software' AND r.collected_at IS DISTINCT FROM i.collected_at
           FOR UPDATE OF i"#,
        agent_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.data, row.collected_at)))
}

/// Titles that nobody has, at most so many.
pub async fn unused_titles(connection: &mut PgConnection, most: i64) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT t.id FROM software_titles t
         WHERE NOT EXISTS (SELECT 1 FROM agent_software s WHERE s.title_id = t.id OFFSET 0) LIMIT $1",
        most
    )
    .fetch_all(connection)
    .await?)
}

/// Removes those of these titles that nobody has. To be called in a transaction of its own: while it lasts, no agent's
/// software is stored.
pub async fn remove_unused(connection: &mut PgConnection, titles: &[i64]) -> Result<u64> {
    sqlx::query!("SELECT 1 AS one FROM pg_advisory_xact_lock(hashtextextended($1, 0))", LOCK)
        .fetch_one(&mut *connection)
        .await?;
    let removed = sqlx::query!(
        "DELETE FROM software_titles t
         WHERE t.id = ANY($1) AND NOT EXISTS (SELECT 1 FROM agent_software s WHERE s.title_id = t.id)",
        titles
    )
    .execute(connection)
    .await?;
    Ok(removed.rows_affected())
}
