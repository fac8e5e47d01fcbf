//! What the agent link needs of commands: what to send, and what to do with what an agent says.
//!
//! Who the agent is follows from its connection: every function takes that id, and touches only that agent's rows.

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandEvent, CommandResult, CommandStatus, Knowledge, OutputStream};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::envelope::{Refusal, SignedEnvelope};
use gururmm_protocol::limits;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lifecycle::{Event, Step, step};
use super::store_link::{self, Chunk, End, Locked};
use super::store_orders;
use super::{CommandState, LateResult, MAX_OUTSTANDING_PER_AGENT, PATIENCE, SENT_SILENCE, orders};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::core::{Error, Result};
use crate::events::announce_output;
use crate::hub::bus::DashboardEvent;

/// Most chunks of output of one command.
const MAX_CHUNKS: u32 = 1_000_000;
/// What may be stored over a command's output limit, in bytes.
const OUTPUT_SLACK: i64 = 64 * 1024;

/// What the agent is told of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored for good, or known already.
    Stored,
    /// It never can be: not to be sent again, for this reason.
    Refused(String),
}

impl Verdict {
    fn refused(reason: &str) -> Self {
        metrics::counter!("agent_command_events_refused_total").increment(1);
        Self::Refused(reason.to_owned())
    }
}

/// Commands of this agent that were sent and have not ended: what a new connection asks about.
///
/// # Errors
/// When the database cannot be reached.
pub async fn open_commands(app: &App, agent_id: Uuid) -> Result<Vec<Uuid>> {
    let mut connection = app.db.acquire().await?;
    store_link::outstanding(&mut connection, agent_id).await
}

/// A command of which the agent should have been heard by now.
#[derive(Debug, Clone)]
pub struct SilentCommand {
    /// Its id.
    pub id: Uuid,
    /// It runs, for longer than it may; otherwise it was sent more than [`SENT_SILENCE`] ago and has not started.
    pub running: bool,
}

/// Commands of this agent that are silent for too long: what a living session asks about once more.
///
/// # Errors
/// When the database cannot be reached.
pub async fn silent(app: &App, agent_id: Uuid) -> Result<Vec<SilentCommand>> {
    let mut connection = app.db.acquire().await?;
    let now = app.env.now();
    store_link::silent(&mut connection, agent_id, now - SENT_SILENCE, now - PATIENCE).await
}

/// The session that something is to be sent to, by what it proved and said at its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The agent.
    pub agent_id: Uuid,
    /// The key that it proved.
    pub key: &'a PublicKey,
    /// The machine behind it.
    pub machine_id: &'a str,
}

/// Takes queued commands for sending: they are `sent`, and committed as such, when this returns. Ends those
/// that have expired, are void or cannot be opened. Gives nothing beyond [`MAX_OUTSTANDING_PER_AGENT`], and each command to one
/// caller only. Gives nothing to a session that is over: of an agent that is not active, by a key or on a machine that
/// is not the agent's any more, even where the session itself has not heard of it yet.
///
/// # Errors
/// When the database cannot be reached.
pub async fn claim(app: &App, to: Recipient<'_>) -> Result<Vec<SignedEnvelope>> {
    let agent_id = to.agent_id;
    let mut tx = app.db.begin().await?;
    let Some(server_host) = store_link::lock_recipient(&mut tx, to).await? else { return Ok(Vec::new()) };
    let (mut envelopes, mut events) = (Vec::new(), Vec::new());
    if server_host {
        events.extend(cancel_of_others(app, &mut tx, agent_id).await?);
    }
    let outstanding = i64::try_from(store_link::outstanding(&mut tx, agent_id).await?.len()).unwrap_or(i64::MAX);
    let free = MAX_OUTSTANDING_PER_AGENT.saturating_sub(outstanding);
    loop {
        let missing = free - i64::try_from(envelopes.len()).unwrap_or(i64::MAX);
        let batch = if missing > 0 { store_link::lock_queued(&mut tx, agent_id, missing).await? } else { Vec::new() };
        if batch.is_empty() {
            break;
        }
        let (now, mut sent) = (app.env.now(), Vec::new());
        for command in batch {
            let id = command.id;
            events.push(DashboardEvent::Command { command_id: id, agent_id, organization_id: command.organization_id });
            let opened = orders::unseal(app, id, command.header, &command.signature, &command.payload_sealed);
            let event = match &opened {
                Ok(envelope) if orders::is_void(app, envelope) => Event::Void,
                Ok(_) => Event::Claim,
                Err(error) => {
                    let cause = std::error::Error::source(error).map(ToString::to_string);
                    tracing::error!(command_id = %id, %agent_id, cause, "a stored command cannot be opened");
                    metrics::counter!("commands_unreadable_total").increment(1);
                    Event::Unreadable
                }
            };
            match (step(&command.facts, &event, now), opened) {
                (Step::Become(CommandState::Sent, _), Ok(envelope)) => {
                    sent.push(id);
                    envelopes.push(envelope);
                }
                (Step::Become(state, reason), _) => {
                    let end = End { reason: reason.as_deref(), finished_at: now, ..End::default() };
                    store_link::end(&mut tx, &[id], state, &end).await?;
                }
                _ => {}
            }
        }
        store_link::mark_sent(&mut tx, &sent, now).await?;
    }
    tx.commit().await?;
    publish(app, events).await;
    Ok(envelopes)
}

/// The host of the server is for `dev_admin` only, also for what was queued before it was known to be that: the agent
/// was marked since, or got another machine, or whoever asked lost the role.
async fn cancel_of_others(app: &App, connection: &mut PgConnection, agent_id: Uuid) -> Result<Vec<DashboardEvent>> {
    let commands = store_link::lock_queued_of_others(connection, agent_id).await?;
    let ids: Vec<Uuid> = commands.iter().map(|(id, _)| *id).collect();
    let reason = Some("the agent runs on the server's own host: only a dev_admin may command it");
    let end = End { reason, finished_at: app.env.now(), ..End::default() };
    store_link::end(connection, &ids, CommandState::Cancelled, &end).await?;
    let event = |(command_id, organization_id)| DashboardEvent::Command { command_id, agent_id, organization_id };
    Ok(commands.into_iter().map(event).collect())
}

/// Orders that this agent still has to be given (to cancel, to decommission itself), oldest first. Like [`claim`], it
/// gives nothing to a session that is over.
///
/// # Errors
/// When the database cannot be reached.
pub async fn orders(app: &App, to: Recipient<'_>) -> Result<Vec<SignedEnvelope>> {
    let agent_id = to.agent_id;
    let stored = {
        let mut connection = app.db.acquire().await?;
        store_orders::open(&mut connection, to, app.env.now()).await?
    };
    let open = |order: store_orders::StoredOrder| match orders::unseal(
        app,
        order.id,
        order.header,
        &order.signature,
        &order.payload_sealed,
    ) {
        Ok(envelope) => Some(envelope),
        Err(_) => {
            tracing::error!(order_id = %order.id, %agent_id, "a stored order cannot be opened; it is not sent");
            metrics::counter!("commands_unreadable_total").increment(1);
            None
        }
    };
    Ok(stored.into_iter().filter_map(open).filter(|order| !orders::is_void(app, order)).collect())
}

/// Stores a step in a command's life as the agent reports it. Bounds what came from the agent itself
/// ([`CommandEvent::bound`]): the caller need not, and must not do it a second time.
///
/// # Errors
/// When the database cannot be reached: the report stays unacknowledged and comes again.
pub async fn on_event(
    app: &App,
    agent_id: Uuid,
    organization_id: Uuid,
    command_id: Uuid,
    mut event: CommandEvent,
) -> Result<Verdict> {
    event.bound();
    let mut tx = app.db.begin().await?;
    let Some(command) = store_link::lock(&mut tx, agent_id, &[command_id]).await?.pop() else {
        tracing::warn!(%agent_id, %command_id, "an agent reports on a command that is not its own");
        return Ok(Verdict::refused("no such command of this agent"));
    };
    // The record that it was made for may have been merged into this one since.
    let agent_id = command.agent_id;
    let now = app.env.now();
    let applied = match &event {
        CommandEvent::Started { started_at } => started(&mut tx, &command, &Event::Started, *started_at, now).await?,
        CommandEvent::Output { index, stream, text } => {
            match started(&mut tx, &command, &Event::Output, now, now).await? {
                Applied::Refused(reason) => Applied::Refused(reason),
                Applied::Stored { changed, .. } => {
                    output(&mut tx, &command, *index, *stream, text, now).await?.and_changed(changed)
                }
            }
        }
        CommandEvent::Finished(result) => finished(&mut tx, &command, result, now).await?,
    };
    let Applied::Stored { changed, more_output } = applied else {
        tx.rollback().await?;
        return Ok(applied.verdict());
    };
    tx.commit().await?;
    if changed {
        publish(app, vec![DashboardEvent::Command { command_id, agent_id, organization_id }]).await;
    }
    if more_output {
        let event = DashboardEvent::CommandOutput { command_id, agent_id, organization_id };
        announce_output(app, command_id, event);
    }
    Ok(Verdict::Stored)
}

/// What an event did to the rows.
enum Applied {
    Stored { changed: bool, more_output: bool },
    Refused(&'static str),
}

impl Applied {
    const NOTHING: Self = Self::Stored { changed: false, more_output: false };
    const CHANGED: Self = Self::Stored { changed: true, more_output: false };

    fn and_changed(self, also: bool) -> Self {
        match self {
            Self::Stored { changed, more_output } => Self::Stored { changed: changed || also, more_output },
            Self::Refused(reason) => Self::Refused(reason),
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Stored { .. } => Verdict::Stored,
            Self::Refused(reason) => Verdict::refused(reason),
        }
    }
}

/// An agent's clock is not believed beyond what the server knows itself.
fn plausible(at: DateTime<Utc>, command: &Locked, now: DateTime<Utc>) -> DateTime<Utc> {
    at.clamp(command.created_at.min(now), now)
}

async fn started(
    connection: &mut PgConnection,
    command: &Locked,
    event: &Event<'_>,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Applied> {
    match step(&command.facts, event, now) {
        Step::Become(..) => {
            store_link::mark_running(connection, command.id, plausible(at, command, now)).await?;
            Ok(Applied::CHANGED)
        }
        Step::Refuse(reason) => Ok(Applied::Refused(reason)),
        Step::OrderCancel | Step::KeepLate | Step::Nothing => Ok(Applied::NOTHING),
    }
}

async fn output(
    connection: &mut PgConnection,
    command: &Locked,
    index: u32,
    stream: OutputStream,
    text: &str,
    now: DateTime<Utc>,
) -> Result<Applied> {
    // Every chunk holds at least one byte, so there are never more chunks than bytes.
    let most = MAX_CHUNKS.min(u32::try_from(command.output_limit_bytes).unwrap_or(MAX_CHUNKS));
    let Some(index) = i32::try_from(index).ok().filter(|_| index < most && !text.is_empty()) else {
        return Ok(Applied::Refused("the chunk is empty or its index is beyond the command's output limit"));
    };
    // Characters that were replaced while cleaning may take three bytes instead of one.
    let bound = command.output_limit_bytes * 3 + OUTPUT_SLACK;
    if command.output_bytes + i64::try_from(text.len()).unwrap_or(i64::MAX / 2) > bound {
        return Ok(Applied::Refused("the command's output limit is reached"));
    }
    let stream = match stream {
        OutputStream::Stdout => "stdout",
        OutputStream::Stderr => "stderr",
    };
    let chunk = Chunk { command_id: command.id, index, stream, text, received_at: now };
    let more_output = store_link::insert_chunk(connection, &chunk).await?;
    Ok(Applied::Stored { changed: false, more_output })
}

async fn finished(
    connection: &mut PgConnection,
    command: &Locked,
    result: &CommandResult,
    now: DateTime<Utc>,
) -> Result<Applied> {
    match step(&command.facts, &Event::Finished(result), now) {
        Step::Become(state, reason) => {
            let end = End {
                reason: reason.as_deref(),
                finished_at: plausible(result.finished_at, command, now),
                started_at: result.started_at.map(|at| plausible(at, command, now)),
                exit_code: result.exit_code,
                signal: result.signal,
                output_chunks: Some(i32::try_from(result.output_chunks).unwrap_or(i32::MAX)),
                output_dropped_bytes: i64::try_from(result.output_dropped_bytes).unwrap_or(i64::MAX),
            };
            if command.facts.state == CommandState::Unknown {
                store_link::unsettle(connection, command.id).await?;
            }
            store_link::end(connection, &[command.id], state, &end).await?;
            Ok(Applied::CHANGED)
        }
        Step::KeepLate if !command.has_late_result => {
            let late = serde_json::to_value(LateResult::new(result, now)).map_err(Error::internal)?;
            store_link::keep_late(connection, command.id, &late).await?;
            Ok(Applied::CHANGED)
        }
        Step::Refuse(reason) => Ok(Applied::Refused(reason)),
        Step::KeepLate | Step::OrderCancel | Step::Nothing => Ok(Applied::NOTHING),
    }
}

/// Takes an agent's answer about commands. Only [`Knowledge::NeverHad`] changes anything: of the others, events follow.
///
/// # Errors
/// When the database cannot be reached.
pub async fn on_status(app: &App, agent_id: Uuid, statuses: Vec<CommandStatus>) -> Result<()> {
    let never_had: Vec<Uuid> = statuses
        .into_iter()
        .filter(|status| status.knowledge == Knowledge::NeverHad)
        .map(|status| status.id)
        .take(limits::MAX_ITEMS)
        .collect();
    if never_had.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.begin().await?;
    let now = app.env.now();
    let mut events = Vec::new();
    let departed = store_link::lock_departed(&mut tx, agent_id, &never_had).await?;
    for command in store_link::lock(&mut tx, agent_id, &never_had).await? {
        let event = Event::NeverHad { departed: departed.contains(&command.agent_id) };
        let Step::Become(state, reason) = step(&command.facts, &event, now) else { continue };
        if state == CommandState::Queued {
            store_link::mark_queued(&mut tx, command.id).await?;
        } else {
            let end = End { reason: reason.as_deref(), finished_at: now, ..End::default() };
            store_link::end(&mut tx, &[command.id], state, &end).await?;
        }
        let (command_id, organization_id) = (command.id, command.organization_id);
        events.push(DashboardEvent::Command { command_id, agent_id, organization_id });
    }
    tx.commit().await?;
    publish(app, events).await;
    Ok(())
}

/// Takes an agent's refusal of an envelope: nothing was done. A refused command ends and is a security event, because
/// the server sends only what it signed itself.
///
/// # Errors
/// When the database cannot be reached.
pub async fn on_envelope_refused(app: &App, agent_id: Uuid, id: Uuid, refusal: Refusal) -> Result<()> {
    let (name, organization_id) = {
        let mut connection = app.db.acquire().await?;
        store_orders::refuse(&mut connection, agent_id, id, app.env.now()).await?;
        match store_link::agent_label(&mut connection, agent_id).await? {
            Some(label) => label,
            None => return Ok(()),
        }
    };
    let ctx = Ctx::agent(agent_id, name);
    let target = Target::new("command", id, "");
    let mut work = Mutation::begin(app, &ctx, "command.envelope_refused", target).await?;
    let Some(command) = store_link::lock(&mut work.tx, agent_id, &[id]).await?.pop() else { return Ok(()) };
    let now = app.env.now();
    let Step::Become(state, reason) = step(&command.facts, &Event::EnvelopeRefused(refusal), now) else {
        return Ok(());
    };
    work.entry.target.label.clone_from(&command.summary);
    work.entry.organization_id = Some(organization_id);
    work.entry.agent_id = Some(agent_id);
    work.note("refusal", refusal.to_string());
    work.note("state", state.as_str());
    let end = End { reason: reason.as_deref(), finished_at: now, ..End::default() };
    let result = store_link::end(&mut work.tx, &[id], state, &end).await;
    work.finish(result).await?;
    publish(app, vec![DashboardEvent::Command { command_id: id, agent_id, organization_id }]).await;
    Ok(())
}

pub(super) async fn publish(app: &App, events: Vec<DashboardEvent>) {
    for event in events {
        app.hub.bus.publish(event).await;
    }
}
