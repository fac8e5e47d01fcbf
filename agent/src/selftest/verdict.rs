//! What came of a check, and the clock that runs with each.

use std::time::Duration;

use gururmm_protocol::selftest::{Check, CheckName, CheckState};
use tokio::time::{Instant, timeout};

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub state: CheckState,
    pub code: &'static str,
    reason: String,
    fix: Option<String>,
    evidence: Vec<String>,
}

impl Verdict {
    fn new(state: CheckState, code: &'static str, reason: impl Into<String>, fix: Option<String>) -> Self {
        Self { state, code, reason: reason.into(), fix, evidence: Vec::new() }
    }

    pub fn ok(code: &'static str, reason: impl Into<String>) -> Self {
        Self::new(CheckState::Ok, code, reason, None)
    }

    pub fn warning(code: &'static str, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(CheckState::Warning, code, reason, Some(fix.into()))
    }

    pub fn failed(code: &'static str, reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(CheckState::Failed, code, reason, Some(fix.into()))
    }

    pub fn skipped(code: &'static str, reason: impl Into<String>) -> Self {
        Self::new(CheckState::Skipped, code, reason, None)
    }

    /// With one more line of evidence.
    #[must_use]
    pub fn with(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    pub fn into_check(self, name: CheckName, took: Duration) -> Check {
        let Self { state, code, reason, fix, evidence } = self;
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Check { name, state, code: code.to_owned(), reason, fix, evidence, duration_ms }
    }
}

/// Makes a check that also tells something to those after it; one that hangs is told as such, and tells nothing.
pub(super) async fn timed<T: Default>(
    name: CheckName,
    deadline: Duration,
    work: impl Future<Output = (Verdict, T)>,
) -> (Check, T) {
    let began = Instant::now();
    let (verdict, told) = timeout(deadline, work).await.unwrap_or_else(|_| (no_answer(name, deadline), T::default()));
    (verdict.into_check(name, began.elapsed()), told)
}

fn no_answer(name: CheckName, deadline: Duration) -> Verdict {
    let fix = match name {
        CheckName::Permissions | CheckName::Disk => {
            "Look at the disk that the data directory lies on; one that answers nobody usually needs a restart of the \
             machine, or a new disk."
        }
        CheckName::ServiceManager | CheckName::Wmi | CheckName::TaskScheduler => {
            "Restart the service that does not answer, or the machine."
        }
        _ => "Look at firewalls on the way that swallow connections instead of refusing them.",
    };
    Verdict::failed("no_answer", format!("No answer came within {} s.", deadline.as_secs()), fix)
}

/// A check that calls what may block, on a thread of its own.
pub(super) async fn aside<T: Default + Send + 'static>(
    work: impl FnOnce() -> (Verdict, T) + Send + 'static,
) -> (Verdict, T) {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        let verdict =
            Verdict::failed("broken_check", "The check itself has failed.", "Report this as a fault of the agent.");
        (verdict, T::default())
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_is_told_as_such() {
        let deadline = Duration::from_secs(10);
        let (check, told) = timed(CheckName::Wmi, deadline, pending::<(Verdict, u32)>()).await;
        assert_eq!((check.state, check.code.as_str(), told), (CheckState::Failed, "no_answer", 0));
        assert_eq!(check.duration_ms, 10_000);
        assert!(check.reason.contains("10 s"), "{check:?}");
    }

    #[tokio::test]
    async fn a_check_that_panics_costs_only_itself() {
        let (verdict, ()) = aside(|| panic!("for a test")).await;
        assert_eq!(verdict.code, "broken_check");
    }
}
