//! SQL that derives installed software. Few statements for an agent's whole list, whatever its length.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::core::Result;

/// Name of the lock that keeps titles from being removed while a report refers to them.
const LOCK: &str = "gururmm software titles";

/// Titles that one agent may add in the time for which they are counted: more than the longest list that it may report, so
/// that only one that reports ever new names is bounded.
const MAX_NEW_TITLES: i32 = 6_000;
/// For how long they are counted.
const COUNTED_FOR: TimeDelta = TimeDelta::hours(1);

/// What an agent has installed, each title and version once, as columns of the same length.
#[derive(Debug, Default)]
pub struct Installed {
    pub keys: Vec<String>,
    pub sources: Vec<String>,
    pub publishers: Vec<String>,
    pub publisher_keys: Vec<String>,
    pub names: Vec<String>,
    pub versions: Vec<String>,
    pub version_keys: Vec<Vec<u8>>,
}

/// What storing an agent's software did.
#[derive(Debug)]
pub struct Stored {
    /// Rows that changed.
    pub rows: u64,
    /// Titles and versions that were left out, because the agent had added too many titles.
    pub left_out: usize,
}

/// Makes this what the agent has installed. Nothing for a decommissioned agent.
pub async fn replace(
    connection: &mut PgConnection,
    agent_id: Uuid,
    installed: &Installed,
    collected_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Stored> {
    // Locked, so that its record does not end between here and the end of the transaction.
    let organization_id = sqlx::query_scalar!(
        "SELECT organization_id FROM agents WHERE id = $1 AND state <> 'decommissioned' FOR SHARE",
        agent_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(organization_id) = organization_id else { return Ok(Stored { rows: 0, left_out: 0 }) };
    // Where the clock was set back, the hour begins now: else it would last until the clock has caught up.
    let counted = sqlx::query!(
        r#"SELECT LEAST(counted_from, $3) AS "counted_from!", new_titles FROM agent_software_reports
           WHERE agent_id = $1 AND counted_from > $2"#,
        agent_id,
        now - COUNTED_FOR,
        now
    )
    .fetch_optional(&mut *connection)
    .await?;
    let (counted_from, before) = counted.map_or((now, 0), |row| (row.counted_from, row.new_titles));
    let new = add_titles(connection, installed, (MAX_NEW_TITLES - before).max(0)).await?;
    let rows = sqlx::query!(
        r#"WITH now AS MATERIALIZED (
               SELECT t.id AS title_id, u.version COLLATE "C" AS version, u.version_key,
                      NULLIF(u.name COLLATE "C", t.name) AS name
               FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $8::text[])
                    u(key, source, publisher, version, version_key, name)
               JOIN software_titles t ON t.key = u.key COLLATE "C" AND t.source = u.source COLLATE "C"
                                      AND t.publisher = u.publisher COLLATE "C"),
           gone AS (
               DELETE FROM agent_software WHERE agent_id = $1 AND (title_id, version) IN (
                   SELECT title_id, version FROM agent_software WHERE agent_id = $1
                   EXCEPT SELECT title_id, version FROM now)
               RETURNING 1),
           come AS (
               INSERT INTO agent_software (agent_id, organization_id, title_id, version, version_key, name)
               SELECT $1, $7, title_id, version, version_key, name FROM now
               ON CONFLICT (agent_id, title_id, version)
               DO UPDATE SET version_key = excluded.version_key, name = excluded.name
               WHERE agent_software.version_key <> excluded.version_key
                  OR agent_software.name IS DISTINCT FROM excluded.name
               RETURNING 1)
           SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM come) AS "changed!",
                  (SELECT count(*) FROM now) AS "stored!""#,
        agent_id,
        &installed.keys,
        &installed.sources,
        &installed.publishers,
        &installed.versions,
        &installed.version_keys,
        organization_id,
        &installed.names
    )
    .fetch_one(&mut *connection)
    .await?;
    let left_out = installed.keys.len().saturating_sub(usize::try_from(rows.stored).unwrap_or(0));
    sqlx::query!(
        "INSERT INTO agent_software_reports (agent_id, collected_at, derived_from, incomplete, counted_from, new_titles)
         VALUES ($1, $2::timestamptz, CASE WHEN $3 THEN NULL ELSE $2::timestamptz END, $3, $4, $5)
         ON CONFLICT (agent_id) DO UPDATE SET
             collected_at = excluded.collected_at, derived_from = excluded.derived_from,
             incomplete = excluded.incomplete, counted_from = excluded.counted_from, new_titles = excluded.new_titles",
        agent_id,
        collected_at,
        left_out > 0,
        counted_from,
        before.saturating_add(i32::try_from(new).unwrap_or(i32::MAX))
    )
    .execute(connection)
    .await?;
    Ok(Stored { rows: new + rows.changed.unsigned_abs(), left_out })
}

/// Adds at most so many titles that are not there yet; answers how many. They stay until the end of the transaction.
async fn add_titles(connection: &mut PgConnection, installed: &Installed, most: i32) -> Result<u64> {
    sqlx::query!("SELECT 1 AS one FROM pg_advisory_xact_lock_shared(hashtextextended($1, 0))", LOCK)
        .fetch_one(&mut *connection)
        .await?;
    // In one order, so that two agents with the same new titles do not wait for each other in a circle.
    let added = sqlx::query!(
        r#"INSERT INTO software_titles (key, source, publisher, publisher_key, name)
           SELECT DISTINCT ON (u.key COLLATE "C", u.source COLLATE "C", u.publisher COLLATE "C")
                  u.key, u.source, u.publisher, u.publisher_key, u.name
           FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                u(key, source, publisher, publisher_key, name)
           LEFT JOIN software_titles t ON t.key = u.key COLLATE "C" AND t.source = u.source COLLATE "C"
                                       AND t.publisher = u.publisher COLLATE "C"
           WHERE t.id IS NULL
           ORDER BY u.key COLLATE "C", u.source COLLATE "C", u.publisher COLLATE "C", u.name
           LIMIT $6
           ON CONFLICT (key, source, publisher) DO NOTHING"#,
        &installed.keys,
        &installed.sources,
        &installed.publishers,
        &installed.publisher_keys,
        &installed.names,
        i64::from(most)
    )
    .execute(connection)
    .await?;
    Ok(added.rows_affected())
}

/// Removes what decommissioned agents had: an earlier version of the server, which ended their records, left it. At most
/// so many agents; answers how many.
pub async fn forget_ended(connection: &mut PgConnection, most: i64) -> Result<u64> {
    let forgotten = sqlx::query!(
        "WITH ended AS MATERIALIZED (
             SELECT r.agent_id FROM agent_software_reports r JOIN agents a ON a.id = r.agent_id
             WHERE a.state = 'decommissioned' LIMIT $1),
         installed AS (DELETE FROM agent_software WHERE agent_id IN (SELECT agent_id FROM ended))
         DELETE FROM agent_software_reports WHERE agent_id IN (SELECT agent_id FROM ended)",
        most
    )
    .execute(connection)
    .await?;
    Ok(forgotten.rows_affected())
}

/// Titles whose publisher an earlier version of the server left without its lower case, at most so many.
pub async fn unfolded_publishers(connection: &mut PgConnection, most: i64) -> Result<Vec<(i64, String)>> {
    let rows = sqlx::query!(
        "SELECT id, publisher FROM software_titles WHERE publisher_key IS NULL ORDER BY id LIMIT $1",
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.publisher)).collect())
}

/// Fills in the lower case of the publishers of these titles.
pub async fn fold_publishers(connection: &mut PgConnection, titles: &[i64], publisher_keys: &[String]) -> Result<()> {
    sqlx::query!(
        "UPDATE software_titles t SET publisher_key = u.publisher_key
         FROM UNNEST($1::bigint[], $2::text[]) u(id, publisher_key) WHERE t.id = u.id",
        titles,
        publisher_keys
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Agents after this one whose rows are not what their stored section would give now, at most so many, with when that
/// section was received. One that added too many titles is left alone until more of its titles are taken.
pub async fn behind(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    after: Uuid,
    most: i64,
) -> Result<Vec<(Uuid, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        "SELECT i.agent_id, i.collected_at FROM agent_inventory i JOIN agents a ON a.id = i.agent_id
         LEFT JOIN agent_software_reports r ON r.agent_id = i.agent_id
         WHERE i.section = 'software' AND i.agent_id > $2 AND a.state <> 'decommissioned'
           AND r.derived_from IS DISTINCT FROM i.collected_at
           AND (r.incomplete AND r.collected_at = i.collected_at AND r.counted_from > $1 AND r.counted_from <= $4)
               IS NOT TRUE
         ORDER BY i.agent_id LIMIT $3",
        now - COUNTED_FOR,
        after,
        most,
        now
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent_id, row.collected_at)).collect())
}

/// The stored section of an agent and when it was received, locked, unless its rows come from it.
pub async fn lock_section(connection: &mut PgConnection, agent_id: Uuid) -> Result<Option<(String, DateTime<Utc>)>> {
    let row = sqlx::query!(
        r#"SELECT i.data::text AS "data!", i.collected_at
           FROM agent_inventory i LEFT JOIN agent_software_reports r ON r.agent_id = i.agent_id
           WHERE i.agent_id = $1 AND i.section = 'software' AND r.derived_from IS DISTINCT FROM i.collected_at
           FOR UPDATE OF i"#,
        agent_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.data, row.collected_at)))
}

/// Titles after this one that nobody has, at most so many.
pub async fn unused_titles(connection: &mut PgConnection, after: i64, most: i64) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT t.id FROM software_titles t
         WHERE t.id > $1 AND NOT EXISTS (SELECT 1 FROM agent_software s WHERE s.title_id = t.id OFFSET 0)
         ORDER BY t.id LIMIT $2",
        after,
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
