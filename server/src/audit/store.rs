//! SQL of writing the audit log.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Entry;
use crate::app::Ctx;
use crate::core::Result;

/// Writes one row, in the transaction that `connection` is in.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(
    connection: &mut PgConnection,
    at: DateTime<Utc>,
    ctx: &Ctx,
    entry: &Entry,
    outcome: &str,
) -> Result<()> {
    insert_all(connection, at, ctx, std::slice::from_ref(entry), outcome).await
}

/// Writes rows in their order and in one statement, in the transaction that `connection` is in.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert_all(
    connection: &mut PgConnection,
    at: DateTime<Utc>,
    ctx: &Ctx,
    entries: &[Entry],
    outcome: &str,
) -> Result<()> {
    let (kind, id, label) = ctx.actor.record();
    let of = |entry: &Entry| entry.target.label.replace('\0', REPLACEMENT);
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.to_owned()).collect();
    let kinds: Vec<_> = entries.iter().map(|entry| entry.target.kind.to_owned()).collect();
    let ids: Vec<_> = entries.iter().map(|entry| entry.target.id).collect();
    let labels: Vec<_> = entries.iter().map(of).collect();
    let organizations: Vec<_> = entries.iter().map(|entry| entry.organization_id).collect();
    let agents: Vec<_> = entries.iter().map(|entry| entry.agent_id).collect();
    let details: Vec<_> = entries.iter().map(|entry| storable(Value::Object(entry.detail.clone()))).collect();
    sqlx::query!(
        "WITH written AS (
             INSERT INTO audit_log (at, actor_kind, actor_id, actor_label, action, target_kind, target_id, target_label,
                                    organization_id, agent_id, outcome, detail, request_id, address)
             SELECT $1, $2, $3, $4, e.action, e.target_kind, e.target_id, e.target_label, e.organization_id, e.agent_id, $5,
                    e.detail, $6, $7
             FROM unnest($8::text[], $9::text[], $10::uuid[], $11::text[], $12::uuid[], $13::uuid[], $14::jsonb[])
                  WITH ORDINALITY AS e(action, target_kind, target_id, target_label, organization_id, agent_id, detail, n)
             ORDER BY e.n RETURNING id)
         INSERT INTO audit_unsealed (audit_id) SELECT id FROM written",
        at,
        kind,
        id,
        label,
        outcome,
        ctx.request_id,
        ctx.address.map(|address| address.to_string()),
        &actions,
        &kinds,
        &ids as &[Option<Uuid>],
        &labels,
        &organizations as &[Option<Uuid>],
        &agents as &[Option<Uuid>],
        &details
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What stands for NUL, which Postgres takes in no text: a refusal must be kept whatever the caller sent.
const REPLACEMENT: &str = "\u{FFFD}";

fn storable(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', REPLACEMENT)),
        Value::Array(items) => items.into_iter().map(storable).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key.replace('\0', REPLACEMENT), storable(value))).collect()
        }
        other => other,
    }
}
