//! SQL of inventory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gururmm_protocol::inventory::{OsIdentity, UnreadSection};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::StoredSection;
use super::receive::ReceivedSection;
use crate::core::{Error, Result};

/// Locks an agent's record before its inventory: whoever changes the record (a merge, a release) comes to the inventory in
/// this order, too.
pub async fn lock_agent(connection: &mut PgConnection, agent_id: Uuid) -> Result<()> {
    sqlx::query!("SELECT id FROM agents WHERE id = $1 FOR NO KEY UPDATE", agent_id).fetch_optional(connection).await?;
    Ok(())
}

/// Stores sections; `changed_at` moves only when the content differs.
pub async fn put_sections(
    connection: &mut PgConnection,
    agent_id: Uuid,
    sections: &BTreeMap<&'static str, ReceivedSection>,
    now: DateTime<Utc>,
) -> Result<()> {
    if sections.is_empty() {
        return Ok(());
    }
    let problems: Vec<_> = sections.values().map(|section| serde_json::json!(section.problems)).collect();
    sqlx::query!(
        "INSERT INTO agent_inventory AS i (agent_id, section, digest, data, problems, collected_at, changed_at)
         SELECT $1, u.section, u.digest, u.data::jsonb, u.problems, $2, $2
         FROM UNNEST($3::text[], $4::text[], $5::text[], $6::jsonb[]) u(section, digest, data, problems)
         ON CONFLICT (agent_id, section) DO UPDATE
         SET digest = excluded.digest, data = excluded.data, problems = excluded.problems,
             error = NULL, error_since = NULL, collected_at = excluded.collected_at,
             changed_at = CASE WHEN i.data = excluded.data THEN i.changed_at ELSE excluded.changed_at END",
        agent_id,
        now,
        &sections.keys().map(ToString::to_string).collect::<Vec<_>>(),
        &sections.values().map(|section| section.digest.clone()).collect::<Vec<_>>(),
        &sections.values().map(|section| section.data.clone()).collect::<Vec<_>>(),
        &problems
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks sections as unread. What was read before stays.
pub async fn put_unread(
    connection: &mut PgConnection,
    agent_id: Uuid,
    sections: &BTreeMap<&'static str, UnreadSection>,
    now: DateTime<Utc>,
) -> Result<()> {
    if sections.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO agent_inventory AS i (agent_id, section, digest, data, error, error_since, collected_at, changed_at)
         SELECT $1, u.section, u.digest, 'null', u.error, $2, $2, $2
         FROM UNNEST($3::text[], $4::text[], $5::text[]) u(section, digest, error)
         ON CONFLICT (agent_id, section) DO UPDATE
         SET digest = excluded.digest, error = excluded.error, error_since = coalesce(i.error_since, excluded.error_since)",
        agent_id,
        now,
        &sections.keys().map(ToString::to_string).collect::<Vec<_>>(),
        &sections.values().map(|section| section.digest.clone()).collect::<Vec<_>>(),
        &sections.values().map(|section| section.error.clone()).collect::<Vec<_>>()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Copies what lists show of the operating system into the agent's record.
pub async fn copy_os(connection: &mut PgConnection, agent_id: Uuid, os: &OsIdentity) -> Result<()> {
    sqlx::query!(
        "UPDATE agents SET os_family = $2, os_name = $3, machine_role = $4, time_zone = $5,
                           hostname = coalesce(nullif($6, ''), hostname)
         WHERE id = $1",
        agent_id,
        word(&os.family)?,
        os.name,
        word(&os.role)?,
        os.time_zone,
        os.hostname
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An enum as it stands on the wire.
fn word(value: &impl serde::Serialize) -> Result<String> {
    let value = serde_json::to_value(value).map_err(Error::internal)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Copies whether a restart is pending into the agent's record, and since when it has been said to be.
pub async fn copy_pending_reboot(
    connection: &mut PgConnection,
    agent_id: Uuid,
    pending: Option<bool>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE agents SET pending_reboot = $2::boolean,
                           pending_reboot_since = CASE WHEN $2 THEN least(pending_reboot_since, $3) END
         WHERE id = $1",
        agent_id,
        pending,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Organization of an agent within the scope, and whether it runs on the server's host.
pub async fn agent(
    connection: &mut PgConnection,
    agent_id: Uuid,
    organizations: Option<&[Uuid]>,
) -> Result<Option<(Uuid, bool)>> {
    let row = sqlx::query!(
        "SELECT organization_id, server_host FROM agents
         WHERE id = $1 AND ($2::uuid[] IS NULL OR organization_id = ANY($2))",
        agent_id,
        organizations
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.organization_id, row.server_host)))
}

/// What is stored, by name.
pub async fn sections(connection: &mut PgConnection, agent_id: Uuid) -> Result<Vec<StoredSection>> {
    let rows = sqlx::query!(
        r#"SELECT section, data, problems AS "problems: Json<Vec<String>>", error, error_since, collected_at, changed_at
           FROM agent_inventory WHERE agent_id = $1 ORDER BY section"#,
        agent_id
    )
    .fetch_all(connection)
    .await?;
    let section = rows.into_iter().map(|row| StoredSection {
        section: row.section,
        data: row.data,
        problems: row.problems.0,
        error: row.error,
        error_since: row.error_since,
        collected_at: row.collected_at,
        changed_at: row.changed_at,
    });
    Ok(section.collect())
}
