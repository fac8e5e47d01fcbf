//! Use cases of commands.

use chrono::TimeDelta;
use gururmm_protocol::command::{RunCommand, summary};
use sqlx::PgConnection;
use uuid::Uuid;

pub use super::sweep::sweep;

use super::admission::{self, Refusal};
use super::idempotency::{self, Made};
use super::many::{self, Ordered};
use super::store::{self, Detail};
use super::store_link::{self, End};
use super::{Command, CommandFilter, CommandPermissions, CommandState, CommandSummary, MAX_OPEN_PER_AGENT, Output};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{self, Action, Actor, Permission, Resource};
use crate::core::page::{Page, PageRequest};
use crate::core::{Error, Result};
use crate::hub::bus::{AgentSignal, DashboardEvent};

/// What is ordered.
#[derive(Debug)]
pub struct Order {
    /// What the agent is to run.
    pub run: RunCommand,
    /// How long it may wait for the agent, in seconds.
    pub expires_in: i64,
    /// By which it is recognised when it is sent again.
    pub idempotency_key: Option<Uuid>,
}

/// Signs a command and queues it for its agent. It is durable when this returns. Sent again, it is answered with the
/// command that was made of it, and leaves no second trace in the audit log.
///
/// # Errors
/// 404 outside the scope, 403 when not permitted, 409 when the agent is not active or has too many open commands or
/// something else was ordered with the same key, 422 naming the field.
pub async fn create(app: &App, ctx: &Ctx, agent_id: Uuid, order: Order) -> Result<Command> {
    let Order { run, expires_in, idempotency_key } = order;
    let title = summary(&run.program);
    let mut work = Mutation::begin(app, ctx, "command.create", Target::unknown("command", &title)).await?;
    let id = app.env.id();
    let meaning = ("command", agent_id, &run, expires_in);
    match idempotency::claim(app, ctx, &mut work.tx, idempotency_key, &meaning, Made::Command(id)).await {
        Ok(None) => {}
        Ok(Some(earlier)) => return read(&mut work.tx, ctx, earlier).await,
        Err(error) => return work.finish(Err(error)).await,
    }
    let result = async {
        let found = store::lock_agents(&mut work.tx, &ctx.scope(), &[agent_id]).await?;
        let agent = found.first().ok_or(Error::NotFound("agent"))?;
        work.entry.agent_id = Some(agent.id);
        work.entry.organization_id = Some(agent.organization_id);
        work.note("agent", agent.name.as_str());
        work.note("secret_names", run.secrets.keys().cloned().collect::<Vec<_>>());
        authz::require(&ctx.actor, Action::Command, agent.resource(), "agent")?;
        admission::check(&run, expires_in)?;
        let is_full = !store::full(&mut work.tx, &[agent_id], MAX_OPEN_PER_AGENT).await?.is_empty();
        if let Some(Refusal { code, words }) = agent.obstacle(is_full) {
            return Err(Error::conflict(code, words));
        }
        let expires_at = app.env.now() + TimeDelta::seconds(expires_in);
        let ordered = Ordered { title: &title, run, expires_at, run_id: None };
        many::make(app, ctx, &mut work.tx, &[(id, agent)], &ordered).await?;
        work.entry.target.id = Some(id);
        // Read before the commit: after it, nothing may fail that would invite the caller to order the same again.
        read(&mut work.tx, ctx, id).await
    }
    .await;
    work.finish_then(result, tell).await
}

/// Tells of a command that was made or cancelled: the session of its agent, and the dashboards.
async fn tell(app: App, command: Command) -> Command {
    let CommandSummary { id: command_id, agent_id, organization_id, .. } = command.summary;
    app.hub.bus.signal_agent(agent_id, AgentSignal::Work).await;
    app.hub.bus.publish(DashboardEvent::Command { command_id, agent_id, organization_id }).await;
    command
}

const fn resource(organization: Uuid, server_host: bool) -> Resource {
    Resource::Agent { organization, server_host }
}

/// Stops a command: at once while it waits, else by a signed order to the agent. Asking twice changes nothing.
///
/// # Errors
/// 404 outside the scope, 403 when not permitted, 409 when it is already over.
pub async fn cancel(app: &App, ctx: &Ctx, id: Uuid) -> Result<Command> {
    let mut work = Mutation::begin(app, ctx, "command.cancel", Target::new("command", id, "")).await?;
    let result = async {
        let detail = store::detail(&mut work.tx, &ctx.scope(), id).await?.ok_or(Error::NotFound("command"))?;
        let CommandSummary { agent_id, organization_id, .. } = detail.summary;
        work.entry.target.label.clone_from(&detail.summary.summary);
        work.entry.agent_id = Some(agent_id);
        work.entry.organization_id = Some(organization_id);
        work.note("agent", detail.summary.agent_name.as_str());
        authz::require(&ctx.actor, Action::Command, resource(organization_id, detail.server_host), "command")?;
        let command = store_link::lock(&mut work.tx, agent_id, &[id]).await?;
        many::cancel(app, &mut work.tx, &command).await?;
        read(&mut work.tx, ctx, id).await
    }
    .await;
    work.finish_then(result, tell).await
}

/// A command.
///
/// # Errors
/// 404 outside the scope.
pub async fn get(app: &App, ctx: &Ctx, id: Uuid) -> Result<Command> {
    let mut connection = app.db.acquire().await?;
    read(&mut connection, ctx, id).await
}

async fn read(connection: &mut PgConnection, ctx: &Ctx, id: Uuid) -> Result<Command> {
    let detail = store::detail(connection, &ctx.scope(), id).await?.ok_or(Error::NotFound("command"))?;
    Ok(command(detail, &ctx.actor))
}

fn command(detail: Detail, actor: &Actor) -> Command {
    let summary = detail.summary;
    let obstacle = if summary.state.is_end() {
        Some("the command is already over")
    } else if detail.cancel_requested_at.is_some() {
        Some("cancelling was asked for already; the agent has not answered yet")
    } else {
        None
    };
    let may = Permission::of(actor, Action::Command, resource(summary.organization_id, detail.server_host));
    Command {
        summary,
        program: detail.spec.program.into(),
        timeout_seconds: detail.spec.timeout_seconds,
        output_limit_bytes: detail.spec.output_limit_bytes,
        working_directory: detail.spec.working_directory,
        environment: detail.spec.environment,
        secret_names: detail.spec.secrets.into_keys().collect(),
        run_id: detail.run_id,
        signal: detail.signal,
        reason: detail.reason,
        cancel_requested_at: detail.cancel_requested_at,
        output_chunks: u32::try_from(detail.output_chunks).unwrap_or(0),
        output_dropped_bytes: u64::try_from(detail.output_dropped_bytes).unwrap_or(0),
        late_result: detail.late_result,
        permissions: CommandPermissions { cancel: may.unless(obstacle) },
    }
}

/// Commands within the scope, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    filter: &CommandFilter,
    page: &PageRequest<Uuid>,
) -> Result<Page<CommandSummary>> {
    let mut connection = app.db.acquire().await?;
    let rows = store::list(&mut connection, &ctx.scope(), filter, page).await?;
    Ok(page.page(rows, |row| row.id))
}

/// Commands of one agent, newest first.
///
/// # Errors
/// 404 when the agent is outside the scope.
pub async fn list_of_agent(
    app: &App,
    ctx: &Ctx,
    agent_id: Uuid,
    state: Option<CommandState>,
    page: &PageRequest<Uuid>,
) -> Result<Page<CommandSummary>> {
    let visible = store::agent_visible(&mut *app.db.acquire().await?, &ctx.scope(), agent_id).await?;
    if !visible {
        return Err(Error::NotFound("agent"));
    }
    list(app, ctx, &CommandFilter { state, agent_id: Some(agent_id), ..CommandFilter::default() }, page).await
}

/// Output of a command after chunk `after`.
///
/// # Errors
/// 404 outside the scope.
pub async fn output(app: &App, ctx: &Ctx, id: Uuid, after: Option<u32>, limit: u32) -> Result<Output> {
    let mut connection = app.db.acquire().await?;
    // The state first: when it says that the command is over, all of its output is there.
    let state = store::state(&mut connection, &ctx.scope(), id).await?.ok_or(Error::NotFound("command"))?;
    let from = after.map(|after| i32::try_from(after).unwrap_or(i32::MAX));
    let mut chunks = store::output(&mut connection, id, from, i64::from(limit) + 1).await?;
    let more = chunks.len() > limit as usize;
    chunks.truncate(limit as usize);
    let next_after = chunks.last().map(|chunk| chunk.index).or(after);
    Ok(Output { chunks, next_after, complete: state.is_end() && !more })
}

/// Cancels what an agent still has waiting, in the caller's transaction (the agent is being decommissioned or merged);
/// answers the commands, for [`DashboardEvent::Command`] after the commit.
///
/// # Errors
/// When the database cannot be reached.
pub async fn cancel_all_queued(
    app: &App,
    connection: &mut PgConnection,
    agent_id: Uuid,
    reason: &str,
) -> Result<Vec<Uuid>> {
    let ids = store_link::lock_all_queued(connection, agent_id).await?;
    let end = End { reason: Some(reason), finished_at: app.env.now(), ..End::default() };
    store_link::end(connection, &ids, CommandState::Cancelled, &end).await?;
    Ok(ids)
}

/// Ends what an agent was sent and has not ended, in the caller's transaction: another machine, or a data directory that
/// may be a fresh one, stands behind the record from now on. Its journal would answer that it never had them, and they
/// would run a second time. Answers the commands, for [`DashboardEvent::Command`] after the commit.
///
/// # Errors
/// When the database cannot be reached.
pub async fn give_up_outstanding(
    app: &App,
    connection: &mut PgConnection,
    agent_id: Uuid,
    reason: &str,
) -> Result<Vec<Uuid>> {
    let ids = store_link::lock_outstanding(connection, agent_id).await?;
    let end = End { reason: Some(reason), finished_at: app.env.now(), ..End::default() };
    store_link::end(connection, &ids, CommandState::Unknown, &end).await?;
    Ok(ids)
}
