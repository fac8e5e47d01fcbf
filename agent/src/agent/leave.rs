//! How the agent ends: asked to stop, or decommissioned for good.

use std::time::Duration;

use gururmm_protocol::envelope::EnvelopeHeader;

use super::Ended;
use super::engine::Engine;
use crate::core::journal::Record;
use crate::store::DataDir;
use crate::store::config::{Config, DECOMMISSIONED, Decommissioned};
use crate::store::status::LinkState;
use crate::{log, service};

/// How long ending the commands may take (request, five seconds, kill, pipes).
const COMMANDS: Duration = Duration::from_secs(12);
/// How long the last results may take to reach the server when the agent stops.
const LAST_REPORTS: Duration = Duration::from_secs(2);
/// How long a decommissioned agent waits for the server's acknowledgement.
const LAST_WORD: Duration = Duration::from_secs(30);

/// The agent is ending.
#[derive(Debug)]
pub(super) struct Leaving {
    decommissioned: Option<Decommissioned>,
    since: Duration,
    idle_since: Option<Duration>,
    acknowledged: bool,
}

impl Leaving {
    pub fn acknowledged(&mut self) {
        self.acknowledged = true;
    }
}

impl Engine {
    /// The system asked the agent to stop.
    pub(super) fn stop_in_order(&mut self) {
        tracing::info!("the agent stops");
        self.leave(None, "the agent was stopped while the command ran");
    }

    /// The server does not want this agent any more. The mark is on the disk before anything else happens: whatever
    /// comes, this agent does not run again.
    pub(super) fn decommission(&mut self, header: &EnvelopeHeader, uninstall: bool) {
        let mark = Decommissioned { envelope_id: header.id, uninstall, at: self.time.now() };
        if let Err(error) = mark.save(&self.dir) {
            tracing::error!(%error, "the decommission cannot be written down; it is followed all the same");
        }
        let acted = self.ledger.lock().record(Record::Acted { id: header.id, expires_at: header.expires_at });
        if let Err(error) = acted {
            tracing::error!(%error, "the decommission cannot be written into the journal");
        }
        tracing::info!(uninstall, "this agent was decommissioned");
        self.outbox.decommissioned(header.id);
        self.leave(Some(mark), "the agent was decommissioned while the command ran");
    }

    fn leave(&mut self, decommissioned: Option<Decommissioned>, why: &'static str) {
        self.runner.stop_all(why);
        self.leaving =
            Some(Leaving { decommissioned, since: self.time.steady(), idle_since: None, acknowledged: false });
    }

    /// Whether everything that can still be said has been said, or there is no more time.
    pub(super) fn may_leave(&mut self) -> bool {
        let now = self.time.steady();
        let idle = self.runner.in_progress() == 0;
        let (connected, delivered) = (self.session.is_some(), self.outbox.commands_delivered());
        let Some(leaving) = &mut self.leaving else { return false };
        if !idle {
            return now.saturating_sub(leaving.since) >= COMMANDS;
        }
        let waited = now.saturating_sub(*leaving.idle_since.get_or_insert(now));
        if leaving.decommissioned.is_some() {
            leaving.acknowledged || waited >= LAST_WORD
        } else {
            !connected || delivered || waited >= LAST_REPORTS
        }
    }

    /// The last steps, after the connection is closed. With *uninstall* the data directory is given back: it is removed
    /// when nothing uses it any more.
    pub(super) fn farewell(mut self) -> (Ended, Option<DataDir>) {
        let mark = self.leaving.take().and_then(|leaving| leaving.decommissioned);
        let Some(mark) = mark else {
            self.set_state(LinkState::Stopped, Some("the agent was stopped".to_owned()), None);
            return (Ended::Stopped, None);
        };
        if mark.uninstall {
            return (Ended::Decommissioned, Some(self.dir));
        }
        forget(&self.dir);
        let reason = "decommissioned on the server; enroll this machine anew to use it".to_owned();
        self.set_state(LinkState::Decommissioned, Some(reason), None);
        (Ended::Decommissioned, None)
    }
}

/// Removes the keys first, then everything but the mark and the record of the installation, without which `service uninstall`
/// would not know what to remove. What cannot be removed is logged: the mark stays, and the next start tries again.
pub(super) fn forget(dir: &DataDir) {
    if let Err(error) = Config::remove_keys(dir) {
        tracing::error!(%error, "a key of this agent could not be removed");
    }
    if let Err(error) = dir.wipe(&[DECOMMISSIONED, service::INSTALLED]) {
        tracing::error!(%error, "not everything of this agent could be removed");
    }
}

/// Removes the keys first, then all data but what says what else there is to remove, then the service, its program, and the
/// rest. What cannot be removed is logged; while the service and the mark are there, its next start tries again.
pub(super) fn uninstall(dir: DataDir) {
    tracing::info!("this agent removes itself");
    if let Err(error) = Config::remove_keys(&dir) {
        tracing::error!(%error, "a key of this agent could not be removed");
    }
    let found = service::Found::find(dir.path());
    if let Some(program) = found.as_ref().and_then(service::Found::unclaimed) {
        tracing::warn!(program = %program.display(), "the record of the installation is lost: the program stays");
    }
    // On Windows nobody removes a file that is open.
    log::close();
    if let Err(error) = dir.wipe(&[DECOMMISSIONED, service::INSTALLED]) {
        tracing::error!(%error, "not everything of this agent could be removed; its next start tries again");
        return;
    }
    if let Err(error) = service::remove(found.as_ref(), Some(dir)) {
        tracing::error!("{error}");
    }
}
