//! What an agent finds when it examines itself and its machine: the output of [`Program::Selftest`].
//!
//! [`Program::Selftest`]: crate::command::Program::Selftest

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::instant::clamp_instant;
use crate::limits;
use crate::text::{clean_line, clean_option};

/// The form of the report. It is raised when a reader of the earlier form would understand a report wrongly; new checks,
/// codes and fields do not raise it.
///
/// - 1 (2026-11-23): first form.
pub const SCHEMA: u32 = 1;

/// Most checks in a report.
pub const MAX_CHECKS: usize = 32;
/// Most lines of evidence of a check.
pub const MAX_EVIDENCE: usize = 16;
/// Longest line of evidence, and longest reason and fix, in characters.
pub const MAX_LINE: usize = 500;

/// The whole report; one JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelftestReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The agent's version.
    pub agent_version: String,
    /// The operating system and processor architecture that the agent was built for, for example `linux x86_64`.
    pub system: String,
    /// When it began, by the machine's own clock (the check `clock` tells how wrong that is).
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The worst of all checks.
    pub overall: CheckState,
    /// The checks, in the order in which they are to be read.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: CheckName,
    /// What came of it.
    pub state: CheckState,
    /// Why, as one of the codes of SPEC-003; a word for programs.
    pub code: String,
    /// Why, as a sentence.
    pub reason: String,
    /// What a person does about it; nothing where nothing is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// What the verdict was made from, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The agent's account, and who may read what it keeps.
    Permissions,
    /// The data directory takes files, and there is space.
    Disk,
    /// What enrollment left behind can be used.
    Enrollment,
    /// What starts the agent with the machine.
    ServiceManager,
    /// The server's host name has an address.
    NameResolution,
    /// The way out: an HTTP proxy, or none.
    Proxy,
    /// The server's certificate is believed.
    Tls,
    /// The server answers.
    Reachability,
    /// The server holds the key that this machine was enrolled with.
    ServerIdentity,
    /// WebSockets get through.
    AgentSocket,
    /// The machine's clock agrees with the server's.
    Clock,
    /// Windows Management Instrumentation answers.
    Wmi,
    /// The task scheduler of Windows answers.
    TaskScheduler,
    /// One that a newer agent makes.
    #[serde(other)]
    Unknown,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// The agent works; somebody should look at it all the same.
    Warning,
    /// The agent cannot work as it should.
    Failed,
    /// Nothing was looked at: it does not apply here, or what it needs is missing.
    Skipped,
}

impl CheckState {
    /// The worst of some states; `Ok` when there is none that says otherwise.
    #[must_use]
    pub fn worst(states: impl IntoIterator<Item = Self>) -> Self {
        states.into_iter().fold(Self::Ok, |worst, state| match (worst, state) {
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Warning, _) | (_, Self::Warning) => Self::Warning,
            _ => Self::Ok,
        })
    }
}

impl SelftestReport {
    /// Bounds and cleans every text.
    pub fn bound(&mut self) {
        for text in [&mut self.agent_version, &mut self.system] {
            *text = clean_line(text, limits::MAX_NAME);
        }
        clamp_instant(&mut self.started_at);
        self.checks.truncate(MAX_CHECKS);
        for check in &mut self.checks {
            check.code = clean_line(&check.code, limits::MAX_NAME);
            check.reason = clean_line(&check.reason, MAX_LINE);
            clean_option(&mut check.fix, MAX_LINE);
            check.evidence.truncate(MAX_EVIDENCE);
            for line in &mut check.evidence {
                *line = clean_line(line, MAX_LINE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_and_what_was_skipped_does_not() {
        use CheckState::{Failed, Ok, Skipped, Warning};
        assert_eq!(CheckState::worst([]), Ok);
        assert_eq!(CheckState::worst([Skipped, Ok]), Ok);
        assert_eq!(CheckState::worst([Ok, Warning, Skipped]), Warning);
        assert_eq!(CheckState::worst([Failed, Warning, Ok]), Failed);
        assert_eq!(CheckState::worst([Warning, Failed]), Failed);
    }

    #[test]
    fn a_report_is_bounded() {
        let check = Check {
            name: CheckName::Disk,
            state: CheckState::Ok,
            code: "c".repeat(5_000),
            reason: "r\n".repeat(5_000),
            fix: Some("\u{202E}".to_owned()),
            evidence: vec!["e".repeat(5_000); 100],
            duration_ms: 0,
        };
        let mut report = SelftestReport {
            schema: SCHEMA,
            agent_version: "v".repeat(5_000),
            system: "s\0".to_owned(),
            started_at: DateTime::<Utc>::MAX_UTC,
            duration_ms: 0,
            overall: CheckState::Ok,
            checks: vec![check; 100],
        };
        report.bound();
        assert!(serde_json::to_string(&report).unwrap().len() < MAX_CHECKS * (MAX_EVIDENCE + 4) * MAX_LINE);
        assert_eq!((report.checks.len(), report.checks[0].evidence.len()), (MAX_CHECKS, MAX_EVIDENCE));
        assert_eq!((report.system.as_str(), report.checks[0].fix.as_deref()), ("s", None));
    }
}
