//! What a fleet has done so far.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gururmm_protocol::handshake::Rejected;
use serde::Serialize;

use crate::SimError;
use crate::auto::End;

/// Counters that all agents of a fleet share.
pub struct Stats {
    agents: usize,
    started: Instant,
    enrolled: AtomicU64,
    connected: AtomicU64,
    connects: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    commands: AtomicU64,
    rejected: AtomicU64,
    decommissioned: AtomicU64,
    unknown_keys: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// The counts at one moment; one JSON line of the program's output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Seconds since the start.
    pub elapsed_seconds: f64,
    /// Agents in all.
    pub agents: usize,
    /// Agents that have an enrollment, from this run or an earlier one.
    pub enrolled: u64,
    /// Agents that are connected now.
    pub connected: u64,
    /// Sessions established so far.
    pub connects: u64,
    /// Reports that the server has stored.
    pub reports_acked: u64,
    /// Reports that the server would not take.
    pub reports_refused: u64,
    /// Commands that ran to their end.
    pub commands_run: u64,
    /// Times the server rejected a connection.
    pub rejected: u64,
    /// Agents that were decommissioned.
    pub decommissioned: u64,
    /// Agents whose key the server does not know.
    pub unknown_keys: u64,
    /// Everything else that went wrong.
    pub errors: u64,
    /// The latest rejection, refusal or error.
    pub last_error: Option<String>,
}

/// Counts one connected agent for as long as it lives.
pub struct Connected(Arc<Stats>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Relaxed);
    }
}

impl Stats {
    pub(crate) fn new(agents: usize) -> Self {
        Self {
            agents,
            started: Instant::now(),
            enrolled: AtomicU64::default(),
            connected: AtomicU64::default(),
            connects: AtomicU64::default(),
            acknowledged: AtomicU64::default(),
            refused: AtomicU64::default(),
            commands: AtomicU64::default(),
            rejected: AtomicU64::default(),
            decommissioned: AtomicU64::default(),
            unknown_keys: AtomicU64::default(),
            errors: AtomicU64::default(),
            last_error: Mutex::default(),
        }
    }

    pub(crate) fn status(&self) -> Status {
        Status {
            elapsed_seconds: (self.started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            agents: self.agents,
            enrolled: self.enrolled.load(Relaxed),
            connected: self.connected.load(Relaxed),
            connects: self.connects.load(Relaxed),
            reports_acked: self.acknowledged.load(Relaxed),
            reports_refused: self.refused.load(Relaxed),
            commands_run: self.commands.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            decommissioned: self.decommissioned.load(Relaxed),
            unknown_keys: self.unknown_keys.load(Relaxed),
            errors: self.errors.load(Relaxed),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    pub(crate) fn enrolled(&self) {
        self.enrolled.fetch_add(1, Relaxed);
    }

    pub(crate) fn connected(self: &Arc<Self>) -> Connected {
        self.connects.fetch_add(1, Relaxed);
        self.connected.fetch_add(1, Relaxed);
        Connected(Arc::clone(self))
    }

    pub(crate) fn acknowledged(&self) {
        self.acknowledged.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self, message: &str) {
        self.refused.fetch_add(1, Relaxed);
        self.note(format!("report refused: {message}"));
    }

    pub(crate) fn commands_ran(&self, count: u64) {
        self.commands.fetch_add(count, Relaxed);
    }

    pub(crate) fn rejected(&self, rejected: &Rejected) {
        self.rejected.fetch_add(1, Relaxed);
        self.note(format!("rejected: {:?}: {}", rejected.code, rejected.message));
    }

    pub(crate) fn failed(&self, error: &SimError) {
        self.errors.fetch_add(1, Relaxed);
        self.note(error.to_string());
    }

    pub(crate) fn ended(&self, end: End) {
        match end {
            End::Stopped => 0,
            End::Decommissioned => self.decommissioned.fetch_add(1, Relaxed),
            End::UnknownKey => self.unknown_keys.fetch_add(1, Relaxed),
        };
    }

    fn note(&self, text: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}
