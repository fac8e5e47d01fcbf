//! SQL of the history of inventory.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::history::SectionChanges;
use super::{ChangeKey, ChangeKind, InventoryChange};
use crate::core::Result;
use crate::core::page::PageRequest;

/// A section as it is stored.
pub struct Before {
    pub section: String,
    pub data: String,
    pub problems: Vec<String>,
}

/// Those of these sections that were read before, locked until they are stored anew.
pub async fn lock_before(connection: &mut PgConnection, agent_id: Uuid, sections: &[String]) -> Result<Vec<Before>> {
    let rows = sqlx::query!(
        r#"SELECT section, data::text AS "data!", problems AS "problems: Json<Vec<String>>" FROM agent_inventory
           WHERE agent_id = $1 AND section = ANY($2) AND data <> 'null' ORDER BY section FOR UPDATE"#,
        agent_id,
        sections
    )
    .fetch_all(connection)
    .await?;
    let before = rows.into_iter().map(|row| Before { section: row.section, data: row.data, problems: row.problems.0 });
    Ok(before.collect())
}

/// Changes of an agent since then and until now, counted up to `most`. Where the clock was set back, later ones do not count.
pub async fn count_since(
    connection: &mut PgConnection,
    agent_id: Uuid,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    most: i64,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM
           (SELECT 1 FROM agent_inventory_changes WHERE agent_id = $1 AND at > $2 AND at <= $4 LIMIT $3) recent"#,
        agent_id,
        since,
        most,
        now
    )
    .fetch_one(connection)
    .await?)
}

/// Adds changes.
pub async fn insert(
    connection: &mut PgConnection,
    agent_id: Uuid,
    sections: &[SectionChanges],
    now: DateTime<Utc>,
) -> Result<()> {
    let all = || sections.iter().flat_map(|section| section.changes.iter().map(|change| (section.section, change)));
    if all().next().is_none() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO agent_inventory_changes (agent_id, at, section, kind, key, before, after)
         SELECT $1, $2, u.section, u.kind, u.key, u.before::jsonb, u.after::jsonb
         FROM UNNEST($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              WITH ORDINALITY u(section, kind, key, before, after, n) ORDER BY u.n",
        agent_id,
        now,
        &all().map(|(section, _)| section.to_owned()).collect::<Vec<_>>(),
        &all().map(|(_, change)| change.kind).collect::<Vec<_>>() as _,
        &all().map(|(_, change)| change.key.clone()).collect::<Vec<_>>(),
        &all().map(|(_, change)| change.before.clone()).collect::<Vec<_>>() as _,
        &all().map(|(_, change)| change.after.clone()).collect::<Vec<_>>() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A page of an agent's changes, newest first.
pub async fn list(
    connection: &mut PgConnection,
    agent_id: Uuid,
    section: Option<&str>,
    page: &PageRequest<ChangeKey>,
) -> Result<Vec<InventoryChange>> {
    let (at, id) = page.after.as_ref().map(|after| (after.at, after.id)).unzip();
    Ok(sqlx::query_as!(
        InventoryChange,
        r#"SELECT id, at, section, kind AS "kind: ChangeKind", key, before, after FROM agent_inventory_changes
           WHERE agent_id = $1 AND ($2::text IS NULL OR section = $2)
             AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::bigint))
           ORDER BY at DESC, id DESC LIMIT $5"#,
        agent_id,
        section,
        at,
        id,
        page.fetch()
    )
    .fetch_all(connection)
    .await?)
}

/// Removes at most `most` changes from before then; answers how many.
pub async fn forget(connection: &mut PgConnection, before: DateTime<Utc>, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM agent_inventory_changes
         WHERE id IN (SELECT id FROM agent_inventory_changes WHERE at < $1 ORDER BY at LIMIT $2)",
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
