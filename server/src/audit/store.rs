//! SQL of writing the audit log.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

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
    let (kind, id, label) = ctx.actor.record();
    sqlx::query!(
        "WITH written AS (
             INSERT INTO audit_log (at, actor_kind, actor_id, actor_label, action, target_kind, target_id, target_label,
                                    organization_id, agent_id, outcome, detail, request_id, address)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id)
         INSERT INTO audit_unsealed (audit_id) SELECT id FROM written",
        at,
        kind,
        id,
        label,
        entry.action,
        entry.target.kind,
        entry.target.id,
        entry.target.label.replace('\0', REPLACEMENT),
        entry.organization_id,
        entry.agent_id,
        outcome,
        storable(Value::Object(entry.detail.clone())),
        ctx.request_id,
        ctx.address.map(|address| address.to_string())
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
