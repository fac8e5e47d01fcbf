//! SQL of reading the audit log.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Actor, AuditEntry, AuditFilter, AuditKey, Outcome, Subject};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;

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

/// What leads to the rows of a list: the values of one column that a filter stands for. An index has the rows of each
/// value in the order of the list, so a page takes the newest of each, and of those the newest.
struct Lead {
    column: &'static str,
    values: Values,
}

enum Values {
    Ids(Vec<Uuid>),
    Texts(Vec<String>),
}

impl Lead {
    /// The filter that leaves the fewest rows leads; the others are looked at row by row. None without any filter.
    async fn choose(connection: &mut PgConnection, scope: &Scope, filter: &AuditFilter) -> Result<Option<Self>> {
        let ids = |column, ids: &[Uuid]| Some(Self { column, values: Values::Ids(ids.to_vec()) });
        let texts = |column, values| Some(Self { column, values: Values::Texts(values) });
        let outcome = |outcome: Outcome| texts("outcome", vec![outcome.as_str().to_owned()]);
        Ok(if let Some(agent) = filter.agent_id {
            ids("agent_id", &[agent])
        } else if let Some(organization) = filter.organization_id {
            ids("organization_id", &[organization])
        } else if let Some(organizations) = scope.organizations() {
            ids("organization_id", organizations)
        } else if let Some(pattern) = &filter.actor_pattern {
            texts("actor_label", actors(connection, pattern).await?)
        } else if filter.outcome == Some(Outcome::Refused) {
            outcome(Outcome::Refused)
        } else if let Some(pattern) = &filter.action_pattern {
            texts("action", actions(connection, pattern).await?)
        } else {
            filter.outcome.and_then(outcome)
        })
    }
}

/// The actions in the log that a pattern matches: some dozens, each found by one step through the index.
async fn actions(connection: &mut PgConnection, pattern: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"WITH RECURSIVE known AS (
               (SELECT action FROM audit_log ORDER BY action LIMIT 1)
               UNION ALL
               SELECT (SELECT l.action FROM audit_log l WHERE l.action > known.action ORDER BY l.action LIMIT 1)
               FROM known WHERE known.action IS NOT NULL)
           SELECT action AS "action!" FROM known WHERE action LIKE $1"#,
        pattern
    )
    .fetch_all(connection)
    .await?)
}

/// The actors in the log that a pattern matches, found like [`actions`]: about as many as there are accounts.
async fn actors(connection: &mut PgConnection, pattern: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"WITH RECURSIVE known AS (
               (SELECT actor_label AS label FROM audit_log ORDER BY actor_label LIMIT 1)
               UNION ALL
               SELECT (SELECT l.actor_label FROM audit_log l WHERE l.actor_label > known.label
                       ORDER BY l.actor_label LIMIT 1)
               FROM known WHERE known.label IS NOT NULL)
           SELECT label AS "label!" FROM known WHERE label ILIKE $1"#,
        pattern
    )
    .fetch_all(connection)
    .await?)
}

/// Rows that the scope covers, newest first. The filter is the caller's, so the statement is put together at run time.
pub async fn list(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AuditFilter,
    page: &PageRequest<AuditKey>,
) -> Result<Vec<AuditEntry>> {
    let lead = Lead::choose(connection, scope, filter).await?;
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(
        "SELECT l.id, l.at, l.actor_kind, l.actor_id, l.actor_label, l.action, l.target_kind, l.target_id, l.target_label,
                l.organization_id, l.agent_id, l.outcome, l.detail, l.request_id, l.address,
                EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = l.id) AS sealed
         FROM ",
    );
    // The leading column stands in the bounds and in the order although it has one value there. Were it only compared,
    // Postgres would take the index by time where it believes the value to be common, and read past all that is newer.
    let (column, value, order) = match lead {
        Some(Lead { column, values }) => {
            query.push("unnest(");
            match values {
                Values::Ids(ids) => query.push_bind(ids),
                Values::Texts(texts) => query.push_bind(texts),
            };
            query.push(") lead (value) CROSS JOIN LATERAL ");
            (format!("l.{column}, "), "lead.value, ", format!("l.{column} DESC, "))
        }
        None => <_>::default(),
    };
    let first = AuditKey { at: filter.from.unwrap_or(DateTime::UNIX_EPOCH), id: i64::MIN };
    let last = AuditKey { at: filter.to.unwrap_or(DateTime::<Utc>::MAX_UTC), id: i64::MIN };
    query.push("(SELECT * FROM audit_log l WHERE true");
    for (comparison, key) in [(">=", first), ("<", page.after.unwrap_or(last))] {
        query.push(format!(" AND ({column}l.at, l.id) {comparison} ({value}"));
        query.push_bind(key.at).push(", ").push_bind(key.id).push(")");
    }
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
    if let Some(outcome) = filter.outcome {
        query.push(" AND l.outcome = ").push_bind(outcome);
    }
    query.push(format!(" ORDER BY {order}l.at DESC, l.id DESC LIMIT ")).push_bind(page.fetch());
    query.push(") l ORDER BY l.at DESC, l.id DESC LIMIT ").push_bind(page.fetch());
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
