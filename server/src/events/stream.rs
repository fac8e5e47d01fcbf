//! One dashboard's stream of hints.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep_until};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Slot;
use crate::accounts;
use crate::app::App;
use crate::authz::{Actor, Scope, UserActor};
use crate::core::{Error, Result};
use crate::hub::bus::DashboardEvent;

/// Hints leave at most once in this time; equal ones fall together.
const FLUSH_INTERVAL: Duration = Duration::from_millis(250);
/// A session that was looked at this long ago is looked at again before anything is sent.
const SESSION_AGE: Duration = Duration::from_secs(1);
/// How often the session of a quiet stream is looked at.
const SESSION_INTERVAL: Duration = Duration::from_secs(10);
/// Beyond so many different hints at once, everything is to be fetched anew.
const MAX_PENDING: usize = 1_000;

/// What a dashboard is told: something changed, fetch it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Hint {
    /// Presence, readings, inventory or standing of an agent.
    Agent {
        /// The agent.
        agent_id: Uuid,
    },
    /// The state of a command.
    Command {
        /// The command.
        command_id: Uuid,
        /// Its agent.
        agent_id: Uuid,
    },
    /// The output of a command.
    CommandOutput {
        /// The command.
        command_id: Uuid,
        /// Its agent.
        agent_id: Uuid,
    },
    /// A run was ordered or cancelled, and with it its commands.
    Run {
        /// The run.
        run_id: Uuid,
    },
    /// Organizations, sites, enrollment tokens or the set of agents.
    Fleet {},
    /// Hints were missed: anything may have changed.
    Resync {},
}

impl Hint {
    /// The event's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Agent { .. } => "agent",
            Self::Command { .. } => "command",
            Self::CommandOutput { .. } => "command_output",
            Self::Run { .. } => "run",
            Self::Fleet {} => "fleet",
            Self::Resync {} => "resync",
        }
    }
}

impl From<DashboardEvent> for Hint {
    fn from(event: DashboardEvent) -> Self {
        match event {
            DashboardEvent::Agent { agent_id, .. } => Self::Agent { agent_id },
            DashboardEvent::Command { command_id, agent_id, .. } => Self::Command { command_id, agent_id },
            DashboardEvent::CommandOutput { command_id, agent_id, .. } => Self::CommandOutput { command_id, agent_id },
            DashboardEvent::Run { run_id, .. } => Self::Run { run_id },
            DashboardEvent::Fleet { .. } => Self::Fleet {},
        }
    }
}

/// An open stream.
pub struct Subscription {
    app: App,
    token: String,
    scope: Scope,
    checked: Instant,
    checks: Interval,
    receiver: Receiver<DashboardEvent>,
    pending: Vec<DashboardEvent>,
    /// Hints were missed, or could not be authorized.
    missed: bool,
    flushed: Instant,
    ready: VecDeque<Hint>,
    _slot: Slot,
}

impl Subscription {
    /// Opens a stream for the user whom `token` stands for. It starts with [`Hint::Resync`]: what happened before is
    /// not told.
    ///
    /// # Errors
    /// When too many are open.
    pub fn open(app: &App, user: &UserActor, token: String) -> Result<Self> {
        let slot = app.events.open(user.id)?;
        let now = Instant::now();
        let mut checks = tokio::time::interval_at(now + SESSION_INTERVAL, SESSION_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            app: app.clone(),
            token,
            scope: Scope::of(&Actor::User(user.clone())),
            checked: now,
            checks,
            receiver: app.hub.bus.subscribe_dashboard(),
            pending: Vec::new(),
            missed: false,
            flushed: now,
            ready: VecDeque::from([Hint::Resync {}]),
            _slot: slot,
        })
    }

    /// The next hint; `None` when the session or the server ends.
    pub async fn next(&mut self) -> Option<Hint> {
        let shutdown = self.app.shutdown.clone();
        loop {
            if let Some(hint) = self.ready.pop_front() {
                return Some(hint);
            }
            let waiting = self.missed || !self.pending.is_empty();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return None,
                () = sleep_until(self.flushed + FLUSH_INTERVAL), if waiting => self.flush().await?,
                _ = self.checks.tick() => {
                    self.check().await?;
                }
                event = self.receiver.recv() => match event {
                    Ok(event) => self.take(event),
                    Err(RecvError::Lagged(_)) => self.miss(),
                    Err(RecvError::Closed) => return None,
                }
            }
        }
    }

    fn take(&mut self, event: DashboardEvent) {
        // Looked at again when it is sent; here it only saves the room.
        let foreign = !self.scope.contains(event.organization_id());
        if self.missed || (foreign && !self.is_stale()) {
            return;
        }
        if !self.pending.contains(&event) {
            self.pending.push(event);
        }
        if self.pending.len() > MAX_PENDING {
            self.miss();
        }
    }

    fn miss(&mut self) {
        self.pending.clear();
        self.missed = true;
    }

    fn is_stale(&self) -> bool {
        self.checked.elapsed() >= SESSION_AGE
    }

    /// Makes what waits ready to be sent, as far as the user may see it now.
    async fn flush(&mut self) -> Option<()> {
        self.flushed = Instant::now();
        if self.is_stale() && !self.check().await? {
            self.miss();
            // Until the session can be looked at again.
            self.flushed = Instant::now() + SESSION_AGE;
            return Some(());
        }
        if std::mem::take(&mut self.missed) {
            self.ready.push_back(Hint::Resync {});
            return Some(());
        }
        let mut seen = HashSet::new();
        for event in self.pending.drain(..) {
            let hint = Hint::from(event);
            if self.scope.contains(event.organization_id()) && seen.insert(hint) {
                self.ready.push_back(hint);
            }
        }
        Some(())
    }

    /// Looks whether the session still holds, and what its user may see. `Some(false)`: cannot tell, the database is
    /// away; `None`: the session is over, or the server stops.
    async fn check(&mut self) -> Option<bool> {
        let session = accounts::service::authenticate(&self.app, &self.token);
        match self.app.shutdown.run_until_cancelled(session).await? {
            Ok(user) => {
                self.scope = Scope::of(&Actor::User(user));
                self.checked = Instant::now();
                Some(true)
            }
            Err(Error::Unavailable { .. }) => Some(false),
            Err(_) => None,
        }
    }
}
