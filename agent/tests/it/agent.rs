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
use gururmm_agent::store::journal_file::JournalFile;
use gururmm_protocol::crypto::PublicKey;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    JournalFile::create(&dir, false).unwrap();
    config.save(&dir).unwrap();
}

/// Waits until it is so.
pub async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it comes to this");
}

/// Waits until the journal has this record of the command.
pub async fn journaled(dir: &Path, record: &str, id: Uuid) {
    let text = format!("\"{record}\",\"id\":\"{id}\"");
    until(|| std::fs::read_to_string(dir.join("journal")).is_ok_and(|journal| journal.contains(&text))).await;
}

/// Lines of a file, none when it is not there.
pub fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
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
