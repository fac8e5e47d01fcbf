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
    pub sort_name: String,
    pub state: AgentState,
    pub server_host: bool,
}

/// These agents as far as the scope covers them, by id. Other new commands and claims of them wait until the transaction
/// ends. Locked in the order of their ids, as by everybody, so that two callers cannot wait for each other.
pub async fn lock_agents(connection: &mut PgConnection, scope: &Scope, ids: &[Uuid]) -> Result<Vec<Agent>> {
    Ok(sqlx::query_as!(
        Agent,
        r#"SELECT id, organization_id, name, sort_name, state AS "state: AgentState", server_host FROM agents
           WHERE id = ANY($1) AND ($2::uuid[] IS NULL OR organization_id = ANY($2)) ORDER BY id FOR NO KEY UPDATE"#,
        ids,
        scope.organizations()
    )
    .fetch_all(connection)
    .await?)
}

/// These agents by id, as they are now.
pub async fn agents(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Agent>> {
    Ok(sqlx::query_as!(
        Agent,
        r#"SELECT id, organization_id, name, sort_name, state AS "state: AgentState", server_host FROM agents
           WHERE id = ANY($1) ORDER BY id"#,
        ids
    )
    .fetch_all(connection)
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

/// Which of these agents have so many commands that have not ended, or more.
pub async fn full(connection: &mut PgConnection, agents: &[Uuid], most: i64) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT agent_id FROM commands WHERE agent_id = ANY($1) AND state IN ('queued', 'sent', 'running')
         GROUP BY agent_id HAVING count(*) >= $2",
        agents,
        most
    )
    .fetch_all(connection)
    .await?)
}

/// A command for one agent, as it is stored.
pub struct Sealed {
    pub id: Uuid,
    pub agent_id: Uuid,
    pub organization_id: Uuid,
    pub header: String,
    pub signature: Vec<u8>,
    pub payload_sealed: Vec<u8>,
}

/// New commands that differ in nothing but the agent.
pub struct NewCommands<'a> {
    pub commands: &'a [Sealed],
    pub run_id: Option<Uuid>,
    pub summary: &'a str,
    pub spec: &'a Value,
    pub timeout_seconds: u32,
    pub requested_by: Option<Uuid>,
    pub requested_by_label: &'a str,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub epoch: i32,
}

pub async fn insert(connection: &mut PgConnection, new: &NewCommands<'_>) -> Result<()> {
    let column = |id: fn(&Sealed) -> Uuid| new.commands.iter().map(id).collect::<Vec<_>>();
    let bytes = |value: fn(&Sealed) -> &Vec<u8>| new.commands.iter().map(value).cloned().collect::<Vec<_>>();
    let headers: Vec<_> = new.commands.iter().map(|command| command.header.clone()).collect();
    sqlx::query!(
        "INSERT INTO commands (id, agent_id, organization_id, state, run_id, summary, spec, timeout_seconds, requested_by,
                               requested_by_label, created_at, expires_at, epoch, header, signature, payload_sealed)
         SELECT c.id, c.agent_id, c.organization_id, 'queued', $1, $2, $3, $4, $5, $6, $7, $8, $9, c.header, c.signature,
                c.payload_sealed
         FROM unnest($10::uuid[], $11::uuid[], $12::uuid[], $13::text[], $14::bytea[], $15::bytea[])
              AS c(id, agent_id, organization_id, header, signature, payload_sealed)",
        new.run_id,
        new.summary,
        new.spec,
        i32::try_from(new.timeout_seconds).map_err(Error::internal)?,
        new.requested_by,
        new.requested_by_label,
        new.created_at,
        new.expires_at,
        new.epoch,
        &column(|command| command.id),
        &column(|command| command.agent_id),
        &column(|command| command.organization_id),
        &headers,
        &bytes(|command| &command.signature),
        &bytes(|command| &command.payload_sealed)
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
    pub run_id: Option<Uuid>,
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
                  c.state AS "state: CommandState", c.requested_by_label, c.created_at, c.sent_at, c.started_at, c.finished_at, c.expires_at, c.exit_code, c.spec, c.run_id, c.signal,
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
        run_id: row.run_id,
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
