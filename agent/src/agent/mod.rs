//! The running agent: one loop that owns what is known, fed by the connection, the commands and the sensors.

mod engine;
#[cfg(test)]
mod engine_tests;
mod envelopes;
mod leave;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::collect::{self, Schedule};
use crate::core::clock::{Clock, SystemClock, Time};
use crate::core::outbox::Outbox;
use crate::core::random::{Random, SystemRandom};
use crate::link::address::{BadAddress, ServerAddress};
use crate::link::proxy::Proxies;
use crate::link::socket::Peer;
use crate::link::supervise;
use crate::link::tls::{self, TlsError};
use crate::platform;
use crate::run::Runner;
use crate::store::config::{Config, Decommissioned};
use crate::store::ledger::{Ledger, SharedLedger};
use crate::store::{DataDir, StoreError};
use engine::Engine;

/// What an agent is run with.
pub struct Options {
    /// The data directory.
    pub data_dir: PathBuf,
    /// How often what is looked at.
    pub schedule: Schedule,
    /// The machine's clocks.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Asks the agent to stop in order.
    pub stop: CancellationToken,
}

impl Options {
    /// The operating system's clocks and randomness, the usual schedule.
    #[must_use]
    pub fn new(data_dir: PathBuf, stop: CancellationToken) -> Self {
        Self {
            data_dir,
            schedule: Schedule::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            stop,
        }
    }
}

/// Why a running agent ended in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop.
    Stopped,
    /// It was decommissioned and must not run again.
    Decommissioned,
}

/// The agent cannot run.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is no configuration.
    #[error("this machine is not enrolled (no configuration in {}); run `gururmm-agent enroll` first", .0.display())]
    NotEnrolled(PathBuf),
    /// It was decommissioned earlier.
    #[error("this agent was decommissioned on the server and does not run again; enroll this machine anew to use it")]
    Decommissioned,
    /// The configured address cannot be used.
    #[error("config.json: {0}")]
    Address(#[from] BadAddress),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The data directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of the program itself; starting again may help.
    #[error("a part of the agent has failed; see the log")]
    Broken,
}

impl AgentError {
    /// Whether only a person can help, so that starting again is useless.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::NotEnrolled(_)
                | Self::Decommissioned
                | Self::Address(_)
                | Self::Store(StoreError::Content { .. } | StoreError::NotOurs { .. } | StoreError::NotBelieved { .. })
                | Self::Tls(TlsError::BadAuthority(_))
        )
    }
}

/// Runs the agent until it is asked to stop or decommissioned.
///
/// # Errors
/// [`AgentError`] when it cannot start.
pub async fn run(options: Options) -> Result<Ended, AgentError> {
    let Options { data_dir, schedule, clock, random, stop } = options;
    tls::install_provider();
    if !data_dir.exists() {
        return Err(AgentError::NotEnrolled(data_dir));
    }
    let dir = DataDir::open(&data_dir)?;
    if let Some(mark) = Decommissioned::load(&dir)? {
        // A crash between the mark and the end left the rest undone.
        if mark.uninstall {
            leave::uninstall(dir);
        } else {
            leave::forget(&dir);
        }
        return Err(AgentError::Decommissioned);
    }
    let config = Config::load(&dir)?.ok_or(AgentError::NotEnrolled(data_dir))?;
    let key = config.load_key(&dir)?;
    let peer = Peer {
        server: ServerAddress::parse(&config.server)?,
        server_key: config.server_public_key,
        key,
        machine: platform::machine_identity(),
        tls: tls::client_config(config.ca_pem.as_deref())?,
        proxies: Proxies::from_env(),
    };
    let time = Arc::new(Time::new(Arc::clone(&clock), TimeDelta::milliseconds(config.clock_offset_ms)));
    let ledger = Ledger::open(&dir, time.now())?;
    let mut outbox = Outbox::default();
    for (id, result) in ledger.journal().undelivered() {
        outbox.command_finished(id, result);
    }
    let ledger = SharedLedger::new(ledger);
    tracing::info!(version = crate::VERSION, server = %peer.server, agent = %config.agent_id, "the agent starts");

    let (run_events, ran) = mpsc::unbounded_channel();
    let (link_events, linked) = mpsc::channel(16);
    let (found, collected) = mpsc::channel(4);
    let link_stop = CancellationToken::new();
    let link = tokio::spawn(supervise::run(peer, clock, random, link_events, link_stop.clone()));
    let sensors = tokio::spawn(collect::run(schedule, Arc::clone(&time), found));
    let runner = Runner::new(ledger.clone(), Arc::clone(&time), run_events, dir.path().to_owned());
    let engine = Engine::new(dir, config, time, ledger, outbox, runner);
    let ended = engine.run(engine::Inputs { linked, ran, collected, stop }, link_stop, link).await;
    sensors.abort();
    let (ended, to_remove) = ended?;
    // Only now: nothing of the engine holds a file in it any more.
    if let Some(dir) = to_remove {
        leave::uninstall(dir);
    }
    Ok(ended)
}
