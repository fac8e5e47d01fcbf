//! The agent as a library, in the test's own process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use gururmm_agent::agent::{AgentError, Ended, Options, run};
use gururmm_agent::core::clock::{Clock, SystemClock};
use gururmm_agent::store::DataDir;
use gururmm_agent::store::config::Config;
use gururmm_protocol::crypto::PublicKey;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::server::{AGENT_ID, PATIENCE, TestServer};

/// A data directory of a machine that is enrolled with this server.
pub fn enrolled(server: &TestServer) -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    enroll_at(server, temp.path());
    temp
}

fn enroll_at(server: &TestServer, path: &Path) {
    let dir = DataDir::open(path).unwrap();
    let config = Config {
        server: server.url(),
        server_public_key: PublicKey::of(&server.key),
        agent_id: AGENT_ID,
        epoch: 0,
        key_file: Config::write_key(&dir, &SigningKey::from_bytes(&[3; 32])).unwrap(),
        ca_pem: None,
        clock_offset_ms: 0,
    };
    config.save(&dir).unwrap();
}

/// A wall clock that is wrong.
pub struct Skewed(pub TimeDelta);

impl Clock for Skewed {
    fn wall(&self) -> DateTime<Utc> {
        SystemClock.wall() + self.0
    }

    fn steady(&self) -> Duration {
        SystemClock.steady()
    }
}

pub struct Agent {
    pub stop: CancellationToken,
    task: JoinHandle<Result<Ended, AgentError>>,
}

impl Agent {
    pub fn start(dir: &TempDir) -> Self {
        Self::start_with(dir, |_| {})
    }

    pub fn start_with(dir: &TempDir, change: impl FnOnce(&mut Options)) -> Self {
        let stop = CancellationToken::new();
        let mut options = Options::new(dir.path().to_owned(), stop.clone());
        change(&mut options);
        Self { stop, task: tokio::spawn(run(options)) }
    }

    pub fn start_skewed(dir: &TempDir, skew: TimeDelta) -> Self {
        Self::start_with(dir, |options| options.clock = Arc::new(Skewed(skew)))
    }

    pub async fn ended(self) -> Result<Ended, AgentError> {
        timeout(PATIENCE, self.task).await.expect("the agent ends").unwrap()
    }

    pub async fn stop(self) -> Result<Ended, AgentError> {
        self.stop.cancel();
        self.ended().await
    }
}
