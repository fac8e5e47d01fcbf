//! Agent connections: handshake, sessions, presence, and the bus.

mod admission;
pub mod batch;
pub mod bus;
mod connection;
mod dispatch;
pub mod feed;
mod frames;
mod handshake;
pub mod pace;
pub mod presence;
pub mod recheck;
pub mod registry;
mod reject;
mod reports;
pub mod routes;
mod session;
pub(crate) mod store;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gururmm_protocol::limits;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::app::App;
use crate::core::places::Places;
use crate::inventory::readings;
use admission::Handshakes;
use batch::Batch;
use bus::{Bus, DashboardEvent, LocalBus};
use pace::Paces;
use registry::Registry;

/// Changes of more agents than this in one batch are told as a change of the fleet.
const MAX_SINGLE_EVENTS: usize = 200;
/// Reports of inventory that are unpacked and stored at a time: each may take some 20 MiB.
const MAX_INVENTORIES: usize = 4;
/// Orders to many agents that are made at a time: each may have some 200 MiB in memory.
const MAX_RUNS: usize = 2;
/// How long such an order waits for others to be through.
const RUN_PATIENCE: Duration = Duration::from_secs(5);

/// What connections are bounded by.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Handshakes under way at once; whoever comes beyond is told to try again.
    pub handshakes: usize,
    /// An agent of which no frame arrived for so long is gone.
    pub silence: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { handshakes: 512, silence: limits::SESSION_TIMEOUT }
    }
}

/// Agent connections and the bus.
pub struct Hub {
    /// Signals to sessions and dashboards.
    pub bus: Arc<dyn Bus>,
    /// See [`Bounds::silence`].
    pub(crate) silence: Duration,
    /// Connections of this process.
    pub(crate) sessions: Arc<Sessions>,
    /// Presence to be written.
    pub(crate) presence: Batch<presence::Changes>,
    /// Held by who writes presence: a renewal must not come after the end of a session that it still saw.
    pub(crate) presence_writer: tokio::sync::Mutex<()>,
    /// Readings to be written.
    pub(crate) readings: Batch<readings::Waiting>,
    /// Places for reports of inventory.
    pub(crate) inventories: Arc<Semaphore>,
    /// Places for orders to many agents.
    pub(crate) runs: Places,
    /// Places for stopping such orders: what went wrong is stopped though others order.
    pub(crate) cancels: Places,
}

/// Connections of this process.
#[derive(Debug)]
pub struct Sessions {
    /// Established sessions.
    pub registry: Registry,
    /// How fast each agent may speak.
    pub paces: Paces,
    /// Handshakes under way.
    handshakes: Arc<Handshakes>,
}

impl Default for Hub {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Hub {
    /// A hub without connections.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bus: Arc::new(LocalBus::default()),
            silence: bounds.silence,
            sessions: Arc::new(Sessions {
                registry: Registry::default(),
                paces: Paces::default(),
                handshakes: Arc::new(Handshakes::new(bounds.handshakes)),
            }),
            presence: Batch::default(),
            presence_writer: tokio::sync::Mutex::default(),
            readings: Batch::default(),
            inventories: Arc::new(Semaphore::new(MAX_INVENTORIES)),
            runs: Places::new(
                MAX_RUNS,
                RUN_PATIENCE,
                "other runs are being ordered just now; nothing was ordered, try again in a moment",
            ),
            cancels: Places::new(
                MAX_RUNS,
                RUN_PATIENCE,
                "other runs are being cancelled just now; nothing was cancelled, try again in a moment",
            ),
        }
    }

    /// Agents connected to this process.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.sessions.registry.count()
    }

    /// Waits until every connection has ended, which `App::shutdown` makes them do (with the reason, close code 1012, and
    /// presence left as it is), or until `deadline` has passed. Answers how many are left.
    pub async fn drained(&self, deadline: Duration) -> usize {
        self.sessions.registry.drained(deadline).await
    }
}

/// Tells dashboards that these agents (with their organizations) changed: one by one, or, when it is a flood, by fleet.
pub(crate) async fn agents_changed(app: &App, agents: &[(Uuid, Uuid)]) {
    if agents.len() > MAX_SINGLE_EVENTS {
        let organizations: BTreeSet<Uuid> = agents.iter().map(|(_, organization_id)| *organization_id).collect();
        for organization_id in organizations {
            app.hub.bus.publish(DashboardEvent::Fleet { organization_id }).await;
        }
        return;
    }
    for &(agent_id, organization_id) in agents {
        app.hub.bus.publish(DashboardEvent::Agent { agent_id, organization_id }).await;
    }
}
