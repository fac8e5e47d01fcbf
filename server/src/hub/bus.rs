//! Signals between the parts of the server, and later between its nodes.
//!
//! A signal is a hint to look: the state of record is in Postgres, so a lost or doubled signal costs time, never truth.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;
use uuid::Uuid;

use super::feed::Feed;

/// What an agent's session is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentSignal {
    /// There is something to send: commands, cancels, a decommission.
    Work,
    /// The agent's standing changed (quarantined, key revoked, merged): read it again, and leave if it says so.
    Standing,
    /// Something may have been missed: look at everything again, also at what the agent should have been given.
    Recheck,
}

impl AgentSignal {
    const fn bit(self) -> u8 {
        match self {
            Self::Work => 1,
            Self::Standing => 2,
            Self::Recheck => 4,
        }
    }
}

/// What open dashboards are told: ids only, so that the stream cannot leak. Each is shown only within its organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DashboardEvent {
    /// Presence, readings, inventory or standing of an agent changed.
    Agent {
        /// The agent.
        agent_id: Uuid,
        /// Its organization.
        organization_id: Uuid,
    },
    /// A command's state changed.
    Command {
        /// The command.
        command_id: Uuid,
        /// Its agent.
        agent_id: Uuid,
        /// Its organization.
        organization_id: Uuid,
    },
    /// A command has more output.
    CommandOutput {
        /// The command.
        command_id: Uuid,
        /// Its agent.
        agent_id: Uuid,
        /// Its organization.
        organization_id: Uuid,
    },
    /// A run was ordered or cancelled: many commands at once.
    Run {
        /// The run.
        run_id: Uuid,
        /// One of the organizations that it concerns.
        organization_id: Uuid,
    },
    /// Organizations, sites, enrollment tokens or the set of agents changed.
    Fleet {
        /// The organization.
        organization_id: Uuid,
    },
}

impl DashboardEvent {
    /// Whose users may see it.
    #[must_use]
    pub const fn organization_id(&self) -> Uuid {
        match self {
            Self::Agent { organization_id, .. }
            | Self::Command { organization_id, .. }
            | Self::CommandOutput { organization_id, .. }
            | Self::Run { organization_id, .. }
            | Self::Fleet { organization_id } => *organization_id,
        }
    }
}

/// Signals that wait for one session. Equal ones fall together, so it never grows.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: AtomicU8,
    notify: Notify,
}

/// What [`Inbox::next`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals(u8);

impl Signals {
    /// Whether this signal is among them.
    #[must_use]
    pub const fn has(self, signal: AgentSignal) -> bool {
        self.0 & signal.bit() != 0
    }
}

impl Inbox {
    /// Puts a signal in.
    pub fn put(&self, signal: AgentSignal) {
        self.waiting.fetch_or(signal.bit(), Ordering::AcqRel);
        self.notify.notify_one();
    }

    /// Waits for signals and takes them all. Cancel-safe.
    pub async fn next(&self) -> Signals {
        loop {
            let found = self.waiting.swap(0, Ordering::AcqRel);
            if found != 0 {
                return Signals(found);
            }
            self.notify.notified().await;
        }
    }
}

/// Carries signals. In one process by [`LocalBus`]; between several by a message broker.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Tells the session of this agent, wherever it is connected.
    async fn signal_agent(&self, agent_id: Uuid, signal: AgentSignal);
    /// The inbox of an agent that connects here; the newest one replaces an older one. Does not wait for anything: it is
    /// called while the registry is locked, so that the newest session is also the one that hears.
    fn subscribe_agent(&self, agent_id: Uuid) -> Arc<Inbox>;
    /// The session of this inbox is over.
    fn unsubscribe_agent(&self, agent_id: Uuid, inbox: &Arc<Inbox>);
    /// Tells every open dashboard.
    async fn publish(&self, event: DashboardEvent);
    /// Where the dashboards of this process hear of it. Its numbers are those of this process alone.
    fn feed(&self) -> &Feed;
}

/// The bus of a single process.
#[derive(Default)]
pub struct LocalBus {
    agents: Mutex<HashMap<Uuid, Arc<Inbox>>>,
    feed: Feed,
}

impl LocalBus {
    fn agents(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<Inbox>>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn signal_agent(&self, agent_id: Uuid, signal: AgentSignal) {
        let inbox = self.agents().get(&agent_id).cloned();
        if let Some(inbox) = inbox {
            inbox.put(signal);
        }
    }

    fn subscribe_agent(&self, agent_id: Uuid) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::default());
        self.agents().insert(agent_id, Arc::clone(&inbox));
        inbox
    }

    fn unsubscribe_agent(&self, agent_id: Uuid, inbox: &Arc<Inbox>) {
        let mut agents = self.agents();
        if agents.get(&agent_id).is_some_and(|current| Arc::ptr_eq(current, inbox)) {
            agents.remove(&agent_id);
        }
    }

    async fn publish(&self, event: DashboardEvent) {
        self.feed.deliver(event);
    }

    fn feed(&self) -> &Feed {
        &self.feed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signals_fall_together_and_none_is_lost() {
        let bus = LocalBus::default();
        let agent = Uuid::from_u128(1);
        let inbox = bus.subscribe_agent(agent);
        for _ in 0..100 {
            bus.signal_agent(agent, AgentSignal::Work).await;
        }
        bus.signal_agent(agent, AgentSignal::Standing).await;
        let signals = inbox.next().await;
        assert!(signals.has(AgentSignal::Work) && signals.has(AgentSignal::Standing));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), inbox.next()).await.is_err());
    }

    #[tokio::test]
    async fn the_end_of_an_old_session_does_not_deafen_the_new_one() {
        let bus = LocalBus::default();
        let agent = Uuid::from_u128(1);
        let old = bus.subscribe_agent(agent);
        let new = bus.subscribe_agent(agent);
        bus.unsubscribe_agent(agent, &old);
        bus.signal_agent(agent, AgentSignal::Work).await;
        assert!(new.next().await.has(AgentSignal::Work));
    }
}
