//! Commands made and cancelled, one or many at once: signed off the threads that serve requests, stored some hundreds at
//! a time, in the caller's transaction.

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::command::RunCommand;
use gururmm_protocol::envelope::{Action as Order, SignedEnvelope};
use gururmm_protocol::limits;
use gururmm_protocol::message::ToAgent;
use sqlx::PgConnection;
use uuid::Uuid;

use super::lifecycle::{Event, Step, step};
use super::store::{self, Agent, NewCommands, Sealed};
use super::store_link::{self, End, Locked};
use super::store_orders::{self, NewOrder};
use super::{CommandState, PATIENCE, orders};
use crate::app::{App, Ctx};
use crate::core::{Error, Result};

/// Commands signed and stored at once: bounds the memory that a large run takes.
const CHUNK: usize = 500;

/// What is ordered, the same for every agent.
pub struct Ordered<'a> {
    /// One line that stands for the program.
    pub title: &'a str,
    /// What is to be executed.
    pub run: RunCommand,
    /// It does not start after this.
    pub expires_at: DateTime<Utc>,
    /// The run that the commands are part of.
    pub run_id: Option<Uuid>,
}

/// Makes a command for each of these agents, which the caller has locked and found fit: of this id.
///
/// # Errors
/// 422 when the command is too long for a message; when the database cannot be reached.
pub async fn make(
    app: &App,
    ctx: &Ctx,
    connection: &mut PgConnection,
    commands: &[(Uuid, &Agent)],
    ordered: &Ordered<'_>,
) -> Result<()> {
    let spec = serde_json::to_value(ordered.run.redacted()).map_err(Error::internal)?;
    let (_, requested_by, requested_by_label) = ctx.actor.record();
    let created_at = app.env.now();
    for chunk in commands.chunks(CHUNK) {
        let (owned, run, expires_at) = (app.clone(), ordered.run.clone(), ordered.expires_at);
        let chunk: Vec<_> = chunk.iter().map(|(id, agent)| (*id, agent.id, agent.organization_id)).collect();
        let seal = move || chunk.iter().map(|ids| seal(&owned, *ids, run.clone(), expires_at)).collect();
        let commands: Vec<Sealed> = off_thread(seal).await?;
        let new = NewCommands {
            commands: &commands,
            run_id: ordered.run_id,
            summary: ordered.title,
            spec: &spec,
            timeout_seconds: ordered.run.timeout_seconds,
            requested_by,
            requested_by_label,
            created_at,
            expires_at,
            epoch: app.epoch,
        };
        store::insert(connection, &new).await?;
    }
    Ok(())
}

/// Signing takes some ten microseconds each, and a debug build much longer.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn seal(
    app: &App,
    (id, agent_id, organization_id): (Uuid, Uuid, Uuid),
    run: RunCommand,
    expires_at: DateTime<Utc>,
) -> Result<Sealed> {
    let envelope = orders::seal(app, id, agent_id, Order::RunCommand(run), expires_at)?;
    check_size(&envelope)?;
    Ok(Sealed {
        id,
        agent_id,
        organization_id,
        payload_sealed: app.keys.vault.seal(&app.env, id.as_bytes(), envelope.payload.as_bytes())?,
        header: envelope.header,
        signature: envelope.signature.as_bytes().to_vec(),
    })
}

/// Every field may be within its bound and the whole still too long for one message.
fn check_size(envelope: &SignedEnvelope) -> Result<()> {
    let message = ToAgent::Envelope(envelope.clone()).encode().map_err(Error::internal)?;
    if message.len() > limits::MAX_MESSAGE {
        let problem = format!(
            "the command is too large to be sent: {} bytes with everything in it, at most {} are possible",
            message.len(),
            limits::MAX_MESSAGE
        );
        return Err(Error::invalid("program", problem));
    }
    Ok(())
}

/// Stops commands that the caller has locked: those that wait at once, the others by signed orders to their agents. What
/// was asked to stop before stays as it is.
///
/// # Errors
/// 409 when one of them is already over; when the database cannot be reached.
pub async fn cancel(app: &App, connection: &mut PgConnection, commands: &[Locked]) -> Result<()> {
    let now = app.env.now();
    // Waiting commands all end the same way.
    let mut ends: Option<(CommandState, Option<String>)> = None;
    let (mut ended, mut ordered) = (Vec::new(), Vec::new());
    for command in commands {
        match step(&command.facts, &Event::Cancel, now) {
            Step::Become(state, reason) => {
                ends.get_or_insert_with(|| (state, reason.map(std::borrow::Cow::into_owned)));
                ended.push(command.id);
            }
            Step::OrderCancel => ordered.push((command.id, command.agent_id, last_moment(command, now))),
            Step::Refuse(reason) => {
                let detail = format!("{reason}: {}", command.facts.state.as_str());
                return Err(Error::conflict("command_over", detail));
            }
            Step::KeepLate | Step::Nothing => {}
        }
    }
    if let Some((state, reason)) = ends {
        let end = End { reason: reason.as_deref(), finished_at: now, ..End::default() };
        store_link::end(connection, &ended, state, &end).await?;
    }
    for chunk in ordered.chunks(CHUNK) {
        let (owned, chunk) = (app.clone(), chunk.to_vec());
        let sign = move || chunk.into_iter().map(|order| cancel_order(&owned, order, now)).collect();
        let orders: Vec<NewOrder> = off_thread(sign).await?;
        store_orders::insert(connection, &orders).await?;
    }
    let asked: Vec<Uuid> = ordered.iter().map(|(id, ..)| *id).collect();
    store_link::mark_cancel_requested(connection, &asked, now).await
}

fn cancel_order(
    app: &App,
    (command_id, agent_id, last): (Uuid, Uuid, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<NewOrder> {
    orders::new_order(app, agent_id, Order::CancelCommand { command_id }, now, last)
}

/// When the command is over in any case: an order to stop it is of use until then.
fn last_moment(command: &Locked, now: DateTime<Utc>) -> DateTime<Utc> {
    command.facts.expires_at.max(now) + TimeDelta::seconds(command.timeout_seconds.into()) + PATIENCE
}
