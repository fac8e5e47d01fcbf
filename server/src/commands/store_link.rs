//! SQL of a command's life: rows locked, moved and ended.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::CommandState;
use super::lifecycle::Facts;
use super::link::{Recipient, SilentCommand};
use crate::agents::view::AgentState;
use crate::core::{Error, Result};

/// A command as the rules see it, locked until the transaction ends.
pub struct Locked {
    pub id: Uuid,
    pub agent_id: Uuid,
    pub organization_id: Uuid,
    pub summary: String,
    pub facts: Facts,
    pub timeout_seconds: i32,
    pub output_limit_bytes: i64,
    pub output_bytes: i64,
    pub created_at: DateTime<Utc>,
    pub has_late_result: bool,
}

/// A row of [`Locked`].
struct LockedRow {
    id: Uuid,
    agent_id: Uuid,
    organization_id: Uuid,
    summary: String,
    state: CommandState,
    was_sent: bool,
    cancel_requested: bool,
    expires_at: DateTime<Utc>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    timeout_seconds: i32,
    output_bytes: i64,
    created_at: DateTime<Utc>,
    output_limit_bytes: i64,
    has_late_result: bool,
}

impl From<LockedRow> for Locked {
    fn from(row: LockedRow) -> Self {
        Self {
            id: row.id,
            agent_id: row.agent_id,
            organization_id: row.organization_id,
            summary: row.summary,
            facts: Facts {
                state: row.state,
                was_sent: row.was_sent,
                cancel_requested: row.cancel_requested,
                expires_at: row.expires_at,
                exit_code: row.exit_code,
                signal: row.signal,
            },
            timeout_seconds: row.timeout_seconds,
            output_limit_bytes: row.output_limit_bytes,
            output_bytes: row.output_bytes,
            created_at: row.created_at,
            has_late_result: row.has_late_result,
        }
    }
}

/// The commands among `ids` that belong to this agent, or to a record that was merged into it: its machine had them.
/// Locked, in the order of their ids, so that two callers cannot wait for each other.
pub async fn lock(connection: &mut PgConnection, agent_id: Uuid, ids: &[Uuid]) -> Result<Vec<Locked>> {
    let rows = sqlx::query_as!(
        LockedRow,
        r#"SELECT id, agent_id, organization_id, summary, state AS "state: CommandState",
                  sent_at IS NOT NULL AS "was_sent!",
                  cancel_requested_at IS NOT NULL AS "cancel_requested!",
                  expires_at, exit_code, signal, timeout_seconds, output_bytes, created_at,
                  (spec->>'output_limit_bytes')::bigint AS "output_limit_bytes!",
                  late_result IS NOT NULL AS "has_late_result!"
           FROM commands c
           WHERE id = ANY($2) AND (agent_id = $1 OR EXISTS (SELECT 1 FROM agents a
                                                            WHERE a.id = c.agent_id AND a.merged_into = $1))
           ORDER BY id FOR UPDATE OF c"#,
        agent_id,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The commands of a run on these agents that have not ended, locked in the order of their ids.
pub async fn lock_open_of_run(connection: &mut PgConnection, run_id: Uuid, agents: &[Uuid]) -> Result<Vec<Locked>> {
    let rows = sqlx::query_as!(
        LockedRow,
        r#"SELECT id, agent_id, organization_id, summary, state AS "state: CommandState",
                  sent_at IS NOT NULL AS "was_sent!",
                  cancel_requested_at IS NOT NULL AS "cancel_requested!",
                  expires_at, exit_code, signal, timeout_seconds, output_bytes, created_at,
                  (spec->>'output_limit_bytes')::bigint AS "output_limit_bytes!",
                  late_result IS NOT NULL AS "has_late_result!"
           FROM commands
           WHERE run_id = $1 AND agent_id = ANY($2) AND state IN ('queued', 'sent', 'running')
           ORDER BY id FOR UPDATE"#,
        run_id,
        agents
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Of the records that these commands of an agent were made for, those that are sent no more. None of them departs until
/// the transaction ends: who decommissions or merges it cancels then what waits.
pub async fn lock_departed(connection: &mut PgConnection, agent_id: Uuid, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let records = sqlx::query!(
        r#"SELECT a.id, a.state AS "state: AgentState" FROM agents a
           WHERE (a.id = $1 OR a.merged_into = $1) AND a.id IN (SELECT agent_id FROM commands WHERE id = ANY($2))
           ORDER BY a.id FOR SHARE OF a"#,
        agent_id,
        ids
    )
    .fetch_all(connection)
    .await?;
    let is_departed = |state| matches!(state, AgentState::Decommissioning | AgentState::Decommissioned);
    Ok(records.into_iter().filter(|record| is_departed(record.state)).map(|record| record.id).collect())
}

/// Holds up other claims, new commands, and changes of the agent's standing until the transaction ends. None when
/// nothing may be sent to this session now; otherwise whether the agent runs on the server's own host.
pub async fn lock_recipient(connection: &mut PgConnection, to: Recipient<'_>) -> Result<Option<bool>> {
    let agent = sqlx::query!(
        r#"SELECT state AS "state: AgentState", machine_id, server_host FROM agents WHERE id = $1 FOR NO KEY UPDATE"#,
        to.agent_id
    )
    .fetch_optional(&mut *connection)
    .await?
    .filter(|agent| agent.state == AgentState::Active && agent.machine_id == to.machine_id);
    let Some(agent) = agent else { return Ok(None) };
    // A statement of its own: the one above may have waited for a change that took the key away, and of other tables
    // than the locked one it would have seen what was before.
    let is_current = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM agent_keys
                          WHERE public_key = $1 AND agent_id = $2 AND revoked_at IS NULL) AS "is_current!""#,
        to.key.as_bytes(),
        to.agent_id
    )
    .fetch_one(connection)
    .await?;
    Ok(is_current.then_some(agent.server_host))
}

/// Queued commands that were asked for by somebody who is not `dev_admin` now, locked, with their organizations.
pub async fn lock_queued_of_others(connection: &mut PgConnection, agent_id: Uuid) -> Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        "SELECT id, organization_id FROM commands c WHERE agent_id = $1 AND state = 'queued' AND NOT EXISTS (
             SELECT 1 FROM users u WHERE u.id = c.requested_by AND u.role = 'dev_admin')
         ORDER BY id FOR UPDATE OF c",
        agent_id
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.organization_id)).collect())
}

/// Commands of an agent that were sent and have not ended, locked.
pub async fn lock_outstanding(connection: &mut PgConnection, agent_id: Uuid) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM commands WHERE agent_id = $1 AND state IN ('sent', 'running') ORDER BY id FOR UPDATE",
        agent_id
    )
    .fetch_all(connection)
    .await?)
}

/// Commands of an agent that were sent and have not ended, oldest first.
pub async fn outstanding(connection: &mut PgConnection, agent_id: Uuid) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM commands WHERE agent_id = $1 AND state IN ('sent', 'running') ORDER BY id",
        agent_id
    )
    .fetch_all(connection)
    .await?)
}

/// Commands that were sent before `sent_before`, or that should have ended before `due_before`.
pub async fn silent(
    connection: &mut PgConnection,
    agent_id: Uuid,
    sent_before: DateTime<Utc>,
    due_before: DateTime<Utc>,
) -> Result<Vec<SilentCommand>> {
    Ok(sqlx::query_as!(
        SilentCommand,
        r#"SELECT id, state = 'running' AS "running!" FROM commands
           WHERE agent_id = $1 AND state IN ('sent', 'running')
             AND (state = 'sent' AND sent_at <= $2
                  OR state = 'running' AND started_at + make_interval(secs => timeout_seconds) <= $3)
           ORDER BY id"#,
        agent_id,
        sent_before,
        due_before
    )
    .fetch_all(connection)
    .await?)
}

/// A queued command with its stored envelope, locked.
pub struct Queued {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub facts: Facts,
    pub header: String,
    pub signature: Vec<u8>,
    pub payload_sealed: Vec<u8>,
}

/// The oldest queued commands of an agent, locked.
pub async fn lock_queued(connection: &mut PgConnection, agent_id: Uuid, limit: i64) -> Result<Vec<Queued>> {
    let rows = sqlx::query!(
        "SELECT id, organization_id, expires_at, header, signature, payload_sealed FROM commands
         WHERE agent_id = $1 AND state = 'queued' ORDER BY id LIMIT $2 FOR UPDATE",
        agent_id,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Queued {
            id: row.id,
            organization_id: row.organization_id,
            facts: Facts {
                state: CommandState::Queued,
                was_sent: false,
                cancel_requested: false,
                expires_at: row.expires_at,
                exit_code: None,
                signal: None,
            },
            header: row.header,
            signature: row.signature,
            payload_sealed: row.payload_sealed,
        })
        .collect())
}

/// Marks commands as sent.
pub async fn mark_sent(connection: &mut PgConnection, ids: &[Uuid], at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE commands SET state = 'sent', sent_at = $2, reason = NULL WHERE id = ANY($1)", ids, at)
        .execute(connection)
        .await?;
    Ok(())
}

/// A sent command that the agent never had waits again.
pub async fn mark_queued(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("UPDATE commands SET state = 'queued', sent_at = NULL WHERE id = $1", id).execute(connection).await?;
    Ok(())
}

/// The agent runs it.
pub async fn mark_running(connection: &mut PgConnection, id: Uuid, started_at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE commands SET state = 'running', started_at = $2 WHERE id = $1", id, started_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// How commands end.
#[derive(Default)]
pub struct End<'a> {
    pub reason: Option<&'a str>,
    pub finished_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub output_chunks: Option<i32>,
    pub output_dropped_bytes: i64,
}

/// Ends commands. Orders to stop them have nothing more to do.
pub async fn end(connection: &mut PgConnection, ids: &[Uuid], state: CommandState, end: &End<'_>) -> Result<()> {
    sqlx::query!(
        "WITH orders AS (UPDATE agent_envelopes SET done_at = $4 WHERE command_id = ANY($1) AND done_at IS NULL)
         UPDATE commands SET state = $2, reason = $3, finished_at = $4, started_at = coalesce(started_at, $5),
                exit_code = $6, signal = $7, output_chunks = $8, output_dropped_bytes = $9
         WHERE id = ANY($1)",
        ids,
        state.as_str(),
        end.reason,
        end.finished_at,
        end.started_at,
        end.exit_code,
        end.signal,
        end.output_chunks,
        end.output_dropped_bytes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What is heard after all of a command of which nothing more was expected is to be counted anew in its run. The run's part
/// stays unsettled until this transaction ends. Many late results share it: only the first after a settling writes, and the
/// others wait for nobody.
///
/// # Errors
/// When the database cannot be reached, or settlings came in between each time.
pub async fn unsettle(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    // Each statement looks again after it waited, so the part is held in one of them unless it was settled in between.
    for _ in 0..3 {
        let shared = sqlx::query_scalar!(
            "SELECT 1 FROM command_run_organizations ro JOIN commands c ON c.run_id = ro.run_id
                                                                       AND c.organization_id = ro.organization_id
             WHERE c.id = $1 AND ro.ended_at IS NULL FOR SHARE OF ro",
            id
        )
        .fetch_optional(&mut *connection)
        .await?;
        if shared.is_some() {
            return Ok(());
        }
        let written = sqlx::query_scalar!(
            r#"WITH part AS (SELECT run_id, organization_id FROM commands WHERE id = $1 AND run_id IS NOT NULL),
                    written AS (
                   UPDATE command_run_organizations ro
                   SET ended_at = NULL, succeeded = NULL, failed = NULL, timed_out = NULL, cancelled = NULL,
                       expired = NULL, unknown = NULL
                   FROM part WHERE ro.run_id = part.run_id AND ro.organization_id = part.organization_id
                               AND ro.ended_at IS NOT NULL
                   RETURNING 1)
               SELECT EXISTS (SELECT 1 FROM written) OR NOT EXISTS (
                   SELECT 1 FROM command_run_organizations ro JOIN part USING (run_id, organization_id)) AS "done!""#,
            id
        )
        .fetch_one(&mut *connection)
        .await?;
        if written {
            return Ok(());
        }
    }
    Err(Error::internal("a run was settled each time that a late result of it was taken"))
}

/// Keeps a result that came after another end.
pub async fn keep_late(connection: &mut PgConnection, id: Uuid, late: &Value) -> Result<()> {
    sqlx::query!("UPDATE commands SET late_result = $2 WHERE id = $1 AND late_result IS NULL", id, late)
        .execute(connection)
        .await?;
    Ok(())
}

/// One chunk of output.
pub struct Chunk<'a> {
    pub command_id: Uuid,
    pub index: i32,
    pub stream: &'static str,
    pub text: &'a str,
    pub received_at: DateTime<Utc>,
}

/// Stores a chunk once; whether it is new.
pub async fn insert_chunk(connection: &mut PgConnection, chunk: &Chunk<'_>) -> Result<bool> {
    let stored = sqlx::query!(
        "WITH stored AS (
             INSERT INTO command_output (command_id, index, stream, text, received_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING RETURNING octet_length(text) AS bytes)
         UPDATE commands SET output_bytes = output_bytes + stored.bytes FROM stored WHERE id = $1",
        chunk.command_id,
        chunk.index,
        chunk.stream,
        chunk.text,
        chunk.received_at
    )
    .execute(connection)
    .await?;
    Ok(stored.rows_affected() > 0)
}

/// Remembers that somebody asked to cancel commands that their agents may have.
pub async fn mark_cancel_requested(connection: &mut PgConnection, ids: &[Uuid], at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE commands SET cancel_requested_at = $2 WHERE id = ANY($1)", ids, at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Queued commands of an agent, locked.
pub async fn lock_all_queued(connection: &mut PgConnection, agent_id: Uuid) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM commands WHERE agent_id = $1 AND state = 'queued' ORDER BY id FOR UPDATE",
        agent_id
    )
    .fetch_all(connection)
    .await?)
}

/// Name and organization of an agent, for the audit log.
pub async fn agent_label(connection: &mut PgConnection, agent_id: Uuid) -> Result<Option<(String, Uuid)>> {
    Ok(sqlx::query!("SELECT name, organization_id FROM agents WHERE id = $1", agent_id)
        .fetch_optional(connection)
        .await?
        .map(|row| (row.name, row.organization_id)))
}
