//! Presence: a leased row per agent, written in batches by the process that holds the socket.
//!
//! `agent_presence_effective` (migration 0004) is how rows are read: nothing is online without a valid lease.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::batch::Added;
use super::registry::Handle;
use super::{agents_changed, store};
use crate::app::App;
use crate::core::Result;

/// How long an online row counts without being renewed.
pub const LEASE: TimeDelta = TimeDelta::seconds(90);
/// How often [`renew`] is to be called.
pub const RENEW_EVERY: Duration = Duration::from_secs(30);
/// How often [`sweep`] is to be called.
pub const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// How long an agent without a valid lease is reconnecting before it is offline.
pub const GRACE: TimeDelta = TimeDelta::seconds(90);
/// How long changes are collected before they are written: a closed socket shows within 2 s.
const WINDOW: Duration = Duration::from_millis(400);

/// What is to be written about one agent.
#[derive(Debug, Clone)]
pub struct Change {
    /// The agent.
    pub agent_id: Uuid,
    /// Its organization.
    pub organization_id: Uuid,
    /// The session it is about.
    pub session_id: Uuid,
    /// Connected or gone.
    pub online: bool,
    /// The session began since the last write: the row is this session's, whoever had it.
    pub begins: bool,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the agent was last heard.
    pub last_seen_at: DateTime<Utc>,
}

/// Changes by agent; of each the newest.
#[derive(Debug, Default)]
pub struct Changes(HashMap<Uuid, Change>);

impl Changes {
    fn connected(&mut self, change: Change) {
        self.0.insert(change.agent_id, change);
    }

    fn gone(&mut self, mut change: Change) {
        let waiting = self.0.get(&change.agent_id);
        change.begins = waiting.is_some_and(|waiting| waiting.begins && waiting.session_id == change.session_id);
        self.0.insert(change.agent_id, change);
    }
}

/// A session has begun.
pub(crate) fn connected(app: &App, handle: &Handle) {
    let change = Change { begins: true, ..change(app, handle, true) };
    add(app, |changes| changes.connected(change));
}

/// A session is over that was the agent's until now: one that a newer session has displaced says nothing.
pub(crate) fn gone(app: &App, handle: &Handle) {
    let change = change(app, handle, false);
    add(app, |changes| changes.gone(change));
}

fn change(app: &App, handle: &Handle, online: bool) -> Change {
    Change {
        agent_id: handle.agent_id,
        organization_id: handle.organization_id,
        session_id: handle.session_id,
        online,
        begins: false,
        since: app.env.now(),
        last_seen_at: handle.last_seen(),
    }
}

fn add(app: &App, put: impl FnOnce(&mut Changes)) {
    let added = app.hub.presence.add(|changes| {
        put(changes);
        false
    });
    if added == Added::StartWriter {
        tokio::spawn(write(app.clone()));
    }
}

async fn write(app: App) {
    let _writer = app.hub.presence.writer();
    loop {
        app.hub.presence.gather(WINDOW).await;
        let Some(changes) = app.hub.presence.take() else { return };
        let all: Vec<Change> = changes.0.into_values().collect();
        match write_down(&app, &all).await {
            Ok(changed) => agents_changed(&app, &changed).await,
            Err(error) => {
                tracing::warn!(%error, agents = all.len(), "presence could not be written; it will be tried again");
                put_back(&app, all);
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    }
}

async fn write_down(app: &App, changes: &[Change]) -> Result<Vec<(Uuid, Uuid)>> {
    let mut connection = app.db.acquire().await?;
    let _only = app.hub.presence_writer.lock().await;
    store::write_presence(&mut connection, app.node_id, LEASE, changes).await
}

/// What could not be written waits again, unless something newer waits already.
fn put_back(app: &App, changes: Vec<Change>) {
    add(app, |waiting| {
        for change in changes {
            match waiting.0.get_mut(&change.agent_id) {
                None => {
                    waiting.0.insert(change.agent_id, change);
                }
                // The end of a session whose beginning is not written yet.
                Some(newer) if newer.session_id == change.session_id => newer.begins |= change.begins,
                Some(_) => {}
            }
        }
    });
}

/// Renews the leases of this process's sessions; to be called every [`RENEW_EVERY`]. Puts right what a time without
/// database made wrong.
///
/// # Errors
/// When the database cannot be reached.
pub async fn renew(app: &App) -> Result<()> {
    if app.hub.sessions.registry.count() == 0 {
        return Ok(());
    }
    // Before looking who is here: who has left is not renewed, and the end of who leaves now is written after this.
    let mut connection = app.db.acquire().await?;
    let only = app.hub.presence_writer.lock().await;
    let sessions = app.hub.sessions.registry.all();
    let now = app.env.now();
    let seen: Vec<store::Seen> = sessions
        .iter()
        .map(|handle| store::Seen {
            agent_id: handle.agent_id,
            session_id: handle.session_id,
            last_seen_at: handle.last_seen(),
        })
        .collect();
    let healed = store::renew_leases(&mut connection, app.node_id, &seen, now, now + LEASE).await?;
    drop((only, connection));
    agents_changed(app, &healed).await;
    Ok(())
}

/// Writes down what leases that ran out mean; to be called every [`SWEEP_EVERY`] by one process of the cluster.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sweep(app: &App) -> Result<()> {
    let mut connection = app.db.acquire().await?;
    let changed = store::expire_leases(&mut connection, app.env.now(), GRACE).await?;
    drop(connection);
    agents_changed(app, &changed).await;
    Ok(())
}

/// To be called once, before the first connection: this node's agents are reconnecting since now, not online (nothing
/// proves it) and not offline (nobody has had the chance to connect).
///
/// # Errors
/// When the database cannot be reached.
pub async fn after_start(app: &App) -> Result<()> {
    let mut connection = app.db.acquire().await?;
    let agents = store::mark_reconnecting(&mut connection, app.node_id, app.env.now()).await?;
    if agents > 0 {
        tracing::info!(agents, "agents of before the start are expected to reconnect");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(session: u128, online: bool) -> Change {
        Change {
            agent_id: Uuid::from_u128(1),
            organization_id: Uuid::from_u128(2),
            session_id: Uuid::from_u128(session),
            online,
            begins: online,
            since: DateTime::UNIX_EPOCH,
            last_seen_at: DateTime::UNIX_EPOCH,
        }
    }

    fn only(changes: &Changes) -> (u128, bool, bool) {
        let change = changes.0.values().next().unwrap();
        (change.session_id.as_u128(), change.online, change.begins)
    }

    #[test]
    fn a_session_that_ends_before_its_beginning_is_written_still_owns_the_row() {
        let mut changes = Changes::default();
        changes.connected(change(1, true));
        changes.gone(change(1, false));
        assert_eq!(only(&changes), (1, false, true));
        changes.connected(change(2, true));
        assert_eq!(only(&changes), (2, true, true));
    }

    #[test]
    fn a_closed_socket_shows_within_two_seconds() {
        // What is left is for the database.
        assert!(4 * WINDOW <= Duration::from_secs(2));
    }

    #[test]
    fn an_end_alone_writes_only_its_own_row() {
        let mut changes = Changes::default();
        changes.gone(change(1, false));
        assert_eq!(only(&changes), (1, false, false));
    }
}
