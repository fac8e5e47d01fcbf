//! Agent connections: handshake, sessions, presence, and the bus.

pub mod bus;
pub mod routes;

use std::sync::Arc;

use bus::{Bus, LocalBus};

/// Agent connections and the bus.
pub struct Hub {
    /// Signals to sessions and dashboards.
    pub bus: Arc<dyn Bus>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { bus: Arc::new(LocalBus::default()) }
    }
}
