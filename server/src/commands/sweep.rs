//! Ends commands of which nothing more can come.

use super::store_link::{self, End};
use super::store_sweep::{self, Overdue, Silent};
use super::{CommandState, PATIENCE, link};
use crate::app::App;
use crate::core::Result;
use crate::hub::bus::DashboardEvent;

/// Commands ended in one transaction.
const BATCH: i64 = 500;
/// Batches of one kind in one pass; the next pass goes on.
const MAX_BATCHES: usize = 20;

/// Ends what is overdue: queued commands past their expiry, and those that an agent had and never ended.
///
/// # Errors
/// When the database cannot be reached; what was ended so far stays so.
pub async fn sweep(app: &App) -> Result<()> {
    for silent in Silent::ALL {
        for _ in 0..MAX_BATCHES {
            let ended = end_batch(app, silent).await?;
            if ended < BATCH {
                break;
            }
        }
    }
    Ok(())
}

/// How such a command ends, and why.
const fn verdict(silent: Silent) -> (CommandState, &'static str) {
    match silent {
        Silent::Queued => (CommandState::Expired, "the agent did not connect before the command expired"),
        Silent::Sent => (
            CommandState::Unknown,
            "it was sent, and the agent did not say until long after its expiry whether it had it",
        ),
        Silent::Running => {
            (CommandState::Unknown, "the command's time was up long ago, and the agent did not bring its result")
        }
        Silent::AgentGone => (CommandState::Unknown, "the agent was decommissioned before it brought the result"),
    }
}

async fn end_batch(app: &App, silent: Silent) -> Result<i64> {
    let now = app.env.now();
    let mut tx = app.db.begin().await?;
    let overdue = store_sweep::lock_overdue(&mut tx, silent, now, PATIENCE, BATCH).await?;
    if overdue.is_empty() {
        return Ok(0);
    }
    let ids: Vec<_> = overdue.iter().map(|command| command.id).collect();
    let (state, reason) = verdict(silent);
    let end = End { reason: Some(reason), finished_at: now, ..End::default() };
    store_link::end(&mut tx, &ids, state, &end).await?;
    tx.commit().await?;
    metrics::counter!("commands_given_up_total", "state" => state.as_str()).increment(ids.len() as u64);
    let event = |Overdue { id, agent_id, organization_id }| DashboardEvent::Command {
        command_id: id,
        agent_id,
        organization_id,
    };
    let ended = i64::try_from(overdue.len()).unwrap_or(i64::MAX);
    link::publish(app, overdue.into_iter().map(event).collect()).await;
    Ok(ended)
}
