//! SQL of the audit log.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Actor, AuditEntry, AuditFilter, Entry, Outcome, Subject};
use crate::app::Ctx;
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;

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

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_label: String,
    action: String,
    target_kind: String,
    target_id: Option<Uuid>,
    target_label: String,
    organization_id: Option<Uuid>,
    agent_id: Option<Uuid>,
    outcome: Outcome,
    detail: Value,
    request_id: Option<String>,
    address: Option<String>,
    sealed: bool,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: Actor { kind: row.actor_kind, id: row.actor_id, label: row.actor_label },
            action: row.action,
            target: Subject { kind: row.target_kind, id: row.target_id, label: row.target_label },
            organization_id: row.organization_id,
            agent_id: row.agent_id,
            outcome: row.outcome,
            detail: row.detail,
            request_id: row.request_id,
            address: row.address,
            sealed: row.sealed,
        }
    }
}

/// Rows that the scope covers, newest first. The filter is the caller's, so the statement is put together at run time.
pub async fn list(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AuditFilter,
    page: &PageRequest<i64>,
) -> Result<Vec<AuditEntry>> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(
        "SELECT l.id, l.at, l.actor_kind, l.actor_id, l.actor_label, l.action, l.target_kind, l.target_id, l.target_label,
                l.organization_id, l.agent_id, l.outcome, l.detail, l.request_id, l.address,
                EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = l.id) AS sealed
         FROM audit_log l WHERE true",
    );
    if let Some(organizations) = scope.organizations() {
        query.push(" AND l.organization_id = ANY(").push_bind(organizations.to_vec()).push(")");
    }
    for (condition, pattern) in
        [(" AND l.action LIKE ", &filter.action_pattern), (" AND l.actor_label ILIKE ", &filter.actor_pattern)]
    {
        if let Some(pattern) = pattern {
            query.push(condition).push_bind(pattern.clone());
        }
    }
    for (condition, id) in
        [(" AND l.organization_id = ", filter.organization_id), (" AND l.agent_id = ", filter.agent_id)]
    {
        if let Some(id) = id {
            query.push(condition).push_bind(id);
        }
    }
    for (condition, instant) in [(" AND l.at >= ", filter.from), (" AND l.at < ", filter.to)] {
        if let Some(instant) = instant {
            query.push(condition).push_bind(instant);
        }
    }
    if let Some(outcome) = filter.outcome {
        query.push(" AND l.outcome = ").push_bind(outcome);
    }
    if let Some(after) = page.after {
        query.push(" AND l.id < ").push_bind(after);
    }
    query.push(" ORDER BY l.id DESC LIMIT ").push_bind(page.fetch());
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
