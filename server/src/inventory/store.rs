//! SQL of inventory.

use chrono::{DateTime, Utc};
use gururmm_protocol::inventory::Section;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::StoredSection;
use crate::core::{Error, Result};

/// A section to be stored.
pub struct NewSection {
    pub section: &'static str,
    pub digest: String,
    pub data: Value,
}

/// What lists show of an inventory; none: not in this report.
#[derive(Default)]
pub struct SystemFacts {
    os: Option<OsFacts>,
    pending_reboot: Option<Option<bool>>,
}

struct OsFacts {
    family: String,
    name: String,
    role: String,
    time_zone: Option<String>,
    hostname: String,
}

impl SystemFacts {
    /// Takes what this section says.
    pub fn learn(&mut self, section: &Section) -> Result<()> {
        match section {
            Section::Os(os) => {
                self.os = Some(OsFacts {
                    family: word(&os.family)?,
                    name: os.name.clone(),
                    role: word(&os.role)?,
                    time_zone: os.time_zone.clone(),
                    hostname: os.hostname.clone(),
                });
            }
            Section::Reboot(reboot) => self.pending_reboot = Some(reboot.pending),
            _ => {}
        }
        Ok(())
    }
}

/// An enum as it stands on the wire.
fn word(value: &impl serde::Serialize) -> Result<String> {
    let value = serde_json::to_value(value).map_err(Error::internal)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Stores sections; `changed_at` moves only when the content differs.
pub async fn put_sections(
    connection: &mut PgConnection,
    agent_id: Uuid,
    sections: &[NewSection],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO agent_inventory AS i (agent_id, section, digest, data, collected_at, changed_at)
         SELECT $1, u.section, u.digest, u.data, $2, $2
         FROM UNNEST($3::text[], $4::text[], $5::jsonb[]) u(section, digest, data)
         ON CONFLICT (agent_id, section) DO UPDATE
         SET digest = excluded.digest, data = excluded.data, collected_at = excluded.collected_at,
             changed_at = CASE WHEN i.data = excluded.data THEN i.changed_at ELSE excluded.changed_at END",
        agent_id,
        now,
        &sections.iter().map(|section| section.section.to_owned()).collect::<Vec<_>>(),
        &sections.iter().map(|section| section.digest.clone()).collect::<Vec<_>>(),
        &sections.iter().map(|section| section.data.clone()).collect::<Vec<_>>()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Copies what lists show into the agent's record.
pub async fn copy_facts(connection: &mut PgConnection, agent_id: Uuid, facts: &SystemFacts) -> Result<()> {
    if let Some(os) = &facts.os {
        sqlx::query!(
            "UPDATE agents SET os_family = $2, os_name = $3, machine_role = $4, time_zone = $5,
                               hostname = coalesce(nullif($6, ''), hostname)
             WHERE id = $1",
            agent_id,
            os.family,
            os.name,
            os.role,
            os.time_zone,
            os.hostname
        )
        .execute(&mut *connection)
        .await?;
    }
    if let Some(pending) = facts.pending_reboot {
        sqlx::query!("UPDATE agents SET pending_reboot = $2 WHERE id = $1", agent_id, pending)
            .execute(connection)
            .await?;
    }
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
    Ok(sqlx::query_as!(
        StoredSection,
        "SELECT section, data, collected_at, changed_at FROM agent_inventory WHERE agent_id = $1 ORDER BY section",
        agent_id
    )
    .fetch_all(connection)
    .await?)
}
