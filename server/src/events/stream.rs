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
use super::position::Position;
use crate::accounts;
use crate::app::App;
use crate::authz::{Actor, Scope, UserActor};
use crate::core::{Error, Result};
use crate::hub::bus::DashboardEvent;
use crate::hub::feed::{Listening, Numbered};

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
    /// Nothing that concerns this dashboard; only, from here it may resume.
    Position {},
}

/// A hint with where the dashboard stands when it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The hint.
    pub hint: Hint,
    /// Up to here, everything was told.
    pub at: Position,
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
            Self::Position {} => "position",
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
    receiver: Receiver<Numbered>,
    boot: Uuid,
    pending: Vec<Numbered>,
    /// What is in `pending`.
    known: HashSet<DashboardEvent>,
    /// The latest event that came, told or not.
    taken: u64,
    /// Up to where everything was told.
    told: u64,
    /// Hints were missed, or could not be authorized.
    missed: bool,
    flushed: Instant,
    ready: VecDeque<Told>,
    _slot: Slot,
}

impl Subscription {
    /// Opens a stream for the user whom `token` stands for. After a position of this process, what was missed is told as far
    /// as the user may see it now. Otherwise, or when that is not held any more, it starts with [`Hint::Resync`].
    ///
    /// # Errors
    /// When too many are open.
    pub fn open(app: &App, user: &UserActor, token: String, after: Option<&str>) -> Result<Self> {
        let slot = app.events.open(user.id)?;
        let now = Instant::now();
        let mut checks = tokio::time::interval_at(now + SESSION_INTERVAL, SESSION_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let boot = app.events.boot(&app.env);
        let after = after.and_then(|after| after.parse::<Position>().ok()).filter(|position| position.boot == boot);
        let Listening { receiver, latest, missed } =
            app.hub.bus.feed().listen_after(after.map(|position| position.number));
        let mut subscription = Self {
            app: app.clone(),
            token,
            scope: Scope::of(&Actor::User(user.clone())),
            checked: now,
            checks,
            receiver,
            boot,
            pending: Vec::new(),
            known: HashSet::new(),
            taken: latest,
            told: after.map_or(latest, |position| position.number),
            missed: false,
            flushed: now,
            ready: VecDeque::new(),
            _slot: slot,
        };
        match missed {
            Some(missed) => missed.into_iter().for_each(|event| subscription.take(event)),
            None => subscription.say(Hint::Resync {}, latest),
        }
        Ok(subscription)
    }

    fn say(&mut self, hint: Hint, number: u64) {
        self.ready.push_back(Told { hint, at: Position { boot: self.boot, number } });
    }

    /// The next hint; `None` when the session or the server ends.
    pub async fn next(&mut self) -> Option<Told> {
        let shutdown = self.app.shutdown.clone();
        loop {
            if let Some(told) = self.ready.pop_front() {
                self.told = told.at.number;
                return Some(told);
            }
            let waiting = self.missed || !self.pending.is_empty();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return None,
                () = sleep_until(self.flushed + FLUSH_INTERVAL), if waiting => self.flush().await?,
                _ = self.checks.tick() => {
                    self.check().await?;
                    // All that came was of no concern. Who only knew an old position would soon have to fetch everything.
                    if !waiting && self.taken > self.told {
                        self.say(Hint::Position {}, self.taken);
                    }
                }
                event = self.receiver.recv() => match event {
                    Ok(event) => self.take(event),
                    Err(RecvError::Lagged(_)) => self.miss(),
                    Err(RecvError::Closed) => return None,
                }
            }
        }
    }

    fn take(&mut self, numbered: Numbered) {
        let event = numbered.event;
        self.taken = numbered.number;
        // Looked at again when it is sent; here it only saves the room.
        let foreign = !self.scope.contains(event.organization_id());
        if self.missed || (foreign && !self.is_stale()) {
            return;
        }
        if self.known.insert(event) {
            self.pending.push(numbered);
        }
        if self.pending.len() > MAX_PENDING {
            self.miss();
        }
    }

    fn miss(&mut self) {
        self.pending.clear();
        self.known.clear();
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
            self.say(Hint::Resync {}, self.taken);
            return Some(());
        }
        let mut seen = HashSet::new();
        self.known.clear();
        for Numbered { number, event } in std::mem::take(&mut self.pending) {
            let hint = Hint::from(event);
            if self.scope.contains(event.organization_id()) && seen.insert(hint) {
                self.say(hint, number);
            }
        }
        // Whoever is cut off amid these is told the rest: each stands where it came first. The last one stands for all that
        // fell together with them.
        if let Some(last) = self.ready.back_mut() {
            last.at.number = self.taken;
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
