//! SQL of orders: the signed envelopes other than commands.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::link::Recipient;
use crate::core::Result;

/// An order as it is stored.
pub struct StoredOrder {
    pub id: Uuid,
    pub header: String,
    pub signature: Vec<u8>,
    pub payload_sealed: Vec<u8>,
}

/// A new order.
pub struct NewOrder {
    pub stored: StoredOrder,
    pub agent_id: Uuid,
    pub kind: &'static str,
    pub command_id: Option<Uuid>,
    pub epoch: i32,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub async fn insert(connection: &mut PgConnection, orders: &[NewOrder]) -> Result<()> {
    let ids: Vec<_> = orders.iter().map(|order| order.stored.id).collect();
    let agents: Vec<_> = orders.iter().map(|order| order.agent_id).collect();
    let kinds: Vec<_> = orders.iter().map(|order| order.kind.to_owned()).collect();
    let commands: Vec<_> = orders.iter().map(|order| order.command_id).collect();
    let epochs: Vec<_> = orders.iter().map(|order| order.epoch).collect();
    let headers: Vec<_> = orders.iter().map(|order| order.stored.header.clone()).collect();
    let signatures: Vec<_> = orders.iter().map(|order| order.stored.signature.clone()).collect();
    let payloads: Vec<_> = orders.iter().map(|order| order.stored.payload_sealed.clone()).collect();
    let created: Vec<_> = orders.iter().map(|order| order.created_at).collect();
    let expiries: Vec<_> = orders.iter().map(|order| order.expires_at).collect();
    sqlx::query!(
        "INSERT INTO agent_envelopes (id, agent_id, kind, command_id, epoch, header, signature, payload_sealed, created_at,
                                      expires_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::int4[], $6::text[], $7::bytea[],
                              $8::bytea[], $9::timestamptz[], $10::timestamptz[])",
        &ids,
        &agents,
        &kinds,
        &commands as &[Option<Uuid>],
        &epochs,
        &headers,
        &signatures,
        &payloads,
        &created,
        &expiries
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Orders that an agent still has to be given in this session, oldest first.
pub async fn open(connection: &mut PgConnection, to: Recipient<'_>, now: DateTime<Utc>) -> Result<Vec<StoredOrder>> {
    Ok(sqlx::query_as!(
        StoredOrder,
        "SELECT e.id, e.header, e.signature, e.payload_sealed
         FROM agent_envelopes e JOIN agents a ON a.id = e.agent_id JOIN agent_keys k ON k.agent_id = a.id
         WHERE e.agent_id = $1 AND e.done_at IS NULL AND e.expires_at > $4
           AND k.public_key = $2 AND k.revoked_at IS NULL
           AND a.machine_id = $3 AND a.state IN ('active', 'decommissioning')
         ORDER BY e.created_at, e.id LIMIT 256",
        to.agent_id,
        to.key.as_bytes(),
        to.machine_id,
        now
    )
    .fetch_all(connection)
    .await?)
}

/// An order as it is stored.
pub async fn order(connection: &mut PgConnection, id: Uuid) -> Result<Option<StoredOrder>> {
    Ok(sqlx::query_as!(
        StoredOrder,
        "SELECT id, header, signature, payload_sealed FROM agent_envelopes WHERE id = $1",
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// The order was signed anew.
pub async fn renew(connection: &mut PgConnection, order: &StoredOrder, expires_at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE agent_envelopes SET header = $2, signature = $3, payload_sealed = $4, expires_at = $5,
                                    renewals = renewals + 1
         WHERE id = $1",
        order.id,
        order.header,
        order.signature,
        order.payload_sealed,
        expires_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A refused order to cancel is not given again.
pub async fn refuse(connection: &mut PgConnection, agent_id: Uuid, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE agent_envelopes SET done_at = $3
         WHERE id = $2 AND agent_id = $1 AND kind = 'cancel_command' AND done_at IS NULL",
        agent_id,
        id,
        at
    )
    .execute(connection)
    .await?;
    Ok(())
}
