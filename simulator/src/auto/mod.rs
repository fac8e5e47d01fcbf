//! Automatic mode: an agent that behaves well by itself, for as long as it is let.

mod commands;
mod live;
mod outbox;
mod selftest;
mod walk;
mod workload;

use std::sync::Arc;
use std::time::Duration;

use gururmm_protocol::handshake::RejectCode;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fleet::Stats;
use crate::{HelloOverrides, Link, SimAgent, SimError};
use commands::Commands;
use outbox::Outbox;
use walk::Walk;

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// How an automatic agent behaves.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Time between readings: a minute, unless a test is in a hurry.
    pub tick: Duration,
    /// Mean time between connections that the agent ends by itself; one in five of them is a restart of the machine.
    pub reconnect_every: Option<Duration>,
    /// Longest time that one statement of a command pretends to take (`sleep` apart); zero answers at once.
    pub statement_takes: Duration,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { tick: Duration::from_secs(60), reconnect_every: None, statement_takes: Duration::from_millis(40) }
    }
}

/// Why an automatic agent will not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was told to stop.
    Stopped,
    /// A decommission envelope was obeyed.
    Decommissioned,
    /// The server does not know the key (any more).
    UnknownKey,
}

/// Why one session ended.
enum SessionEnd {
    Final(End),
    Rejected { retry_after: Duration },
    Lost,
    Left { restart: bool },
}

/// An agent in automatic mode.
pub struct AutoAgent {
    agent: SimAgent,
    behaviour: Behaviour,
    stats: Arc<Stats>,
    rng: fastrand::Rng,
    walk: Walk,
    commands: Commands,
    outbox: Outbox,
    next_tick: Instant,
}

impl AutoAgent {
    /// Prepares an enrolled agent; `rng` decides everything it does by itself.
    #[must_use]
    pub fn new(agent: SimAgent, behaviour: Behaviour, stats: Arc<Stats>, mut rng: fastrand::Rng) -> Self {
        // Each agent has its own second of the minute: a fleet must not report in step.
        let next_tick = Instant::now() + behaviour.tick.mul_f64(rng.f64());
        let walk = Walk::new(&agent.machine, &mut rng);
        Self { agent, behaviour, stats, rng, walk, commands: Commands::default(), outbox: Outbox::default(), next_tick }
    }

    /// Stays connected until `stop` is cancelled or the agent is no longer wanted.
    pub async fn run(mut self, stop: CancellationToken) -> End {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let ended = match self.session(&stop, &mut backoff).await {
                Ok(ended) => ended,
                Err(SimError::Rejected(rejected)) => {
                    self.stats.rejected(&rejected);
                    if rejected.code == RejectCode::UnknownKey {
                        return End::UnknownKey;
                    }
                    let seconds = rejected.retry_after_seconds.unwrap_or_default();
                    SessionEnd::Rejected { retry_after: Duration::from_secs(seconds.into()) }
                }
                Err(error) => {
                    self.stats.failed(&error);
                    SessionEnd::Lost
                }
            };
            let pause = match ended {
                SessionEnd::Final(end) => return end,
                SessionEnd::Left { restart: false } => Duration::from_millis(self.rng.u64(50..500)),
                SessionEnd::Left { restart: true } => Duration::from_millis(self.rng.u64(1_000..5_000)),
                SessionEnd::Lost => jitter(&mut self.rng, grow(&mut backoff)),
                SessionEnd::Rejected { retry_after } => {
                    retry_after + jitter(&mut self.rng, grow(&mut backoff).max(retry_after / 10))
                }
            };
            tokio::select! {
                () = stop.cancelled() => return End::Stopped,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn session(&mut self, stop: &CancellationToken, backoff: &mut Duration) -> Result<SessionEnd, SimError> {
        let connecting = async {
            let link = Link::open(self.agent.base_url()).await?;
            self.agent.handshake(link, &HelloOverrides::default()).await
        };
        let session = tokio::select! {
            () = stop.cancelled() => return Ok(SessionEnd::Final(End::Stopped)),
            session = connecting => session?,
        };
        *backoff = FIRST_BACKOFF;
        let connected = self.stats.connected();
        let ended = self.live(session, stop).await;
        drop(connected);
        if let Ok(SessionEnd::Left { restart: true }) = ended {
            self.restart();
        }
        ended
    }

    fn restart(&mut self) {
        let boot_id = format!("{:032x}", self.rng.u128(..));
        if let Some(now) = self.commands.machine_restarted(&mut self.outbox) {
            self.agent.machine.restart(boot_id, now);
        }
    }
}

fn grow(backoff: &mut Duration) -> Duration {
    let current = *backoff;
    *backoff = (current * 2).min(LONGEST_BACKOFF);
    current
}

/// Half to all of `pause`: a fleet that lost its server must not come back in one moment.
fn jitter(rng: &mut fastrand::Rng, pause: Duration) -> Duration {
    pause.mul_f64(0.5 + rng.f64() / 2.0)
}
