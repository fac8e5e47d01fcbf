//! The status file: what the running agent tells whoever asks on the machine itself.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::files::{self, Durability};
use super::{DataDir, StoreError, is_in_use};
use crate::core::outbox::QueueLengths;

const STATUS: &str = "status.json";

/// Whether the agent has a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Trying to open a session.
    Connecting,
    /// In a session.
    Connected,
    /// Waiting before the next attempt.
    Waiting,
    /// Stopped in order.
    Stopped,
    /// Decommissioned; it will not run again.
    Decommissioned,
}

/// The content of the status file. Times are by the machine's own clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The connection.
    pub state: LinkState,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why there is no session, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the next attempt is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<DateTime<Utc>>,
    /// The server's address.
    pub server: String,
    /// The agent's id.
    pub agent_id: Uuid,
    /// The agent's version.
    pub version: String,
    /// The agent's process.
    pub pid: u32,
    /// When the server last acknowledged something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_acknowledged: Option<DateTime<Utc>>,
    /// What waits.
    pub queues: QueueLengths,
    /// Commands that run or wait for a slot.
    pub commands_in_progress: usize,
    /// What keeps the agent from doing its work although it runs, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How far the machine's clock is behind the server's, in milliseconds; absent before the first session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// When this was written.
    pub written_at: DateTime<Utc>,
}

impl Status {
    /// Replaces the status file; on a full disk, writes over the earlier one.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn save(&self, dir: &DataDir) -> Result<(), StoreError> {
        let path = dir.join(STATUS);
        let content = serde_json::to_vec_pretty(self)
            .map_err(|error| StoreError::Content { path: path.clone(), problem: error.to_string() })?;
        files::write_atomic(&path, &content, Durability::Fast).or_else(|_| files::overwrite(&path, &content))
    }
}

/// What `status` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether an agent runs on this data directory at this moment.
    pub running: bool,
    /// What it last wrote; of an agent that does not run, its last words.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// Looks at a data directory without disturbing the agent.
///
/// # Errors
/// [`StoreError`] when the directory cannot be looked at, or must not be believed.
pub fn look(dir: &Path) -> Result<Answer, StoreError> {
    if !DataDir::exists_and_is_trusted(dir)? {
        return Ok(Answer { running: false, status: None });
    }
    let running = is_in_use(dir)?;
    let path = dir.join(STATUS);
    let status = match files::read_optional(&path)? {
        None => None,
        Some(content) => Some(
            serde_json::from_slice(&content)
                .map_err(|error| StoreError::Content { path, problem: error.to_string() })?,
        ),
    };
    Ok(Answer { running, status })
}
