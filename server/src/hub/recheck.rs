//! Looks whether sessions have missed something: a signal is only a hint, and may be lost with whoever should have sent it.

use std::time::Duration;

use super::bus::AgentSignal;
use super::store::{self, Session};
use crate::app::App;
use crate::commands::{PATIENCE, SENT_SILENCE};
use crate::core::Result;

/// How often [`recheck`] is to be called.
pub const EVERY: Duration = Duration::from_secs(30);

/// Signals the sessions of this process whose agents have something waiting or a changed standing; to be called every
/// [`EVERY`].
///
/// # Errors
/// When the database cannot be reached.
pub async fn recheck(app: &App) -> Result<()> {
    let sessions: Vec<Session> = app
        .hub
        .sessions
        .registry
        .all()
        .iter()
        .map(|handle| Session {
            agent_id: handle.agent_id,
            key: handle.key,
            machine_id: handle.machine.machine_id.clone(),
        })
        .collect();
    if sessions.is_empty() {
        return Ok(());
    }
    let now = app.env.now();
    let behind = {
        let mut connection = app.db.acquire().await?;
        store::behind(&mut connection, &sessions, now, now - SENT_SILENCE, now - PATIENCE).await?
    };
    for agent_id in behind {
        app.hub.bus.signal_agent(agent_id, AgentSignal::Recheck).await;
    }
    Ok(())
}
