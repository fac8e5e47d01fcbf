//! SQL of an agent's standing at the moment of a connection.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::MachineIdentity;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::standing::{ConnectionFacts, Record, SeenMachine, State};
use super::store::forget_software;
use super::store_enrollment::revoke_keys;
use crate::core::Result;

/// One query: a connection asks it before anything else.
pub async fn record_of_key(connection: &mut PgConnection, key: &PublicKey) -> Result<Option<Record>> {
    let row = sqlx::query!(
        r#"SELECT a.id, a.organization_id, a.name, a.state AS "state: State", a.machine_id, a.boot_id, a.hostname, a.rejected_machine_ids,
                  a.agent_version, a.protocol_version, a.address, a.server_host,
                  coalesce(p.last_seen_at, a.enrolled_at) AS "last_seen_at!",
                  (SELECT coalesce(jsonb_object_agg(i.section, i.digest), '{}') FROM agent_inventory i
                   WHERE i.agent_id = a.id) AS "inventory!: Json<BTreeMap<String, String>>"
           FROM agent_keys k JOIN agents a ON a.id = k.agent_id LEFT JOIN agent_presence p ON p.agent_id = a.id
           WHERE k.public_key = $1 AND k.revoked_at IS NULL"#,
        key.as_bytes()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Record {
        agent_id: row.id,
        organization_id: row.organization_id,
        name: row.name,
        state: row.state,
        machine: MachineIdentity { machine_id: row.machine_id, boot_id: row.boot_id, hostname: row.hostname },
        rejected_machine_ids: row.rejected_machine_ids,
        last: ConnectionFacts {
            agent_version: row.agent_version,
            protocol_version: row.protocol_version,
            address: row.address,
        },
        last_seen_at: row.last_seen_at,
        server_host: row.server_host,
        inventory: row.inventory.0,
    }))
}

pub async fn update_facts(
    connection: &mut PgConnection,
    agent_id: Uuid,
    machine: &MachineIdentity,
    facts: &ConnectionFacts,
) -> Result<()> {
    sqlx::query!(
        "UPDATE agents SET hostname = $2, boot_id = $3, agent_version = $4, protocol_version = $5, address = $6
         WHERE id = $1",
        agent_id,
        machine.hostname,
        machine.boot_id,
        facts.agent_version,
        facts.protocol_version,
        facts.address
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks the agent on the server's own host; whether it was not marked before.
pub async fn set_server_host(connection: &mut PgConnection, agent_id: Uuid) -> Result<bool> {
    let marked = sqlx::query!("UPDATE agents SET server_host = true WHERE id = $1 AND NOT server_host", agent_id)
        .execute(connection)
        .await?;
    Ok(marked.rows_affected() > 0)
}

/// State and evidence, with the record locked.
pub async fn lock_quarantine(
    connection: &mut PgConnection,
    agent_id: Uuid,
) -> Result<Option<(State, Vec<SeenMachine>)>> {
    let row = sqlx::query!(
        r#"SELECT state AS "state: State", quarantine_machines AS "machines: Json<Vec<SeenMachine>>" FROM agents WHERE id = $1 FOR NO KEY UPDATE"#,
        agent_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.state, row.machines.0)))
}

pub async fn set_quarantined(
    connection: &mut PgConnection,
    agent_id: Uuid,
    reason: &str,
    machines: &[SeenMachine],
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE agents SET state = 'quarantined', state_since = $2, quarantine_reason = $3, quarantine_machines = $4
         WHERE id = $1",
        agent_id,
        at,
        reason,
        Json(machines) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn set_evidence(connection: &mut PgConnection, agent_id: Uuid, machines: &[SeenMachine]) -> Result<()> {
    sqlx::query!("UPDATE agents SET quarantine_machines = $2 WHERE id = $1", agent_id, Json(machines) as _)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether this envelope is a decommission order for this agent.
pub async fn is_decommission_order(connection: &mut PgConnection, agent_id: Uuid, envelope_id: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM agent_envelopes
                          WHERE id = $1 AND agent_id = $2 AND kind = 'decommission') AS "is!""#,
        envelope_id,
        agent_id
    )
    .fetch_one(connection)
    .await?)
}

/// The order is done, the key revoked, the record history.
pub async fn finish_decommission(
    connection: &mut PgConnection,
    agent_id: Uuid,
    envelope_id: Uuid,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("UPDATE agent_envelopes SET done_at = coalesce(done_at, $2) WHERE id = $1", envelope_id, at)
        .execute(&mut *connection)
        .await?;
    revoke_keys(connection, agent_id, at).await?;
    sqlx::query!("UPDATE agents SET state = 'decommissioned', state_since = $2 WHERE id = $1", agent_id, at)
        .execute(&mut *connection)
        .await?;
    forget_software(connection, agent_id).await
}
