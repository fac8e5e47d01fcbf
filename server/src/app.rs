//! What every service receives: the running server, and the context of one request.

use std::net::IpAddr;
use std::sync::Arc;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::authz::{Actor, Scope};
use crate::config::Config;
use crate::core::Env;
use crate::hub::Hub;
use crate::keys::Keys;

/// The running server; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of [`App`].
pub struct Parts {
    /// Clock, randomness, ids.
    pub env: Env,
    /// Connections to Postgres.
    pub db: PgPool,
    /// Keys of the installation.
    pub keys: Keys,
    /// Settings of this process.
    pub config: Config,
    /// The installation's epoch: goes into every envelope and every access token.
    pub epoch: i32,
    /// Agent connections and the bus.
    pub hub: Hub,
    /// This server process, by the id in its data directory.
    pub node_id: Uuid,
    /// Cancelled when the server is told to stop: long answers and background passes end.
    pub shutdown: CancellationToken,
    /// Open event streams, and what was announced on them.
    pub events: crate::events::Events,
    /// Running exports.
    pub exports: crate::export::Exports,
    /// Bounds on attempts per address.
    pub limits: crate::http::rate_limit::Limits,
    /// What is kept in memory about installed software.
    pub software: crate::software::State,
}

impl App {
    /// Puts the server together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Who asks, and where the question came from.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Who.
    pub actor: Actor,
    /// The request's id, for logs and audit.
    pub request_id: Option<String>,
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// The address among whose attempts this one counts, where one can be told: see `http::extract`.
    pub counted: Option<IpAddr>,
}

impl Ctx {
    /// Without a request.
    const fn of(actor: Actor) -> Self {
        Self { actor, request_id: None, address: None, counted: None }
    }

    /// The server acts by itself.
    #[must_use]
    pub const fn system(part: &'static str) -> Self {
        Self::of(Actor::System(part))
    }

    /// Somebody at the server's command line.
    #[must_use]
    pub const fn operator() -> Self {
        Self::of(Actor::Operator)
    }

    /// A machine acts by itself.
    #[must_use]
    pub const fn agent(id: Uuid, name: String) -> Self {
        Self::of(Actor::Agent { id, name })
    }

    /// Organizations whose rows the actor may see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::of(&self.actor)
    }
}
