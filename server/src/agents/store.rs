//! SQL of single agents: detail, and the changes that people make.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::standing::SeenMachine;
use super::store_enrollment::revoke_keys;
use super::view::AgentState;
use crate::authz::Scope;
use crate::core::Result;
use crate::inventory::VolumeUse;

/// What the page of an agent shows beyond the list.
pub struct Details {
    pub display_name: Option<String>,
    pub machine_id: String,
    pub boot_id: String,
    pub enrolled_at: DateTime<Utc>,
    pub protocol_version: Option<i32>,
    pub address: Option<String>,
    pub state_since: DateTime<Utc>,
    pub quarantine_reason: Option<String>,
    pub quarantine_machines: Json<Vec<SeenMachine>>,
    pub duplicate_id: Option<Uuid>,
    pub duplicate_name: Option<String>,
    pub merged_id: Option<Uuid>,
    pub merged_name: Option<String>,
    pub uptime_seconds: Option<i64>,
    pub volumes: Option<Json<Vec<VolumeUse>>>,
}

/// The rest of an agent whose summary was found in scope.
pub async fn details(connection: &mut PgConnection, id: Uuid) -> Result<Option<Details>> {
    Ok(sqlx::query_as!(
        Details,
        r#"SELECT a.display_name, a.machine_id, a.boot_id, a.enrolled_at, a.protocol_version, a.address, a.state_since,
                  a.quarantine_reason, a.quarantine_machines AS "quarantine_machines: Json<Vec<SeenMachine>>",
                  d.id AS "duplicate_id?", d.name AS "duplicate_name?", m.id AS "merged_id?", m.name AS "merged_name?",
                  r.uptime_seconds AS "uptime_seconds?", r.volumes AS "volumes?: Json<Vec<VolumeUse>>"
           FROM agents a LEFT JOIN agents d ON d.id = a.duplicate_of LEFT JOIN agents m ON m.id = a.merged_into
           LEFT JOIN agent_readings_latest r ON r.agent_id = a.id
           WHERE a.id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// An agent's record, locked for a change.
pub struct Locked {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub name: String,
    pub state: AgentState,
    pub machine_id: String,
    pub server_host: bool,
    pub enrolled_at: DateTime<Utc>,
    pub rejected_machine_ids: Vec<String>,
    pub quarantine_machines: Json<Vec<SeenMachine>>,
    /// It has a key that is not revoked.
    pub has_key: bool,
    /// It has been connected at least once.
    pub has_connected: bool,
}

/// Locks agents that the scope covers, in the order of their ids, so that two changes of the same agents cannot wait
/// for each other; and not against references, which are made under the lock of a command (a cancel).
pub async fn lock(connection: &mut PgConnection, scope: &Scope, ids: &[Uuid]) -> Result<Vec<Locked>> {
    Ok(sqlx::query_as!(
        Locked,
        r#"SELECT a.id, a.organization_id, a.name, a.state AS "state: AgentState", a.machine_id, a.server_host,
                  a.enrolled_at, a.rejected_machine_ids,
                  a.quarantine_machines AS "quarantine_machines: Json<Vec<SeenMachine>>",
                  EXISTS (SELECT 1 FROM agent_keys k WHERE k.agent_id = a.id AND k.revoked_at IS NULL) AS "has_key!",
                  EXISTS (SELECT 1 FROM agent_presence p WHERE p.agent_id = a.id) AS "has_connected!"
           FROM agents a WHERE a.id = ANY($2) AND ($1::uuid[] IS NULL OR a.organization_id = ANY($1))
           ORDER BY a.id FOR NO KEY UPDATE OF a"#,
        scope.organizations(),
        ids
    )
    .fetch_all(connection)
    .await?)
}

pub async fn set_display_name(connection: &mut PgConnection, id: Uuid, name: Option<&str>) -> Result<()> {
    sqlx::query!("UPDATE agents SET display_name = $2 WHERE id = $1", id, name).execute(connection).await?;
    Ok(())
}

pub async fn set_site(connection: &mut PgConnection, id: Uuid, site: Uuid) -> Result<()> {
    sqlx::query!("UPDATE agents SET site_id = $2 WHERE id = $1", id, site).execute(connection).await?;
    Ok(())
}

/// Nobody is asked any more whether this is the same machine as another record's.
pub async fn clear_duplicate(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("UPDATE agents SET duplicate_of = NULL WHERE id = $1", id).execute(connection).await?;
    Ok(())
}

/// The name of a site of this organization, held until the transaction ends: nobody deletes it meanwhile.
pub async fn hold_site(connection: &mut PgConnection, organization: Uuid, site: Uuid) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "SELECT name FROM sites WHERE id = $2 AND organization_id = $1 AND deleted_at IS NULL FOR SHARE",
        organization,
        site
    )
    .fetch_optional(connection)
    .await?)
}

/// Ends the record: key revoked, open orders done, and where it went if it was merged. It counts no more where software
/// is searched for; its inventory stays.
pub async fn end(connection: &mut PgConnection, id: Uuid, merged_into: Option<Uuid>, now: DateTime<Utc>) -> Result<()> {
    revoke_keys(connection, id, now).await?;
    sqlx::query!("UPDATE agent_envelopes SET done_at = $2 WHERE agent_id = $1 AND done_at IS NULL", id, now)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "UPDATE agents SET state = 'decommissioned', state_since = $2, merged_into = $3, quarantine_reason = NULL,
                           quarantine_machines = '[]'
         WHERE id = $1",
        id,
        now,
        merged_into
    )
    .execute(&mut *connection)
    .await?;
    forget_software(connection, id).await
}

/// Removes an ended record from what is installed in the fleet. A report that is being stored waits for the record or is
/// waited for, so that it leaves nothing behind.
pub(super) async fn forget_software(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM agent_software WHERE agent_id = $1", id).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM agent_software_reports WHERE agent_id = $1", id).execute(connection).await?;
    Ok(())
}

/// Ends a quarantine in favour of one machine.
pub async fn release(
    connection: &mut PgConnection,
    id: Uuid,
    machine: &SeenMachine,
    rejected: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE agents SET state = 'active', state_since = $2, machine_id = $3, boot_id = $4, hostname = $5,
                           rejected_machine_ids = $6, quarantine_reason = NULL, quarantine_machines = '[]'
         WHERE id = $1",
        id,
        now,
        machine.machine_id,
        machine.boot_id,
        machine.hostname,
        rejected
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks what is stored of the machine of before as not read of the machine that goes on, until that tells its own. Without
/// the digests it tells all of it, also what is the same.
pub async fn outdate_inventory(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE agent_inventory SET digest = '', error = 'another machine has this record now, and has not told it yet',
                                    error_since = $2
         WHERE agent_id = $1",
        id,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives `into` the key of `from`, with what is known of the machine that holds it; the old key of `into` is revoked.
pub async fn move_key(connection: &mut PgConnection, from: Uuid, into: Uuid, now: DateTime<Utc>) -> Result<()> {
    revoke_keys(connection, into, now).await?;
    sqlx::query!("UPDATE agent_keys SET agent_id = $2 WHERE agent_id = $1 AND revoked_at IS NULL", from, into)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "UPDATE agents i SET machine_id = f.machine_id, boot_id = f.boot_id, hostname = f.hostname,
             agent_version = f.agent_version, protocol_version = f.protocol_version, address = f.address,
             os_family = f.os_family, os_name = f.os_name, machine_role = f.machine_role, time_zone = f.time_zone,
             pending_reboot = f.pending_reboot,
             pending_reboot_since = f.pending_reboot_since, server_host = i.server_host OR f.server_host,
             rejected_machine_ids = array_remove(i.rejected_machine_ids, f.machine_id)
         FROM agents f WHERE i.id = $2 AND f.id = $1",
        from,
        into
    )
    .execute(connection)
    .await?;
    Ok(())
}
