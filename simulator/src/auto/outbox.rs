//! Reports that the server has not acknowledged yet.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use gururmm_protocol::limits::MAX_UNACKED_REPORTS;
use gururmm_protocol::message::{FromAgent, Report};
use tokio::time::Instant;

use crate::{Session, SimError};

/// An unacknowledged report is sent again after this long.
const RESEND_AFTER: Duration = Duration::from_secs(60);

/// Reports in order: those under way by their number, then those that wait.
#[derive(Default)]
pub struct Outbox {
    waiting: VecDeque<Report>,
    under_way: BTreeMap<u64, (Report, Instant)>,
}

impl Outbox {
    /// Appends a report.
    pub fn push(&mut self, report: Report) {
        self.waiting.push_back(report);
    }

    /// A new session: what was under way waits again, in front. Inventory is left out, because the welcome says anew
    /// which sections the server lacks.
    pub fn new_session(&mut self) {
        for (report, _) in std::mem::take(&mut self.under_way).into_values().rev() {
            if !matches!(report, Report::Inventory(_)) {
                self.waiting.push_front(report);
            }
        }
    }

    /// Sends what may be under way.
    pub async fn flush(&mut self, session: &mut Session) -> Result<(), SimError> {
        while self.under_way.len() < MAX_UNACKED_REPORTS
            && let Some(report) = self.waiting.pop_front()
        {
            let seq = session.send_report(report.clone()).await?;
            self.under_way.insert(seq, (report, Instant::now()));
        }
        Ok(())
    }

    /// Sends again what has had no answer for a minute.
    pub async fn resend_overdue(&mut self, session: &mut Session) -> Result<(), SimError> {
        for (seq, (report, sent)) in &mut self.under_way {
            if sent.elapsed() >= RESEND_AFTER {
                *sent = Instant::now();
                session.send(&FromAgent::Report { seq: *seq, report: report.clone() }).await?;
            }
        }
        Ok(())
    }

    /// The server has stored it, or never will: forgotten either way. Gives it back if it was under way.
    pub fn settled(&mut self, seq: u64) -> Option<Report> {
        self.under_way.remove(&seq).map(|(report, _)| report)
    }

    /// Whether a report that `matches` is neither stored nor forgotten.
    pub fn holds(&self, matches: impl Fn(&Report) -> bool) -> bool {
        self.waiting.iter().any(&matches) || self.under_way.values().any(|(report, _)| matches(report))
    }
}
