//! Many automatic agents in one process: one small task each.

mod state;
mod stats;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gururmm_protocol::crypto::Fingerprint;
use gururmm_protocol::enroll::EnrollmentToken;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::agent::http_client;
use crate::auto::{AutoAgent, Behaviour, End};
use crate::{Machine, SimAgent, SimError, random};
use state::{Known, StateDir};
pub use stats::{Stats, Status};

/// Enrollments under way at the same time.
const ENROLLING_AT_ONCE: usize = 8;
const LONGEST_ENROLL_PAUSE: Duration = Duration::from_secs(60);

/// What a fleet consists of.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// Address of the server, `http(s)://host[:port]`.
    pub server: String,
    /// Enrollment tokens, one per site: agents are spread over them in turn.
    pub tokens: Vec<String>,
    /// How many agents.
    pub agents: usize,
    /// Decides every machine and its behaviour.
    pub seed: u64,
    /// Decides the keys together with `seed`. A fleet without a state directory that enrolls at the same server for
    /// the second time needs another one, because a key belongs to one enrollment.
    pub key_salt: u64,
    /// Agents that connect for the first time per second.
    pub connects_per_second: f64,
    /// How each agent behaves.
    pub behaviour: Behaviour,
    /// Where enrollments are kept, so that the next start brings the same agents back.
    pub state_dir: Option<PathBuf>,
}

impl FleetOptions {
    /// A fleet with the usual behaviour that keeps nothing.
    #[must_use]
    pub fn new(server: &str, tokens: Vec<String>, agents: usize, seed: u64) -> Self {
        Self {
            server: server.trim_end_matches('/').to_owned(),
            tokens,
            agents,
            seed,
            key_salt: 0,
            connects_per_second: 100.0,
            behaviour: Behaviour::default(),
            state_dir: None,
        }
    }
}

/// A running fleet. Dropping it ends every agent without a word; [`Fleet::stop`] lets them say goodbye.
pub struct Fleet {
    stats: Arc<Stats>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

struct Shared {
    options: FleetOptions,
    client: reqwest::Client,
    enrolling: Semaphore,
    stats: Arc<Stats>,
    state: Option<StateDir>,
}

impl Fleet {
    /// Starts the agents, staggered; returns at once.
    ///
    /// # Errors
    /// When a token is malformed, or the state directory cannot be read or written.
    pub fn start(options: FleetOptions) -> Result<Self, SimError> {
        let servers = options
            .tokens
            .iter()
            .map(|token| Ok(token.parse::<EnrollmentToken>()?.server))
            .collect::<Result<Vec<Fingerprint>, SimError>>()?;
        let state = options.state_dir.as_deref().map(StateDir::open).transpose()?;
        let stats = Arc::new(Stats::new(options.agents));
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            client: http_client()?,
            enrolling: Semaphore::new(ENROLLING_AT_ONCE),
            stats: Arc::clone(&stats),
            state,
            options,
        });
        let mut tasks = JoinSet::new();
        for index in 0..shared.options.agents {
            let known = shared.state.as_ref().and_then(|state| state.get(shared.options.seed, index));
            // A record of another installation is of no use; the token says which installation is meant.
            let known = known.filter(|known| servers.is_empty() || servers.contains(&known.server_key.fingerprint()));
            tasks.spawn(run_one(Arc::clone(&shared), index, known, stop.clone()));
        }
        Ok(Self { stats, stop, tasks })
    }

    /// Counts at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.stats.status()
    }

    /// Waits until `connected` agents are connected at the same time; false when `limit` passes first.
    pub async fn wait_connected(&self, connected: usize, limit: Duration) -> bool {
        let reached = async {
            while self.status().connected < connected as u64 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(limit, reached).await.is_ok()
    }

    /// Closes every connection properly and returns the last counts.
    pub async fn stop(mut self) -> Status {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.stats.status()
    }
}

impl Shared {
    /// Appends a record to the state directory, if there is one.
    fn keep(&self, record: &Known) {
        if let Some(Err(error)) = self.state.as_ref().map(|state| state.append(record)) {
            self.stats.failed(&error);
        }
    }
}

async fn run_one(shared: Arc<Shared>, index: usize, known: Option<Known>, stop: CancellationToken) {
    if known.as_ref().is_some_and(|known| known.gone) {
        return;
    }
    let options = &shared.options;
    let mut rng = random::stream(options.seed, &format!("agent {index}"));
    let stagger = (index as f64 + rng.f64()) / options.connects_per_second;
    tokio::select! {
        () = stop.cancelled() => return,
        () = tokio::time::sleep(Duration::from_secs_f64(stagger)) => {}
    }
    let machine_seed = rng.u64(..);
    let known = match known {
        Some(known) => known,
        None => {
            let enrolled = tokio::select! {
                () = stop.cancelled() => return,
                enrolled = enroll(&shared, index, machine_seed, &mut rng) => enrolled,
            };
            let Some(known) = enrolled else { return };
            shared.keep(&known);
            known
        }
    };
    shared.stats.enrolled();
    let machine = Machine::in_organization(machine_seed, known.flavour);
    let agent = SimAgent::restore(machine, known.signing_key(), known.enrollment(), &options.server);
    let end = AutoAgent::new(agent, options.behaviour.clone(), Arc::clone(&shared.stats), rng).run(stop).await;
    shared.stats.ended(end);
    if end == End::Decommissioned {
        shared.keep(&known.gone());
    }
}

/// Enrolls, again and again until it succeeds or the server says that the token is no good.
async fn enroll(shared: &Shared, index: usize, machine_seed: u64, rng: &mut fastrand::Rng) -> Option<Known> {
    let FleetOptions { server, tokens, seed, key_salt, .. } = &shared.options;
    let flavour = index.checked_rem(tokens.len())?;
    let key_seed = random::stream(*key_salt, &format!("{seed} {index}")).u64(..);
    let mut agent = SimAgent::on(Machine::in_organization(machine_seed, flavour), key_seed);
    let mut pause = Duration::from_secs(1);
    loop {
        let result = {
            let _permit = shared.enrolling.acquire().await.ok()?;
            agent.enroll_by(&shared.client, server, &tokens[flavour]).await
        };
        let error = match result.and_then(|_| Known::of(&agent, *seed, index, flavour)) {
            Ok(known) => return Some(known),
            Err(error) => error,
        };
        shared.stats.failed(&error);
        let refused = error.http_status().is_some_and(|(status, _)| (400..500).contains(&status) && status != 429);
        if refused || matches!(error, SimError::WrongServer) {
            return None;
        }
        let told = match error {
            SimError::HttpStatus { retry_after: Some(seconds), .. } => Duration::from_secs(seconds),
            _ => Duration::ZERO,
        };
        tokio::time::sleep(told + pause.mul_f64(0.5 + rng.f64() / 2.0)).await;
        pause = (pause * 2).min(LONGEST_ENROLL_PAUSE);
    }
}
