//! Running commands: four at a time, each with everything that it starts as one tree.

mod job;
#[cfg(test)]
mod job_tests;
mod start;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandResult, RunCommand};
use tokio::sync::{Semaphore, mpsc, watch};
use uuid::Uuid;

use crate::core::clock::Time;
use crate::store::ledger::SharedLedger;

/// Commands that run at the same time; others wait (SPEC-002, commands).
pub const SLOTS: usize = 4;

/// Where the scripts of running commands lie, in the data directory.
const SCRIPTS: &str = "scripts";

/// A step that was written down and can be reported.
#[derive(Debug)]
pub enum RunEvent {
    /// The process is about to be spawned.
    Started {
        /// The command.
        id: Uuid,
        /// When, by the server's clock.
        started_at: DateTime<Utc>,
    },
    /// One more piece of output is stored.
    Output {
        /// The command.
        id: Uuid,
    },
    /// It is over.
    Finished {
        /// The command.
        id: Uuid,
        /// How it ended.
        result: CommandResult,
    },
    /// Nothing more comes of this command.
    Gone {
        /// The command.
        id: Uuid,
    },
}

/// What is to be started.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The command's id.
    pub id: Uuid,
    /// The command; it is valid.
    pub command: &'a RunCommand,
    /// A private directory for files that a system's shells need; it may be missing.
    pub scratch: &'a Path,
    /// The agent's data directory.
    pub data_dir: &'a Path,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Whether that counts as success.
    pub success: bool,
    /// Its exit code, when it had one. Windows has unsigned ones; those above `i32::MAX` are negative here, as its own
    /// tools show them.
    pub code: Option<i32>,
    /// The signal that ended it (Unix).
    pub signal: Option<i32>,
    /// What is to be said besides.
    pub note: Option<String>,
}

/// Why a command is stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A person cancelled it.
    Cancelled,
    /// The agent ends; the text says why.
    AgentEnds(&'static str),
}

/// What the commands share.
#[derive(Clone)]
struct Context {
    ledger: SharedLedger,
    time: Arc<Time>,
    events: mpsc::UnboundedSender<RunEvent>,
    slots: Arc<Semaphore>,
    /// For starts, which may hang.
    starts: Arc<Semaphore>,
    scratch: PathBuf,
    data_dir: PathBuf,
}

/// All commands that wait or run.
pub struct Runner {
    context: Context,
    jobs: HashMap<Uuid, watch::Sender<Option<Stop>>>,
}

impl Runner {
    /// `events` gets every step after it was written down. Scripts of running commands lie in the data directory: what an
    /// earlier run left there is removed.
    #[must_use]
    pub fn new(
        ledger: SharedLedger,
        time: Arc<Time>,
        events: mpsc::UnboundedSender<RunEvent>,
        data_dir: PathBuf,
    ) -> Self {
        // A self-test is told it, and runs in another directory.
        let data_dir = std::path::absolute(&data_dir).unwrap_or(data_dir);
        let scratch = data_dir.join(SCRIPTS);
        match std::fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %scratch.display(), "scripts of earlier commands cannot be removed");
            }
            _ => {}
        }
        let slots = Arc::new(Semaphore::new(SLOTS));
        let starts = Arc::new(Semaphore::new(start::MOST_HANGING));
        Self { context: Context { ledger, time, events, slots, starts, scratch, data_dir }, jobs: HashMap::new() }
    }

    /// Takes on a command whose id is in the journal.
    pub fn accept(&mut self, id: Uuid, expires_at: DateTime<Utc>, command: RunCommand) {
        let (stop, stopped) = watch::channel(None);
        self.jobs.insert(id, stop);
        let context = self.context.clone();
        tokio::spawn(async move {
            job::run(&context, job::Job { id, expires_at, command }, stopped).await;
            // The receiver is gone only when the agent ends.
            let _ = context.events.send(RunEvent::Gone { id });
        });
    }

    /// Stops a command; does nothing for one that is over.
    pub fn stop(&self, id: Uuid, why: Stop) {
        if let Some(job) = self.jobs.get(&id) {
            job.send_if_modified(|stop| stop.is_none() && stop.replace(why).is_none());
        }
    }

    /// Stops everything.
    pub fn stop_all(&self, why: &'static str) {
        for id in self.jobs.keys() {
            self.stop(*id, Stop::AgentEnds(why));
        }
    }

    /// A command sent [`RunEvent::Gone`].
    pub fn gone(&mut self, id: Uuid) {
        self.jobs.remove(&id);
    }

    /// How many wait or run.
    #[must_use]
    pub fn in_progress(&self) -> usize {
        self.jobs.len()
    }
}
