//! SQL of decommissioning.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::core::Result;

pub async fn set_decommissioning(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE agents SET state = 'decommissioning', state_since = $2 WHERE id = $1", id, now)
        .execute(connection)
        .await?;
    Ok(())
}

/// The order that counts for an agent: the one that is not done, else the last.
pub struct LastOrder {
    /// It waits for the agent.
    pub is_open: bool,
    /// It is of an older epoch.
    pub is_void: bool,
    /// Why it was not followed.
    pub refusal: Option<String>,
    /// When it ends, and the record with it.
    pub expires_at: DateTime<Utc>,
}

pub async fn last_order(
    connection: &mut PgConnection,
    agent_id: Uuid,
    epoch: i32,
    now: DateTime<Utc>,
) -> Result<Option<LastOrder>> {
    Ok(sqlx::query_as!(
        LastOrder,
        r#"SELECT done_at IS NULL AND expires_at > $3 AS "is_open!", coalesce(epoch < $2, false) AS "is_void!", refusal,
                  expires_at
           FROM agent_envelopes WHERE agent_id = $1 AND kind = 'decommission'
           ORDER BY done_at IS NULL DESC, created_at DESC, id DESC LIMIT 1"#,
        agent_id,
        epoch,
        now
    )
    .fetch_optional(connection)
    .await?)
}

/// Name and organization of an agent that is being decommissioned, its record locked.
pub async fn lock_leaving(connection: &mut PgConnection, agent_id: Uuid) -> Result<Option<(String, Uuid)>> {
    let agent = sqlx::query!(
        "SELECT name, organization_id FROM agents WHERE id = $1 AND state = 'decommissioning' FOR NO KEY UPDATE",
        agent_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(agent.map(|agent| (agent.name, agent.organization_id)))
}

/// An order that waits for its agent.
pub struct OpenOrder {
    /// How often it was signed anew.
    pub renewals: i32,
}

/// This decommission order of this agent, locked, if it is open.
pub async fn open_order(connection: &mut PgConnection, agent_id: Uuid, id: Uuid) -> Result<Option<OpenOrder>> {
    Ok(sqlx::query_as!(
        OpenOrder,
        "SELECT renewals FROM agent_envelopes
         WHERE id = $2 AND agent_id = $1 AND kind = 'decommission' AND done_at IS NULL FOR UPDATE",
        agent_id,
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// The agent will not follow the order, for this reason.
pub async fn refuse(connection: &mut PgConnection, id: Uuid, reason: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE agent_envelopes SET done_at = $3, refusal = $2 WHERE id = $1", id, reason, now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Agents that were told to leave and whose order is over. One that was refused counts until then: a person may decide.
pub async fn abandoned(connection: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT a.id FROM agents a WHERE a.state = 'decommissioning' AND NOT EXISTS (
             SELECT 1 FROM agent_envelopes e
             WHERE e.agent_id = a.id AND e.kind = 'decommission' AND e.expires_at > $1
               AND (e.done_at IS NULL OR e.refusal IS NOT NULL))
         ORDER BY a.id LIMIT $2",
        now,
        limit
    )
    .fetch_all(connection)
    .await?)
}
