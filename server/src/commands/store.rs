//! SQL of commands as people see them.

use chrono::{DateTime, Utc};
use gururmm_protocol::command::RunCommand;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{CommandFilter, CommandState, CommandSummary, LateResult, OutputChunk, OutputStream};
use crate::agents::view::AgentState;
use crate::authz::Scope;
use crate::core::page::PageRequest;
use crate::core::{Error, Result};

/// What commanding an agent depends on.
pub struct Agent {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub name: String,
    pub state: AgentState,
    pub server_host: bool,
}

/// An agent within the scope. Other new commands and claims of the agent wait until the transaction ends.
pub async fn lock_agent(connection: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<Option<Agent>> {
    Ok(sqlx::query_as!(
        Agent,
        r#"SELECT id, organization_id, name, state AS "state: AgentState", server_host FROM agents
           WHERE id = $1 AND ($2::uuid[] IS NULL OR organization_id = ANY($2)) FOR NO KEY UPDATE"#,
        id,
        scope.organizations()
    )
    .fetch_optional(connection)
    .await?)
}

/// Whether an agent is within the scope.
pub async fn agent_visible(connection: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM agents
                          WHERE id = $1 AND ($2::uuid[] IS NULL OR organization_id = ANY($2))) AS "visible!""#,
        id,
        scope.organizations()
    )
    .fetch_one(connection)
    .await?)
}

/// Commands of an agent that have not ended.
pub async fn count_open(connection: &mut PgConnection, agent_id: Uuid) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "open!" FROM commands WHERE agent_id = $1 AND state IN ('queued', 'sent', 'running')"#,
        agent_id
    )
    .fetch_one(connection)
    .await?)
}

/// A new command.
pub struct NewCommand<'a> {
    pub id: Uuid,
    pub agent_id: Uuid,
    pub organization_id: Uuid,
    pub summary: &'a str,
    pub spec: &'a Value,
    pub timeout_seconds: u32,
    pub requested_by: Option<Uuid>,
    pub requested_by_label: &'a str,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub epoch: i32,
    pub header: &'a str,
    pub signature: &'a [u8],
    pub payload_sealed: &'a [u8],
}

pub async fn insert(connection: &mut PgConnection, command: &NewCommand<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO commands (id, agent_id, organization_id, state, summary, spec, timeout_seconds, requested_by,
                               requested_by_label, created_at, expires_at, epoch, header, signature, payload_sealed)
         VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        command.id,
        command.agent_id,
        command.organization_id,
        command.summary,
        command.spec,
        i32::try_from(command.timeout_seconds).map_err(Error::internal)?,
        command.requested_by,
        command.requested_by_label,
        command.created_at,
        command.expires_at,
        command.epoch,
        command.header,
        command.signature,
        command.payload_sealed
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The conditions on `commands c`, and the newest of what meets them.
fn push_newest(query: &mut QueryBuilder<Postgres>, scope: &Scope, filter: &CommandFilter, page: &PageRequest<Uuid>) {
    if let Some(organizations) = scope.organizations() {
        query.push(" AND c.organization_id = ANY(").push_bind(organizations.to_vec()).push(")");
    }
    if let Some(state) = filter.state {
        // Not bound: only so is it seen that an index for this state will do.
        query.push(" AND c.state = '").push(state.as_str()).push("'");
    }
    if let Some(agent_id) = filter.agent_id {
        query.push(" AND c.agent_id = ").push_bind(agent_id);
    }
    if let Some(organization_id) = filter.organization_id {
        query.push(" AND c.organization_id = ").push_bind(organization_id);
    }
    if let Some(after) = page.after {
        query.push(" AND c.id < ").push_bind(after);
    }
    query.push(" ORDER BY c.id DESC LIMIT ").push_bind(page.fetch());
}

/// Commands within the scope, newest first.
pub async fn list(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &CommandFilter,
    page: &PageRequest<Uuid>,
) -> Result<Vec<CommandSummary>> {
    // Only the filters that are set: one statement for all of them would be planned for none.
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT c.id, c.agent_id, a.name AS agent_name, c.organization_id, c.summary, c.state,
                c.requested_by_label AS requested_by, c.created_at, c.sent_at, c.started_at, c.finished_at, c.expires_at,
                c.exit_code",
    );
    // Of each of the places a page, by its index: what is rare or quiet would else be looked for among everybody's.
    if let Some(site_id) = filter.site_id {
        query.push(" FROM agents a CROSS JOIN LATERAL (SELECT * FROM commands c WHERE c.agent_id = a.id");
        push_newest(&mut query, scope, filter, page);
        query.push(") c WHERE a.site_id = ").push_bind(site_id);
        query.push(" ORDER BY c.id DESC LIMIT ").push_bind(page.fetch());
    } else if let (Some(organizations), None, None) = (scope.organizations(), filter.agent_id, filter.organization_id) {
        query.push(" FROM unnest(").push_bind(organizations.to_vec());
        query.push(") o(id) CROSS JOIN LATERAL (SELECT * FROM commands c WHERE c.organization_id = o.id");
        push_newest(&mut query, scope, filter, page);
        query.push(") c JOIN agents a ON a.id = c.agent_id ORDER BY c.id DESC LIMIT ").push_bind(page.fetch());
    } else {
        query.push(" FROM commands c JOIN agents a ON a.id = c.agent_id WHERE true");
        push_newest(&mut query, scope, filter, page);
    }
    Ok(query.build_query_as().fetch_all(connection).await?)
}

/// A command, whole, with what its permissions depend on.
pub struct Detail {
    pub summary: CommandSummary,
    pub spec: RunCommand,
    pub signal: Option<i32>,
    pub reason: Option<String>,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub output_chunks: i32,
    pub output_dropped_bytes: i64,
    pub late_result: Option<LateResult>,
    pub server_host: bool,
}

pub async fn detail(connection: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<Option<Detail>> {
    let row = sqlx::query!(
        r#"SELECT c.id, c.agent_id, a.name AS agent_name, c.organization_id, c.summary,
                  c.state AS "state: CommandState", c.requested_by_label, c.created_at, c.sent_at, c.started_at, c.finished_at, c.expires_at, c.exit_code, c.spec, c.signal,
                  c.reason, c.cancel_requested_at, c.output_dropped_bytes, c.late_result, a.server_host,
                  coalesce(c.output_chunks, (SELECT max(index) + 1 FROM command_output o WHERE o.command_id = c.id), 0)
                      AS "output_chunks!"
           FROM commands c JOIN agents a ON a.id = c.agent_id
           WHERE c.id = $1 AND ($2::uuid[] IS NULL OR c.organization_id = ANY($2))"#,
        id,
        scope.organizations()
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let late_result = row.late_result.map(serde_json::from_value).transpose().map_err(Error::internal)?;
    Ok(Some(Detail {
        summary: CommandSummary {
            id: row.id,
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            organization_id: row.organization_id,
            summary: row.summary,
            state: row.state,
            requested_by: row.requested_by_label,
            created_at: row.created_at,
            sent_at: row.sent_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            expires_at: row.expires_at,
            exit_code: row.exit_code,
        },
        spec: serde_json::from_value(row.spec).map_err(Error::internal)?,
        signal: row.signal,
        reason: row.reason,
        cancel_requested_at: row.cancel_requested_at,
        output_chunks: row.output_chunks,
        output_dropped_bytes: row.output_dropped_bytes,
        late_result,
        server_host: row.server_host,
    }))
}

/// The state of a command within the scope.
pub async fn state(connection: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<Option<CommandState>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT state AS "state: CommandState" FROM commands
           WHERE id = $1 AND ($2::uuid[] IS NULL OR organization_id = ANY($2))"#,
        id,
        scope.organizations()
    )
    .fetch_optional(connection)
    .await?)
}

/// Output of a command after a chunk, in order.
pub async fn output(
    connection: &mut PgConnection,
    id: Uuid,
    after: Option<i32>,
    limit: i64,
) -> Result<Vec<OutputChunk>> {
    sqlx::query!(
        "SELECT index, stream, text, received_at FROM command_output
         WHERE command_id = $1 AND index > $2 ORDER BY index LIMIT $3",
        id,
        after.unwrap_or(-1),
        limit
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        Ok(OutputChunk {
            index: u32::try_from(row.index).map_err(Error::internal)?,
            stream: if row.stream == "stderr" { OutputStream::Stderr } else { OutputStream::Stdout },
            text: row.text,
            received_at: row.received_at,
        })
    })
    .collect()
}
