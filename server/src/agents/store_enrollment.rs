//! SQL of enrollment.

use chrono::{DateTime, Utc};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::MachineIdentity;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::core::Result;
use crate::enrollment_tokens::TokenState;

/// An enrollment token as enrollment needs it.
pub struct Token {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub site_id: Uuid,
    expires_at: DateTime<Utc>,
    max_uses: Option<i32>,
    uses: i32,
    revoked_at: Option<DateTime<Utc>>,
}

impl Token {
    /// Whether it worked when it was read.
    pub fn state(&self, now: DateTime<Utc>) -> TokenState {
        TokenState::derive(self.revoked_at, self.expires_at, self.max_uses, self.uses, now)
    }
}

/// An agent's record as an enrollment writes it.
pub struct EnrolledAgent<'a> {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub site_id: Uuid,
    pub token_id: Uuid,
    pub machine: &'a MachineIdentity,
    pub agent_version: &'a str,
    pub server_host: bool,
    pub at: DateTime<Utc>,
}

/// The owner of a proven earlier key.
pub struct EarlierAgent {
    pub id: Uuid,
    pub rejected_machine_ids: Vec<String>,
}

/// The agent that this key already is, by this very token.
pub async fn enrolled_before(
    connection: &mut PgConnection,
    key: &PublicKey,
    token_hash: &[u8; 32],
) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT a.id FROM agent_keys k JOIN agents a ON a.id = k.agent_id
             JOIN enrollment_tokens t ON t.id = a.enrollment_token_id
         WHERE k.public_key = $1 AND k.revoked_at IS NULL AND a.state = 'active' AND t.token_hash = $2",
        key.as_bytes(),
        token_hash
    )
    .fetch_optional(connection)
    .await?)
}

pub async fn token(connection: &mut PgConnection, hash: &[u8; 32]) -> Result<Option<Token>> {
    Ok(sqlx::query_as!(
        Token,
        "SELECT id, organization_id, site_id, expires_at, max_uses, uses, revoked_at
         FROM enrollment_tokens WHERE token_hash = $1",
        hash
    )
    .fetch_optional(connection)
    .await?)
}

/// Counts one use, unless the token cannot be used at `now`. Its row stays locked until the transaction ends.
pub async fn use_token(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let counted = sqlx::query!(
        "UPDATE enrollment_tokens SET uses = uses + 1
         WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2 AND (max_uses IS NULL OR uses < max_uses)",
        id,
        now
    )
    .execute(connection)
    .await?;
    Ok(counted.rows_affected() > 0)
}

pub async fn key_is_known(connection: &mut PgConnection, key: &PublicKey) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM agent_keys WHERE public_key = $1) AS "known!""#,
        key.as_bytes()
    )
    .fetch_one(connection)
    .await?)
}

/// The active agent of this organization whose current key this is; locks its record.
pub async fn active_agent_of_key(
    connection: &mut PgConnection,
    key: &PublicKey,
    organization_id: Uuid,
) -> Result<Option<EarlierAgent>> {
    Ok(sqlx::query_as!(
        EarlierAgent,
        "SELECT a.id, a.rejected_machine_ids FROM agent_keys k JOIN agents a ON a.id = k.agent_id
         WHERE k.public_key = $1 AND k.revoked_at IS NULL AND a.organization_id = $2 AND a.state = 'active'
         FOR NO KEY UPDATE OF a, k",
        key.as_bytes(),
        organization_id
    )
    .fetch_optional(connection)
    .await?)
}

/// The oldest living record of this machine id in the organization.
pub async fn agent_of_machine(
    connection: &mut PgConnection,
    organization_id: Uuid,
    machine_id: &str,
) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM agents
         WHERE organization_id = $1 AND machine_id = $2 AND state <> 'decommissioned' AND merged_into IS NULL
         ORDER BY enrolled_at, id LIMIT 1",
        organization_id,
        machine_id
    )
    .fetch_optional(connection)
    .await?)
}

pub async fn insert_agent(
    connection: &mut PgConnection,
    agent: &EnrolledAgent<'_>,
    duplicate_of: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO agents (id, organization_id, site_id, hostname, machine_id, boot_id, state_since, duplicate_of,
                             server_host, agent_version, enrolled_at, enrollment_token_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $7, $11)",
        agent.id,
        agent.organization_id,
        agent.site_id,
        agent.machine.hostname,
        agent.machine.machine_id,
        agent.machine.boot_id,
        agent.at,
        duplicate_of,
        agent.server_host,
        agent.agent_version,
        agent.token_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The record keeps its id and gets what the machine says now, and the token's site.
pub async fn update_agent(connection: &mut PgConnection, agent: &EnrolledAgent<'_>) -> Result<()> {
    sqlx::query!(
        "UPDATE agents SET site_id = $2, hostname = $3, machine_id = $4, boot_id = $5, server_host = server_host OR $6,
                           agent_version = $7, enrollment_token_id = $8
         WHERE id = $1",
        agent.id,
        agent.site_id,
        agent.machine.hostname,
        agent.machine.machine_id,
        agent.machine.boot_id,
        agent.server_host,
        agent.agent_version,
        agent.token_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn insert_key(
    connection: &mut PgConnection,
    key: &PublicKey,
    agent_id: Uuid,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO agent_keys (public_key, agent_id, created_at) VALUES ($1, $2, $3)",
        key.as_bytes(),
        agent_id,
        at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// No key of this agent opens a connection any more.
pub async fn revoke_keys(connection: &mut PgConnection, agent_id: Uuid, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE agent_keys SET revoked_at = $2 WHERE agent_id = $1 AND revoked_at IS NULL", agent_id, at)
        .execute(connection)
        .await?;
    Ok(())
}
